/** From a REQUEST frame to `server.emit('request')`: the hot path of the TypeScript side. */
import { requestStartChannel, responseCreatedChannel } from '../diagnostics';
import { ProtocolError, type TakeRequest } from '../queue/decode';
import type { RequestFacts } from '../queue/facts';
import * as frames from '../queue/frames';
import { readHeaderEntries } from '../queue/header-entries';
import { methodNames } from '../queue/methods';
import { kBodyDone, kCreditOwed, kLink, kResponse, kUnstorable, kUser } from '../symbols';
import { leaveRequest } from './completion';
import { initRequest } from './incoming-message';
import type { OwnRequest, OwnResponse, OwnServer, OwnSocket } from './own';
import { initResponse } from './server-response';
import { dispatchUpgrade, showsAhead } from './upgrade';

const connectCode = methodNames.indexOf('CONNECT');

/** A request without body that will emit no stream events: the state in which Node leaves it. */
function endEmptyRequest(request: OwnRequest): void {
  const { headers } = request;
  if (headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined) return;
  const state = request as unknown as { _dumped: boolean; _readableState: Record<string, boolean> };
  state._dumped = true;
  for (const name of ['ended', 'endEmitted', 'destroyed', 'closed', 'closeEmitted']) state._readableState[name] = true;
}

/** A copy of bytes that are valid only during the call. */
function keep(bytes: Buffer): Buffer {
  return Buffer.from(bytes);
}

/** HTTP/2 and the user, where the engine knows of them. */
function applyFacts(request: OwnRequest, facts: RequestFacts | null): void {
  if (facts === null) return;
  if (facts.versionMajor !== undefined) {
    request.httpVersionMajor = facts.versionMajor;
    request.httpVersionMinor = facts.versionMinor ?? 0;
    request.httpVersion = `${request.httpVersionMajor}.${request.httpVersionMinor}`;
  }
  if (facts.user !== undefined) request[kUser] = facts.user;
}

/** The requests of one server. */
export function requestDispatcher(server: OwnServer): TakeRequest<OwnRequest, OwnSocket> {
  return (link, id, flags, methodCode, connectionId, urlContext, text, methodBytes, targetBytes, headerCount, body) => {
    link.takeCredit();
    const socket = link.findConnection(connectionId);
    if (socket === null) {
      // The program destroyed the connection while this request was on its way.
      link.writer.plain(frames.Cancel, 0, id);
      link.touch();
      return;
    }
    const method = methodCode !== 0 ? methodNames[methodCode] : text.slice(0, methodBytes);
    if (method === undefined) throw new ProtocolError(`method ${methodCode} is in no table`);
    const http10 = (flags & frames.RequestHttp10) !== 0;
    const request = initRequest(
      new server.messageClasses.IncomingMessage(socket),
      server,
      link,
      id,
      method,
      text.slice(methodBytes, methodBytes + targetBytes),
      readHeaderEntries(text, methodBytes + targetBytes, headerCount),
      http10,
      server.prefixPathOf(urlContext),
    );
    if (link.facts !== null) applyFacts(request, link.takeFacts(id));
    if ((flags & frames.RequestUpgrade) !== 0 || methodCode === connectCode) {
      if (dispatchUpgrade(server, link, request, socket, flags, body)) return;
      // What was sent behind it is the next request.
      if (showsAhead(link)) body = null;
    }
    const response = initResponse(new server.messageClasses.ServerResponse(request, server.responseOptions), server, link, flags);
    request.res = request[kResponse] = response;
    socket.beginRequest();
    response.shouldKeepAlive = (flags & frames.RequestKeepAlive) !== 0;
    (response as { socket: unknown }).socket = socket;
    socket._httpMessage = response;
    socket.currentRequest = request;
    link.addRequest(request);
    if ((flags & frames.RequestUnstorable) !== 0) request[kUnstorable] = true;
    if ((flags & frames.RequestEnd) !== 0) {
      request.complete = true;
      if (body !== null) request.push(keep(body));
      else if (server.optimizeEmptyRequests) endEmptyRequest(request);
      request[kBodyDone] = true;
    } else if (body !== null) {
      request[kCreditOwed] += body.length;
      request.push(keep(body));
    }
    socket.scope.runInAsyncScope(announce, undefined, server, request, response, flags, http10);
  };
}

function announce(server: OwnServer, request: OwnRequest, response: OwnResponse, flags: number, http10: boolean): void {
  if (requestStartChannel.hasSubscribers) requestStartChannel.publish({ request, response, socket: request.socket, server });
  if (responseCreatedChannel.hasSubscribers) responseCreatedChannel.publish({ request, response });
  const { maxRequestsPerSocket } = server;
  if (maxRequestsPerSocket !== null && maxRequestsPerSocket > 0) {
    const socket = request.socket as OwnSocket;
    if (socket.requestCount > maxRequestsPerSocket) {
      server.emit('dropRequest', request, socket);
      response.writeHead(503);
      response.end();
      return;
    }
  }
  if ((flags & (frames.RequestExpectContinue | frames.RequestExpectOther)) !== 0 && !http10) {
    (response as unknown as { _expect_continue: boolean })._expect_continue = true;
    if ((flags & frames.RequestExpectContinue) !== 0) {
      if (server.listenerCount('checkContinue') > 0) {
        server.emit('checkContinue', request, response);
        return;
      }
      response.writeContinue();
    } else {
      if (server.listenerCount('checkExpectation') > 0) server.emit('checkExpectation', request, response);
      else {
        response.writeHead(417);
        response.end();
      }
      return;
    }
  }
  server.emit('request', request, response);
}

/** A piece of a request body. */
export function takeBody(request: OwnRequest, piece: Buffer, last: boolean): void {
  if (last) {
    request[kBodyDone] = true;
    request.complete = true;
  }
  (request.socket as OwnSocket).touch();
  if (!request.destroyed) {
    if (piece.length > 0) {
      request[kCreditOwed] += piece.length;
      request.push(keep(piece));
    }
    if (last) request.push(null);
  }
  if (!last || request[kLink] === null) return;
  // Its response was complete before: the engine has finished it now. An upgraded one has none.
  const response = request[kResponse];
  if (response !== null && response[kLink] === null) leaveRequest(request);
}
