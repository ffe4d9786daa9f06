/**
 * What Node's own ServerResponse code reaches the engine through. `initResponse` puts these four functions on each instance.
 */
import * as http from 'node:http';
import * as frames from '../queue/frames';
import type { BodyPiece } from '../queue/frame-writer';
import {
  kBodyDone,
  kDrained,
  kEnded,
  kHead,
  kHeadFlags,
  kLink,
  kPolicyBlock,
  kReferred,
  kSent,
  kServer,
  kWaiting,
  kWindow,
} from '../symbols';
import { afterBodyRead, completeResponse } from './completion';
import { kNeedDrain, kOutHeaders, node, nodeError } from './node-internals';
import type { OwnResponse } from './own';
import { policyBlock } from './policy-block';
import { composeGiven, composeStored, head, type StoredHeaders } from './response-head';

const proto = node.ServerResponse.prototype as unknown as { _finish(): void };

/** Longest body, in bytes or UTF-16 units, that surely fits the engine's window in one frame. */
export const pieceBytesMax = Math.floor(frames.ResponseWindowBytes / 3);

const { STATUS_CODES } = http;

type Callback = ((error?: Error | null) => void) | null | undefined;

/** Above the frame's flags in `kHeadFlags`: the status, and whether the response has a reason phrase of its own. */
const statusShift = 8;
const ownReason = 1 << 20;
/** A reason phrase is cut here: a frame counts its bytes in 16 bits. */
const reasonBytesMax = 0xffff;

/** The connection ends behind this response: its end is no news, and there is nothing to be written any more. */
function answersLast(response: OwnResponse): void {
  if (response.socket !== null) (response.socket as unknown as { answeredLast: boolean }).answeredLast = true;
}

/** Frame flags of the head just composed, but for its policy. */
export function headFlags(response: OwnResponse): number {
  let { flags } = head;
  if (!response.sendDate) flags |= frames.ResponseNoDate;
  const server = response[kServer];
  if (response[kLink]?.closing === true || !response.shouldKeepAlive) {
    flags |= frames.ResponseClose;
    answersLast(response);
  }
  if (response._removedConnection) flags |= frames.ResponseNoConnection;
  else if (server.maxRequestsPerSocket !== null && server.maxRequestsPerSocket > 0) flags |= countedConnection(response, flags);
  return flags;
}

/** What node:http says of a connection that carries a number of requests; when they are used up it says close, and leaves that to the client. */
function countedConnection(response: OwnResponse, flags: number): number {
  const server = response[kServer];
  const socket = response.req.socket as unknown as { requestCount?: number };
  if (head.connection || socket.requestCount === undefined || (flags & frames.ResponseClose) !== 0) return 0;
  if (socket.requestCount >= server.maxRequestsPerSocket!) {
    head.text += 'Connection: close\r\n';
    return frames.ResponseStays;
  }
  const seconds = server.idleSeconds();
  head.text += 'Connection: keep-alive\r\n';
  if (seconds > 0) head.text += `Keep-Alive: timeout=${seconds}, max=${server.maxRequestsPerSocket!}\r\n`;
  return 0;
}

/** Composes head, flags and policy of the response; the frame goes out with the first piece of the body. */
function storeHeader(this: OwnResponse, firstLine: string, headers: unknown): void {
  const stored = (this as unknown as Record<symbol, StoredHeaders | null>)[kOutHeaders]!;
  const unique = this[kServer].uniqueHeaders;
  if (headers === stored) composeStored(stored, unique);
  else composeGiven(headers as http.OutgoingHttpHeaders, unique);
  if (head.trailer && (head.contentLength || !this._hasBody || this.req.httpVersionMinor < 1)) {
    // RFC 9112 section 6.5: trailers travel behind a chunked body only.
    throw nodeError(Error, 'ERR_HTTP_TRAILER_INVALID', 'Trailers are invalid with this transfer encoding');
  }
  let flags = headFlags(this);
  const policy = policyBlock(this);
  if (policy !== null) flags |= frames.ResponsePolicy;
  // A program that names its transfer coding gets it: nothing turns the body into one of known length.
  if (head.transferEncoding) this._removedContLen = true;
  if (head.contentLength) {
    this._contentLength = head.contentLengthValue;
    // It may have been removed before it was set again.
    this._removedContLen = false;
  } else if (this._hasBody && !head.transferEncoding && this.req.httpVersionMinor >= 1 && !this.useChunkedEncodingByDefault) {
    flags |= frames.ResponseUntilClose;
    answersLast(this);
  } else if (typeof this._contentLength === 'number' && this._hasBody && !this._removedContLen && !head.trailer) {
    // `end` has the whole body, which travels in several frames; when it fits one with END, the engine adds the field in Node's place.
    if (this._contentLength > pieceBytesMax || !this.req[kBodyDone]) head.text += `Content-Length: ${this._contentLength}\r\n`;
  } else if (this._hasBody && this._removedTE && !head.transferEncoding) {
    // Without either field the body is what comes until the connection ends (RFC 9112 section 6.3).
    flags |= frames.ResponseUntilClose;
    answersLast(this);
  }
  this[kPolicyBlock] = policy;
  this[kHead] = head.text;
  // As node:http: the status line is fixed here, whatever happens to `statusCode` and `statusMessage` before the head leaves.
  const status = this.statusCode;
  if (String(this.statusMessage) !== STATUS_CODES[status]) flags |= ownReason;
  this[kHeadFlags] = flags | (status << statusShift);
  this._header = `${firstLine}${head.text}\r\n`;
  this._headerSent = false;
}

