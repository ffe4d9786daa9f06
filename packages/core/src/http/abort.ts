/** What a program sees when a client is gone before its answer: node:http's events in node:http's order. */
import { kEnded, kLink, kReferred, kResponse, kServer, kWaiting } from '../symbols';
import { destroyRequest } from './client-gone';
import { loseFragment } from './fragment-response';
import { nodeError } from './node-internals';
import type { Link, OwnRequest, OwnResponse, OwnSocket } from './own';

function emitResponseClose(response: OwnResponse): void {
  if (response._closed) return;
  response.destroyed = true;
  response._closed = true;
  response.emit('close');
}

function emitSocketClose(socket: OwnSocket, hadError: boolean): void {
  socket.scope.emitDestroy();
  socket.emit('close', hadError);
}

/**
 * Tells of the end of a connection: 'aborted' on the request that was under way, 'close' on its response and on the socket, then 'error' and
 * 'close' on the request. A listener that throws keeps nothing from the others.
 */
export function announceEnd(socket: OwnSocket, request: OwnRequest | null, hadError: boolean): void {
  if (request !== null) {
    process.nextTick(destroyRequest, request);
    process.nextTick(emitResponseClose, request[kResponse]!);
  }
  process.nextTick(emitSocketClose, socket, hadError);
}

function endsWithChunk(response: OwnResponse): boolean {
  const { _headerSent: begun, _hasBody: hasBody, _contentLength: length, _removedTE: untilClose, useChunkedEncodingByDefault } = response;
  return begun && hasBody && length === null && !untilClose && useChunkedEncodingByDefault && response.req.httpVersionMinor >= 1;
}

/** Takes an exchange whose connection is gone out of everything; without events. */
export function abortExchange(link: Link, request: OwnRequest): void {
  const response = request[kResponse]!;
  link.removeRequest(request);
  request[kLink] = null;
  response[kLink] = null;
  response[kEnded] = true;
  const server = response[kServer];
  loseFragment(response);
  const waiting = response[kWaiting];
  response[kWaiting] = null;
  const left = waiting === null && link.hasTaken(response[kReferred]);
  // Node's callback of `end` emits 'finish' unless it finds this: what never left is not finished, nor is a body in chunks without its last one.
  if (!left || (!response.finished && endsWithChunk(response))) (request.socket as { _hadError?: boolean })._hadError = true;
  if (waiting !== null) {
    const error = nodeError(Error, 'ERR_STREAM_DESTROYED', 'Cannot call write after a stream was destroyed');
    for (const piece of waiting) if (piece.callback !== null) process.nextTick(piece.callback, error);
  }
  server.requestDone(request);
}
