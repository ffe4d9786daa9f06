/**
 * The end of an exchange: events in Node's order ('finish', then 'close'), the request's unread body, the socket's `_httpMessage`.
 * Nothing is scheduled for objects nobody listens to.
 */
import type * as http from 'node:http';
import { EventEmitter } from 'node:events';
import { responseFinishChannel } from '../diagnostics';
import { kBodyDone, kLink, kResponse, kServer } from '../symbols';
import { destroyRequest } from './client-gone';
import type { OwnRequest, OwnResponse } from './own';

interface Listened {
  _eventsCount: number;
}

interface ServingSocket {
  _httpMessage: unknown;
  ending: boolean;
  timeout?: number;
  setTimeout(ms: number): void;
  destroy(): void;
}

interface Consumed extends http.IncomingMessage {
  _consuming: boolean;
  _dumped: boolean;
  _dump(): void;
  _readableState: { endEmitted: boolean; destroyed: boolean; closed: boolean };
}

const nativeEmit = EventEmitter.prototype.emit;

/** Somebody gets the events of this object: a listener, or an agent that has put its own `emit` on the prototype. */
function isHeard(emitter: OwnRequest | OwnResponse): boolean {
  return (emitter as unknown as Listened)._eventsCount > 0 || emitter.emit !== nativeEmit;
}

/** The socket is idle again, and no longer the response's. */
function detach(response: OwnResponse): void {
  const socket = response.req.socket as unknown as ServingSocket | null;
  if (socket !== null && socket._httpMessage === response) {
    socket._httpMessage = null;
    if (socket.ending) socket.destroy();
    // From here on `keepAliveTimeout` counts, which is the engine's; the next request sets the server's `timeout` again.
    else if (socket.timeout !== undefined && socket.timeout > 0 && response[kServer].keepAliveTimeout > 0) socket.setTimeout(0);
  }
  (response as { socket: unknown }).socket = null;
}

/** State of both objects once the exchange is over; without events. */
function settle(response: OwnResponse): void {
  detach(response);
  response.destroyed = true;
  response._closed = true;
}

/** The engine drains what nobody read; for the program the body is over. */
function endUnreadBody(request: OwnRequest): void {
  const consumed = request as unknown as Consumed;
  if (!request[kBodyDone]) {
    request[kBodyDone] = true;
    request.complete = true;
    if (!request.destroyed && consumed._consuming) request.push(null);
  }
  // A body that is about to flow (`resume` or a 'data' listener of this turn) reaches its reader all the same.
  if (!consumed._consuming && request.readableFlowing !== true && request.listenerCount('readable') === 0) consumed._dump();
}

/** What reading it to the end without a listener would have left behind, so that `stream.finished` of a later turn settles. */
function endUnheard(request: OwnRequest): void {
  request[kBodyDone] = true;
  request.complete = true;
  const state = (request as unknown as Consumed)._readableState;
  state.endEmitted = true;
  state.destroyed = true;
  state.closed = true;
}

function emitClose(response: OwnResponse): void {
  if (response._closed) return;
  settle(response);
  response.emit('close');
}

/** What node:http's own listener of 'finish' does, which comes before the program's: there `res.socket` is null and the socket is idle. */
function release(response: OwnResponse): void {
  const request = response.req;
  if (responseFinishChannel.hasSubscribers) {
    responseFinishChannel.publish({ request, response, socket: request.socket, server: response[kServer] });
  }
  settleBody(request);
  // Else it ends by itself.
  if (request[kLink] === null) {
    // Destroyed in the turn of `end`: the rest of the body never comes, so its reader must not take what it has for all.
    if (!request[kBodyDone] && request.socket?.destroyed) destroyRequest(request);
    else if (isHeard(request)) endUnreadBody(request);
    else endUnheard(request);
  }
  detach(response);
  process.nextTick(emitClose, response);
}

function releaseAtFinish(this: OwnResponse): void {
  release(this);
}

function emitFinish(response: OwnResponse): void {
  release(response);
  response.emit('finish');
}

/** The request is over for the engine: its id may be given to another one. */
function leave(response: OwnResponse): void {
  response[kLink] = null;
  leaveRequest(response.req);
}

/** The same for a request whose response was complete before. */
export function leaveRequest(request: OwnRequest): void {
  request[kLink]!.removeRequest(request);
  request[kLink] = null;
  request[kResponse]![kServer].requestDone(request);
}

/** Somebody reads the body, or is about to. */
function isRead(request: OwnRequest): boolean {
  const consumed = request as unknown as Consumed;
  if (request[kBodyDone] || request.destroyed || consumed._dumped) return false;
  return consumed._consuming || request.readableFlowing !== null || request.listenerCount('readable') > 0;
}

/** The response is complete, and whether the body goes on is decided now, as node:http does: when 'finish' is told. */
function settleBody(request: OwnRequest): void {
  const link = request[kLink];
  if (link === null || isRead(request)) return;
  link.writer.end(request.requestId, '', true, false);
  link.touch();
  leaveRequest(request);
}

/** The short cut of `end` has composed the whole response; all events are still to come. */
export function completeAtOnce(response: OwnResponse): void {
  const link = response[kLink]!;
  leave(response);
  if (isHeard(response)) response.emit('prefinish');
  else if (!isHeard(response.req) && !responseFinishChannel.hasSubscribers) {
    link.settleLater(response, settleQuietly);
    return;
  }
  process.nextTick(emitFinish, response);
}

/**
 * Node's code has written a response, whose last frame was composed now.
 *
 * @param finished 'finish' was emitted before; else Node has scheduled it
 * @param keepsBody the engine still delivers the request's body
 */
export function completeResponse(response: OwnResponse, finished: boolean, keepsBody: boolean): void {
  if (keepsBody) response[kLink] = null;
  else leave(response);
  if (finished) process.nextTick(release, response);
  else response.prependListener('finish', releaseAtFinish);
}

function settleQuietly(response: OwnResponse): void {
  // Listeners that were added since (after `end`, in the same turn) get their events all the same; not from here, where the batch would
  // stay behind when one throws.
  if (isHeard(response) || isHeard(response.req)) process.nextTick(emitFinish, response);
  else {
    endUnheard(response.req);
    settle(response);
  }
}

/**
 * On an engine that forgets the request with END (BODY-3), a program that answers while it still reads the request body keeps the request
 * open until the body is read. Called when the turn in which the response ended is over, as Node decides then whether to drop the body.
 */
export function afterBodyRead(response: OwnResponse, then: (response: OwnResponse) => void): void {
  const request = response.req;
  if (!isRead(request)) {
    then(response);
    return;
  }
  let called = false;
  const once = (): void => {
    if (called) return;
    called = true;
    then(response);
  };
  request.once('end', once);
  request.once('close', once);
}