/** The status of a composed head. */
export function statusOf(response: OwnResponse): number {
  return (response[kHeadFlags] >>> statusShift) & 0xfff;
}

/** The reason phrase of a composed head as it travels: `''` when it is the status' own. */
export function reasonOf(response: OwnResponse): string {
  if ((response[kHeadFlags] & ownReason) === 0) return '';
  const line = response._header!;
  const start = 'HTTP/1.1 200 '.length;
  return line.slice(start, Math.min(line.indexOf('\r\n'), start + reasonBytesMax));
}

/** Bytes the engine takes now without ending the channel. */
function room(response: OwnResponse): number {
  return response[kWindow] - (response[kSent] - response[kDrained]);
}

/** Keeps `socket.bytesWritten` right: engine.io ends sockets that seem to have written nothing. */
export function countWritten(response: OwnResponse, bytes: number): void {
  const socket = response.socket as unknown as { written?: number } | null;
  if (socket !== null && socket.written !== undefined) socket.written += bytes;
}

function sendHead(response: OwnResponse, body: BodyPiece | null, encoding?: BufferEncoding): void {
  const link = response[kLink]!;
  const text = response[kHead] ?? '';
  const bodyBytes = link.writer.response(
    response.req.requestId,
    response[kHeadFlags] & 0xff,
    statusOf(response),
    reasonOf(response),
    response[kPolicyBlock],
    text,
    body,
    encoding,
  );
  // Not before: an unknown encoding throws, and the head then goes with the next piece.
  response._headerSent = true;
  response[kSent] += bodyBytes;
  countWritten(response, text.length + bodyBytes);
  response[kHead] = null;
}

function hand(response: OwnResponse, piece: BodyPiece, encoding?: BufferEncoding): void {
  const link = response[kLink]!;
  // What may be stored travels in one frame (CACHE-2).
  if (typeof piece !== 'string' && link.refers(piece) && (response._headerSent || response[kPolicyBlock] === null)) {
    if (!response._headerSent) sendHead(response, null);
    response[kReferred] = link.refer(response.req.requestId, piece);
    response[kSent] += piece.byteLength;
    countWritten(response, piece.byteLength);
    return;
  }
  if (!response._headerSent) {
    sendHead(response, piece, encoding);
    return;
  }
  const bytes = link.writer.data(response.req.requestId, piece, encoding);
  response[kSent] += bytes;
  countWritten(response, bytes);
}

/** Hands over what the window allows and keeps the rest. */
function handOrWait(response: OwnResponse, piece: BodyPiece, encoding: BufferEncoding | undefined, callback: Callback): void {
  const link = response[kLink]!;
  const done = typeof callback === 'function' ? callback : null;
  let waiting = response[kWaiting];
  const free = waiting === null ? room(response) : 0;
  // A third: the most a UTF-16 unit takes in UTF-8.
  if (piece.length <= (typeof piece === 'string' ? free / 3 : free)) {
    hand(response, piece, encoding);
    if (done !== null) link.whenTaken(response[kReferred], done);
    return;
  }
  const bytes = typeof piece === 'string' ? Buffer.from(piece, encoding) : piece;
  if (response[kPolicyBlock] !== null && !response._headerSent) {
    if (response._contentLength === bytes.byteLength && bytes.byteLength <= response[kServer].cacheEntryBytes && response.req[kBodyDone]) {
      // CACHE-2: what is to be stored travels in one frame; END joins it before the batch leaves.
      hand(response, bytes);
      if (done !== null) link.whenTaken(response[kReferred], done);
      return;
    }
    // CACHE-10: too long to be stored.
    response[kPolicyBlock] = null;
    response[kHeadFlags] &= ~frames.ResponsePolicy;
  }
  let at = 0;
  if (waiting === null) {
    waiting = response[kWaiting] = [];
    at = Math.min(free, bytes.byteLength);
    if (at > 0) hand(response, bytes.subarray(0, at));
  }
  if (at === bytes.byteLength) {
    response[kWaiting] = null;
    if (done !== null) link.whenTaken(response[kReferred], done);
    return;
  }
  // The caller may reuse its buffer only after the callback, as with a socket: no copy is needed.
  waiting.push({ bytes: at === 0 ? bytes : bytes.subarray(at), callback: done });
  response.outputSize += bytes.byteLength - at;
}

