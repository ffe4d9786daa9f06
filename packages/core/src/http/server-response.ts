/**
 * ServerResponse: node:http's class over frames. Node's own `write`, `end`, `writeHead`... do their work (checks, codes, callbacks) and
 * reach the engine through the few hooks that `initResponse` puts on each instance (`response-hooks.ts`); they are own properties, so that a
 * swap of prototypes (Express) cannot lose them. The common case, a whole body in one `end`, takes the short cut below.
 */
import type * as fs from 'node:fs';
import * as http from 'node:http';
import * as frames from '../queue/frames';
import {
  kDrained,
  kEnded,
  kHead,
  kHeadFlags,
  kLink,
  kPolicy,
  kPolicyBlock,
  kReferred,
  kSent,
  kServer,
  kWaiting,
  kWindow,
} from '../symbols';
import { validateCachePolicy, type CachePolicy } from './cache-policy';
import { completeAtOnce } from './completion';
import { respondWithFile, type FileCallback, type FileOptions } from './file-response';
import { respondWithFragment, type FragmentCallback } from './fragment-response';
import { kOutHeaders, kStatistics, nativeEnd, nativeWriteHead, node } from './node-internals';
import { setHeader } from './header-store';
import type { Link, OwnResponse, OwnServer } from './own';
import { policyBlock } from './policy-block';
import { countWritten, headFlags, hooks, pieceBytesMax, reasonOf, statusOf } from './response-hooks';
import { composeStored, head, type StoredHeaders } from './response-head';

const proto = node.ServerResponse.prototype;
/** Here, because each access to a member of an imported module that is not ours calls a getter. */
const { STATUS_CODES } = http;

/** A response. Everything node:http documents for `http.ServerResponse`, and a cache policy. */
export class ServerResponse<Request extends http.IncomingMessage = http.IncomingMessage> extends node.ServerResponse<Request> {
  /**
   * Lets the engine serve this response again without running the application (http-server-api.md section 5). Set it before the head is
   * sent; it takes effect for GET when the whole body goes out in one `end`, is at most 256 KiB (option `cacheEntryBytes`), and has a Content-Type.
   *
   * @throws ERR_HTTPSYS_CACHE_POLICY when set to something else
   */
  get cachePolicy(): CachePolicy | null | undefined {
    return (this as unknown as OwnResponse)[kPolicy];
  }

  set cachePolicy(policy: CachePolicy | null | undefined) {
    if (policy !== null && policy !== undefined) validateCachePolicy(policy);
    (this as unknown as OwnResponse)[kPolicy] = policy;
  }

  /** The name of `cachePolicy.ttl` in the original package: seconds. */
  get cacheDuration(): number | undefined {
    return (this as unknown as OwnResponse)[kPolicy]?.ttl;
  }

  set cacheDuration(seconds: number | undefined) {
    this.cachePolicy = seconds === undefined ? undefined : { ttl: seconds };
  }

  /**
   * Sends a file, or a part of it, as the body: like `respondWithFile` of node:http2, but the engine opens and sends it, so that its bytes do not pass
   * through this process (SEND-17). Content-Length is set unless it was; status 206 and Content-Range are the program's. With a `cachePolicy` a file of
   * at most `cacheEntryBytes` is stored (CACHE-16). HEAD sends the head alone.
   *
   * The file is looked at first: until that is over nothing is sent. Where the engine cannot send files (Wine, an older service), where middleware has
   * replaced `write` or `end`, and while the request's body is still coming, it is streamed by this process.
   *
   * @param path resolved against the working directory of this process
   * @param options `offset` and `length` in bytes; default the whole file
   * @param callback gets null when the response has finished, or an error: that of `fs` (`ENOENT`, `EACCES`, `EISDIR`, ...), `ERR_OUT_OF_RANGE` for a
   *   range that is not in the file, `ERR_HTTPSYS_FILE` for what is no regular file. With these nothing was sent, and the program can answer otherwise.
   *   Without a callback they are emitted as `'error'`
   * @throws ERR_HTTP_HEADERS_SENT; ERR_HTTP_BODY_NOT_ALLOWED with status 204 and 304; ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE for the arguments
   */
  respondWithFile(path: fs.PathLike, callback?: FileCallback): this;
  respondWithFile(path: fs.PathLike, options?: FileOptions, callback?: FileCallback): this;
  respondWithFile(path: fs.PathLike, options?: FileOptions | FileCallback, callback?: FileCallback): this {
    const own = this as unknown as OwnResponse;
    const { end } = ServerResponse.prototype;
    if (typeof options === 'function') respondWithFile(own, end, path, undefined, options);
    else respondWithFile(own, end, path, options, callback);
    return this;
  }

  /**
   * Sends a fragment of the engine's cache as the body (`Server.addFragment`, http-server-api.md section 5.5): its bytes do not pass through this process.
   * Until the engine has said that it has it, `writableEnded` is true and nothing else can be written. HEAD sends the head alone.
   *
   * @param urlOrPath its name, as for `addFragment`
   * @param callback gets null when the response has finished, or an error when nothing was sent: `ENOENT` when there is no such fragment (any more), so that the
   *   program can add it again or answer otherwise (SEND-18); `ERR_HTTPSYS_FRAGMENT` where the engine has none, and behind middleware that replaces
   *   `write` or `end`. Without a callback it is emitted as `'error'`
   * @throws ERR_HTTP_HEADERS_SENT; ERR_HTTP_BODY_NOT_ALLOWED with status 204 and 304; ERR_HTTPSYS_FRAGMENT for a name below none of the server's prefixes
   */
  respondWithFragment(urlOrPath: string, callback?: FragmentCallback): this {
    respondWithFragment(this as unknown as OwnResponse, ServerResponse.prototype.end, urlOrPath, callback);
    return this;
  }

