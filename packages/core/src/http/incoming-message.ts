/**
 * IncomingMessage: node:http's class with its fields filled from a REQUEST frame, and a body that is pulled by credit.
 */
import type * as http from 'node:http';
import type { Socket } from 'node:net';
import type { UserFacts } from '../queue/facts';
import { joinRules, lowerOf } from '../queue/header-names';
import { kBodyDone, kBrand, kCreditOwed, kLink, kPrefixPath, kResponse, kUnstorable, kUser } from '../symbols';
import { defineAccessors } from './accessors';
import { kHeaders, kHeadersCount, node } from './node-internals';
import type { Link, OwnRequest, OwnServer } from './own';

/** How Node joins a repeated field, by lower-case name. */
function addHeader(name: string, value: string, headers: Record<string, string | string[] | undefined>, joinAll: boolean): void {
  const existing = headers[name];
  if (existing === undefined) {
    headers[name] = name === 'set-cookie' ? [value] : value;
    return;
  }
  const rule = joinRules.get(name);
  if (rule === 'array') (existing as string[]).push(value);
  else if (rule === 'first') {
    if (joinAll) headers[name] = `${existing as string}, ${value}`;
  } else if (typeof existing === 'string') headers[name] = `${existing}${rule ?? ', '}${value}`;
  // A field named like a member of Object.prototype.
  else headers[name] = value;
}

/**
 * A request. Everything node:http documents for a server's `http.IncomingMessage`, and the prefix it was routed by.
 */
export class IncomingMessage extends node.IncomingMessage {
  constructor(socket: Socket | null | undefined) {
    // Node makes an options object of the socket's highWaterMark and its Readable looks for six options there: a tenth of a request's time.
    super(undefined as unknown as Socket);
    this.socket = socket as Socket;
    (this as unknown as { client: Socket }).client = socket as Socket;
    // Programs make messages of their own for tests, of half a socket or of none.
    const mark = socket?.readableHighWaterMark;
    if (mark !== undefined) (this as unknown as { _readableState: { highWaterMark: number } })._readableState.highWaterMark = mark;
  }

  /** Path of the URL prefix that matched, in lower case, with its final slash; `/` when listening on a port. */
  get prefixPath(): string {
    return (this as unknown as OwnRequest)[kPrefixPath];
  }

  /** Who HTTP.SYS says the user is, with the option `authentication`; null without it. */
  get authentication(): UserFacts | null {
    return (this as unknown as OwnRequest)[kUser] ?? null;
  }
}

type HeaderSlots = Record<symbol, http.IncomingHttpHeaders | null | undefined> & { joinDuplicateHeaders?: boolean };

defineAccessors(IncomingMessage.prototype, {
  // Node's getter lower-cases and looks up each name anew; most of ours are interned already.
  headers: {
    get(): http.IncomingHttpHeaders {
      const slots = this as unknown as HeaderSlots;
      const known = slots[kHeaders];
      if (known !== null && known !== undefined) return known;
      const headers: http.IncomingHttpHeaders = {};
      const raw = this.rawHeaders;
      const joinAll = slots.joinDuplicateHeaders === true;
      const count = Math.min((this as unknown as Record<symbol, number>)[kHeadersCount], raw.length);
      for (let n = 0; n < count; n += 2) {
        const name = raw[n];
        addHeader(lowerOf.get(name) ?? name.toLowerCase(), raw[n + 1], headers, joinAll);
      }
      slots[kHeaders] = headers;
      return headers;
    },
    set(value: http.IncomingHttpHeaders): void {
      (this as unknown as HeaderSlots)[kHeaders] = value;
    },
  },
});

/** Asks the engine for more of the body: what the reader has taken is given back as credit. */
function readBody(this: OwnRequest): void {
  const state = this as unknown as { _consuming: boolean; _readableState: { readingMore: boolean } };
  if (!state._consuming) {
    // Node's own `_read` does the same: until somebody reads, nothing is read ahead.
    state._readableState.readingMore = false;
    state._consuming = true;
  }
  if (this[kBodyDone]) {
    this.push(null);
    return;
  }
  const owed = this[kCreditOwed];
  const link = this[kLink];
  if (owed > 0 && link !== null) {
    this[kCreditOwed] = 0;
    link.writer.credit(this.requestId, owed);
    link.touch();
  }
}

/** True for a request that came through this package, whatever prototype it has now. */
export function isHttpsysRequest(request: unknown): boolean {
  return typeof request === 'object' && request !== null && (request as Record<symbol, unknown>)[kBrand] === true;
}

/** Fills a fresh message, of whichever class the server was given. */
export function initRequest(
  message: http.IncomingMessage,
  server: OwnServer,
  link: Link,
  requestId: number,
  method: string,
  url: string,
  rawHeaders: string[],
  http10: boolean,
  prefixPath: string,
): OwnRequest {
  const request = message as OwnRequest;
  request.httpVersionMajor = 1;
  request.httpVersionMinor = http10 ? 0 : 1;
  request.httpVersion = http10 ? '1.0' : '1.1';
  request.method = method;
  (request as { upgrade?: boolean }).upgrade = false;
  if (server.joinDuplicateHeaders) (request as { joinDuplicateHeaders?: boolean }).joinDuplicateHeaders = true;
  request.url = url;
  request.rawHeaders = rawHeaders;
  const most = server.maxHeadersCount;
  // Fields beyond `maxHeadersCount` stay in `rawHeaders` only, as with node:http.
  (request as unknown as Record<symbol, number>)[kHeadersCount] =
    typeof most === 'number' && most > 0 ? Math.min(most * 2, rawHeaders.length) : rawHeaders.length;
  request.requestId = requestId;
  request[kBrand] = true;
  request[kLink] = link;
  request[kResponse] = null;
  request[kPrefixPath] = prefixPath;
  request[kCreditOwed] = 0;
  request[kBodyDone] = false;
  request[kUnstorable] = false;
  request._read = readBody;
  return request;
}