/** One piece of the body, or an empty one to push the head out. */
function send(this: OwnResponse, data: BodyPiece, encoding?: BufferEncoding | Callback, callback?: Callback): boolean {
  if (typeof encoding === 'function') {
    callback = encoding;
    encoding = undefined;
  }
  const link = this[kLink];
  if (link === null || this[kEnded]) {
    // Gone: nothing will ever be called back, as with Node's destroyed socket.
    return false;
  }
  if (data.length === 0) {
    if (!this._headerSent && this._header !== null && this[kWaiting] === null) sendHead(this, null);
    if (typeof callback === 'function') {
      if (this[kWaiting] === null) link.whenTaken(this[kReferred], callback);
      else this[kWaiting].push({ bytes: new Uint8Array(0), callback: callback });
    }
  } else {
    handOrWait(this, data, (encoding as BufferEncoding | null) ?? undefined, callback);
  }
  link.touch();
  return this[kSent] - this[kDrained] + this.outputSize < this.writableHighWaterMark;
}

const interimHead = /^HTTP\/1\.1 (1\d\d) [^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n$/;
/** Beginnings of interim responses that programs write in pieces; no longer than a head may be. */
const rawBeginnings = new WeakMap<OwnResponse, string>();
const rawBytesMax = 0xffff;

/** Node writes interim responses (100, 102, 103) as text; nothing else comes here. */
function writeRaw(this: OwnResponse, data: BodyPiece, encoding?: BufferEncoding | Callback, callback?: Callback): boolean {
  if (typeof encoding === 'function') callback = encoding;
  const link = this[kLink];
  if (link === null) return false;
  const text = (rawBeginnings.get(this) ?? '') + (typeof data === 'string' ? data : Buffer.from(data).toString('latin1'));
  rawBeginnings.delete(this);
  const match = interimHead.exec(text);
  // HTTP/1.0 knows no interim responses (RFC 9110 section 15.2).
  if (match !== null && !this._headerSent && this.req.httpVersionMinor >= 1) {
    link.writer.informational(this.req.requestId, Number(match[1]), match[2]);
    link.touch();
  } else if (text.length < rawBytesMax && !text.endsWith('\r\n\r\n')) rawBeginnings.set(this, text);
  if (typeof callback === 'function') process.nextTick(callback);
  return true;
}

/** Sends END when everything before it is with the engine; the request's body may go on behind it. */
function sendEndOrWait(response: OwnResponse): void {
  if (response.req[kBodyDone] || response[kLink]?.keepsBody === true) sendEnd(response, false);
  else process.nextTick(afterBodyRead, response, sendEndLate);
}

function sendEndLate(response: OwnResponse): void {
  sendEnd(response, true);
}

function sendEnd(response: OwnResponse, finished: boolean): void {
  const link = response[kLink];
  if (link === null || response[kEnded]) return;
  response[kEnded] = true;
  // Without a length the body stays chunked, as with node:http, although it may all be here.
  const chunked = response._removedContLen || (response._hasBody && response._contentLength === null);
  const keepsBody = link.keepsBody && !response.req[kBodyDone];
  link.writer.end(response.req.requestId, response._hasBody ? response._trailer : '', chunked, keepsBody);
  link.touch();
  completeResponse(response, finished, keepsBody);
}

/** Node calls it when `end` has handed everything over. */
function finish(this: OwnResponse): void {
  if (this[kWaiting] === null) sendEndOrWait(this);
  // `_finish` of the class: performance entries, and the event 'prefinish'.
  proto._finish.call(this);
}

/** The engine has got rid of `bytes` of the body: the window has room again. */
export function onResponseDrained(response: OwnResponse, bytes: number): void {
  (response.socket as unknown as { touch?(): void } | null)?.touch?.();
  response[kDrained] = Math.min(response[kDrained] + bytes, response[kSent]);
  const waiting = response[kWaiting];
  while (waiting !== null) {
    const next = waiting[0];
    if (next === undefined) {
      response[kWaiting] = null;
      if (response.finished) sendEndOrWait(response);
      break;
    }
    const count = Math.min(room(response), next.bytes.byteLength);
    if (count > 0) {
      hand(response, next.bytes.subarray(0, count));
      response.outputSize -= count;
      next.bytes = next.bytes.subarray(count);
    }
    if (next.bytes.byteLength > 0) break;
    waiting.shift();
    if (next.callback !== null) response[kLink]!.whenTaken(response[kReferred], next.callback);
  }
  if (response[kLink] !== null) response[kLink].touch();
  const slots = response as unknown as Record<symbol, boolean>;
  if (
    slots[kNeedDrain] &&
    !response.finished &&
    response[kSent] - response[kDrained] + response.outputSize < response.writableHighWaterMark
  ) {
    slots[kNeedDrain] = false;
    response.emit('drain');
  }
}

export const hooks = { _storeHeader: storeHeader, _send: send, _writeRaw: writeRaw, _finish: finish };
