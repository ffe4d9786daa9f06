/** From a request that asks for an upgrade, or a CONNECT, to `server.emit('upgrade')` and `server.emit('connect')`. */
import * as frames from '../queue/frames';
import { kBodyDone } from '../symbols';
import type { Link, OwnRequest, OwnServer, OwnSocket } from './own';

/** Minor version of the frame protocol since which engines know OPAQUE. */
const opaqueMinor = 2;

/** Whether the inline body of a request of this kind shows what the client sent behind it (docs/frames.md). */
export function showsAhead(link: Link): boolean {
  return link.channel.minor >= opaqueMinor;
}

/**
 * Turns the connection into a stream of bytes and gives it to the program.
 *
 * @param ahead what the client has sent behind the head; valid only during the call
 * @returns false when the program does not want it: then it is an ordinary request
 */
export function dispatchUpgrade(
  server: OwnServer,
  link: Link,
  request: OwnRequest,
  socket: OwnSocket,
  flags: number,
  ahead: Buffer | null,
): boolean {
  if (!showsAhead(link)) return false;
  const event = request.method === 'CONNECT' ? 'connect' : 'upgrade';
  (request as { upgrade?: boolean }).upgrade = true;
  if (event === 'upgrade' && !server.shouldUpgradeCallback(request)) {
    (request as { upgrade?: boolean }).upgrade = false;
    return false;
  }
  if ((flags & frames.RequestEnd) !== 0) {
    request.complete = true;
    request[kBodyDone] = true;
  }
  const head = ahead === null ? Buffer.alloc(0) : Buffer.from(ahead);
  socket.beginRequest();
  socket.leaveHttp(request, head.length);
  socket.scope.runInAsyncScope(announce, undefined, server, event, request, socket, head);
  return true;
}

function announce(server: OwnServer, event: string, request: OwnRequest, socket: OwnSocket, head: Buffer): void {
  // As with node:http: a CONNECT, or an upgrade that `shouldUpgradeCallback` wanted, and nobody listens.
  if (!server.emit(event, request, socket, head)) socket.destroy();
}
