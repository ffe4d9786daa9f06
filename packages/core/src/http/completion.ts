/**
 * The end of an exchange: events in Node's order ('finish', then 'close'), the request's unread body, the socket's `_httpMessage`.
 * Nothing is scheduled for objects nobody listens to.
 */
import type * as http from 'node:http';
import { responseFinishChannel } from '../diagnostics';
import { kBodyDone, kLink, kServer } from '../symbols';
import type { OwnRequest } from './incoming-message';
import type { OwnResponse } from './server-response';

interface Listened {
  _eventsCount: number;
}

interface Consumed extends http.IncomingMessage {
  _consuming: boolean;
  _dumped: boolean;
  _dump(): void;
}

function detach(response: OwnResponse): void {
  (response as { socket: unknown }).socket = null;
}

/** State of both objects once the exchange is over; without events. */
function settle(response: OwnResponse): void {
  const request = response.req;
  const socket = request.socket as unknown as { _httpMessage: unknown } | null;
  if (socket !== null && socket._httpMessage === response) socket._httpMessage = null;
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
  if (!consumed._consuming && (request as unknown as Listened)._eventsCount > 0) consumed._dump();
}

function emitClose(response: OwnResponse): void {
  if (response._closed) return;
  settle(response);
  response.emit('close');
}

function afterFinish(response: OwnResponse): void {
  const request = response.req;
  if (responseFinishChannel.hasSubscribers) {
    responseFinishChannel.publish({ request, response, socket: request.socket, server: response[kServer] });
  }
  endUnreadBody(request);
  const socket = request.socket as unknown as { _httpMessage: unknown } | null;
  if (socket !== null && socket._httpMessage === response) socket._httpMessage = null;
  detach(response);
  process.nextTick(emitClose, response);
}

function emitFinish(response: OwnResponse): void {
  response.emit('finish');
  afterFinish(response);
}

/**
 * The last frame of a response was composed.
 *
 * @param withFinish 'finish' is still to be emitted (the short cut of `end`); otherwise Node's code has scheduled it
 */
export function completeResponse(response: OwnResponse, withFinish: boolean): void {
  const request = response.req;
  const link = response[kLink]!;
  link.removeRequest(request);
  response[kLink] = null;
  request[kLink] = null;
  response[kServer].requestDone(request);
  const listened =
    (response as unknown as Listened)._eventsCount > 0 ||
    (request as unknown as Listened)._eventsCount > 0 ||
    responseFinishChannel.hasSubscribers;
  if (listened) process.nextTick(withFinish ? emitFinish : afterFinish, response);
  else link.settleLater(response, settleQuietly);
}

function settleQuietly(response: OwnResponse): void {
  // Listeners that were added since (after `end`, in the same turn) get their events all the same.
  if ((response as unknown as Listened)._eventsCount > 0 || (response.req as unknown as Listened)._eventsCount > 0) emitFinish(response);
  else {
    endUnreadBody(response.req);
    settle(response);
  }
}

/**
 * A program that answers while it still reads the request body keeps its request open until the body is read (the engine forgets the
 * request with END; BODY-3). Called when the turn in which the response ended is over, as Node decides then whether to drop the body.
 */
export function afterBodyRead(response: OwnResponse, then: (response: OwnResponse) => void): void {
  const request = response.req as unknown as Consumed & OwnRequest;
  const read = request._consuming || request.readableFlowing !== null || request.listenerCount('readable') > 0;
  if (request[kBodyDone] || request.destroyed || !read || request._dumped) {
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
