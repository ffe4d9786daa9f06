/** The end of a connection: told by the engine, or by the program to the engine, and then to whoever listens. */
import * as frames from '../../queue/frames';
import { kFragment, kLink, kResponse } from '../../symbols';
import { abortExchange, announceEnd } from '../abort';
import { resetError } from '../client-gone';
import { kTimeout } from '../node-internals';
import type { SocketState } from './socket-state';

/** `_destroy` of the connection. */
export function destroyConnection(socket: SocketState, error: Error | null, callback: (error?: Error | null) => void): void {
  const { link, currentRequest } = socket;
  const told = socket.gone;
  tellEngine(socket);
  socket.gone = true;
  link.removeConnection(socket);
  socket.server.connectionDone();
  let request = currentRequest !== null && currentRequest[kLink] !== null ? currentRequest : null;
  socket.currentRequest = null;
  clearTimeout((socket as unknown as Record<symbol, NodeJS.Timeout | undefined>)[kTimeout]);
  callback(error);
  if (request !== null) abortExchange(link, request);
  // One that was answered past its response has not heard of an end.
  else if (socket.rawAnswer !== null && socket.rawAnswer.ended) request = socket.rawAnswer.request;
  if (told) announceEnd(socket, request, error !== null);
  // A program that destroys a connection hears of its end in a later turn, as with a handle that has to be closed first.
  else setImmediate(announceEnd, socket, request, error !== null);
}

function tellEngine({ link, currentRequest, opaque, gone, resets, handed, connectionId }: SocketState): void {
  if (opaque !== null) {
    if (gone) opaque.finish();
    else opaque.close(resets);
  } else if (!gone && link.open) {
    const isRequest = currentRequest !== null && !handed;
    if (isRequest) link.writer.plain(frames.Cancel, 0, currentRequest.requestId);
    // Of a request whose response is or may be complete the engine may know nothing any more: the end of its body, or word of its fragment, is on its way.
    const response = currentRequest?.[kResponse];
    if (!isRequest || response?.[kLink] === null || (response?.[kFragment] ?? null) !== null)
      link.writer.plain(frames.CloseConnections, frames.CloseAll, connectionId);
    link.touch();
  }
}

/** The engine reports that the client is gone. */
export function closedByEngine(socket: SocketState, error?: Error): void {
  socket.gone = true;
  const { opaque } = socket;
  if (opaque !== null) {
    opaque.finish();
    // What has come is still read; otherwise nobody said goodbye.
    if (!opaque.inputEnded) lost(socket);
    return;
  }
  if (error === undefined) tellEnd(socket);
  socket.destroy(error);
}

/** The client sends no more. */
export function tellEnd(socket: SocketState): void {
  if (socket.destroyed || socket.answeredLast || socket.endTold) return;
  socket.endTold = true;
  // The constructor of net.Socket listens to 'end' itself; others want to know.
  if (socket.listenerCount('end') > 1) socket.emit('end');
}

/** The client has reset the connection, or the engine is gone. */
export function lost(socket: SocketState): void {
  socket.gone = true;
  socket.destroy(resetError());
}

/** The server gives the connection up and has told the engine, or leaves it to others on the port. */
export function giveUp(socket: SocketState): void {
  socket.gone = true;
  socket.destroy();
}
