/**
 * A response whose request broke on its way ('clientError'): the engine has let go of the exchange, and what the program answers through `res` all
 * the same is written to the client as it is, by Node's own code, as its socket is the program's (docs/frames.md, RAW).
 */
import type { OwnResponse, OwnSocket } from './own';
import { hooks } from './response-hooks';
import { kHead, kLink } from '../symbols';

function emitClose(response: OwnResponse): void {
  if (response._closed) return;
  response.destroyed = true;
  response._closed = true;
  response.emit('close');
}

/** The head was composed for the engine, which would have added these fields. */
function completeHead(response: OwnResponse): void {
  const fields = response._header!.slice(0, -2);
  const date = response.sendDate && !/^date:/im.test(fields) ? `Date: ${new Date().toUTCString()}\r\n` : '';
  response._header = `${fields}${date}${/^connection:/im.test(fields) ? '' : 'Connection: close\r\n'}\r\n`;
  response[kHead] = null;
}

/** Lets the response write to the socket itself; the connection ends behind it, because nothing more is read from it. */
export function handResponseOver(response: OwnResponse, socket: OwnSocket): void {
  if (response._headerSent || response.finished) {
    // It was on its way to the engine, and is lost with the exchange.
    response.once('finish', () => socket.destroy());
    return;
  }
  for (const name of Object.keys(hooks) as (keyof typeof hooks)[]) delete (response as Partial<typeof hooks>)[name];
  response[kLink] = null;
  response.shouldKeepAlive = false;
  if (response._header !== null) completeHead(response);
  response.prependListener('finish', () => {
    response.detachSocket(socket);
    socket.end();
    process.nextTick(emitClose, response);
  });
}