  override setHeader(name: string, value: number | string | readonly string[]): this {
    return setHeader.call(this, name, value) as this;
  }

  override end(cb?: () => void): this;
  override end(chunk: unknown, cb?: () => void): this;
  override end(chunk: unknown, encoding: BufferEncoding, cb?: () => void): this;
  override end(chunk?: unknown, encoding?: unknown, callback?: unknown): this {
    const own = this as unknown as OwnResponse;
    if (
      (encoding === undefined || encoding === null) &&
      (callback === undefined || callback === null) &&
      (typeof chunk === 'string' || chunk === undefined || chunk === null || chunk instanceof Uint8Array) &&
      proto.end === nativeEnd &&
      this.writeHead === nativeWriteHead &&
      endAtOnce(own, chunk)
    ) {
      return this;
    }
    return Reflect.apply(proto.end, this, [chunk, encoding, callback]) as this;
  }
}

function hasNoBody(response: OwnResponse): boolean {
  return !response._hasBody || response.statusCode === 204 || response.statusCode === 304;
}

/** The whole response in one frame. False: it takes the long way (errors, special cases), and nothing has happened. */
function endAtOnce(response: OwnResponse, chunk: string | Uint8Array | null | undefined): boolean {
  const link = response[kLink];
  // An app whose prototypes were bred also runs on node:http, whose responses have no link.
  if (link === null || link === undefined || response._headerSent || response.finished || response.destroyed || !response.req.complete)
    return false;
  if (response.strictContentLength || (response._header !== null && response._removedContLen)) return false;
  // The head is fixed and says no length: the body is chunked, so its trailers may follow.
  if (response._header !== null && response._trailer !== '') return false;
  // A body that ends with the connection, and a response that a PerformanceObserver measures.
  if (!response.useChunkedEncodingByDefault && response.req.httpVersionMinor >= 1) return false;
  if ((response as unknown as Record<symbol, unknown>)[kStatistics] !== undefined) return false;
  const body = chunk === null || chunk === undefined || chunk.length === 0 ? null : chunk;
  // Node's way throws ERR_HTTP_BODY_NOT_ALLOWED.
  if (body !== null && response[kServer].responseOptions.rejectNonStandardBodyWrites && hasNoBody(response)) return false;
  // A piece that may not fit the window is cut by the long way, unless it may be stored, which takes one frame (CACHE-2).
  if (body !== null && body.length > pieceBytesMax) return false;
  let status = response.statusCode;
  // Node's way throws ERR_HTTP_BODY_NOT_ALLOWED.
  if (
    body !== null &&
    (!response._hasBody || status === 204 || status === 304) &&
    response[kServer].responseOptions.rejectNonStandardBodyWrites
  )
    return false;
  let flags: number;
  let reason = '';
  let policy: Uint8Array | null = null;
  let text: string;
  if (response._header === null) {
    if (!Number.isInteger(status) || status < 200 || status > 999) return false;
    const message = response.statusMessage as string | undefined;
    const standard = STATUS_CODES[status];
    if (message !== undefined && message !== '' && message !== standard) return false;
    composeStored((response as unknown as Record<symbol, StoredHeaders | null>)[kOutHeaders], response[kServer].uniqueHeaders);
    // Koa removes Content-Length and sets it again.
    if (head.trailer || head.transferEncoding || (response._removedContLen && !head.contentLength)) return false;
    flags = headFlags(response);
    if (response[kPolicy] !== undefined || response[kServer].cachePolicy !== null) policy = policyBlock(response);
    if (policy !== null) flags |= frames.ResponsePolicy;
    if (status === 204 || status === 304) response._hasBody = false;
    text = head.text;
    response._header = text === '' ? '\r\n' : text;
    response.statusMessage = standard ?? 'unknown';
  } else {
    flags = response[kHeadFlags] & 0xff;
    status = statusOf(response);
    reason = reasonOf(response);
    policy = response[kPolicyBlock];
    text = response[kHead] ?? '';
  }
  response._headerSent = true;
  const bodyBytes = link.writer.response(
    response.req.requestId,
    flags | frames.ResponseEnd,
    status,
    reason,
    policy,
    text,
    response._hasBody ? body : null,
  );
  response[kSent] = bodyBytes;
  countWritten(response, text.length + bodyBytes);
  response.finished = true;
  response[kEnded] = true;
  link.touch();
  completeAtOnce(response);
  return true;
}

/** Puts the hooks and the state on a fresh response of whichever class the server was given. */
export function initResponse(message: http.ServerResponse, server: OwnServer, link: Link, requestFlags: number): OwnResponse {
  const response = message as unknown as OwnResponse;
  response[kLink] = link;
  response[kServer] = server;
  response[kHead] = null;
  response[kHeadFlags] = 0;
  response[kSent] = 0;
  response[kDrained] = 0;
  response[kWindow] = (requestFlags & frames.RequestWideWindow) !== 0 ? frames.WideWindowBytes : frames.ResponseWindowBytes;
  response[kWaiting] = null;
  response[kReferred] = 0;
  response[kEnded] = false;
  response[kPolicy] = undefined;
  response[kPolicyBlock] = null;
  const hooked = response as unknown as typeof hooks;
  hooked._storeHeader = hooks._storeHeader;
  hooked._send = hooks._send;
  hooked._writeRaw = hooks._writeRaw;
  hooked._finish = hooks._finish;
  return response;
}
