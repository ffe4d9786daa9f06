/**
 * What responses have in common whose body does not come from this process: a file that the engine opens, a fragment that it has.
 */
import * as frames from '../queue/frames';
import { kEnded, kHead, kHeadFlags, kLink, kSent } from '../symbols';
import { completeAtOnce } from './completion';
import { kStatistics, nativeEnd, node, nodeError } from './node-internals';
import type { Link, OwnResponse } from './own';
import { countWritten, reasonOf, statusOf } from './response-hooks';

type BodyCallback = (error: Error | null) => void;

const goneCode = 'ERR_STREAM_DESTROYED';
const proto = node.ServerResponse.prototype;
const nativeWrite = proto.write;

/** The client has left. */
export function goneError(method: string): NodeJS.ErrnoException {
  return nodeError(Error, goneCode, `Cannot call ${method} after a stream was destroyed`);
}

/** Why the response cannot get such a body any more, or at all. */
export function obstacle(response: OwnResponse, method: string): NodeJS.ErrnoException | null {
  if (response._headerSent || response.finished) {
    return nodeError(Error, 'ERR_HTTP_HEADERS_SENT', `Cannot call ${method} after headers are sent to the client`);
  }
  if (response[kLink] === null) return goneError(method);
  const { statusCode } = response;
  if (statusCode < 200 || statusCode === 204 || statusCode === 304) {
    return nodeError(Error, 'ERR_HTTP_BODY_NOT_ALLOWED', `Adding content for a response with status ${statusCode} is not allowed`);
  }
  return null;
}

/** Throws for what is a mistake of the caller's; that the client has left is none, and is returned. */
export function throwObstacle(response: OwnResponse, method: string): Error | null {
  const why = obstacle(response, method);
  if (why !== null && why.code !== goneCode) throw why;
  return why;
}

/** Nothing, or not everything, was sent. */
export function failBody(response: OwnResponse, callback: BodyCallback | undefined, error: Error): void {
  if (callback !== undefined) callback(error);
  else if (!response.destroyed) response.emit('error', error);
}

/** The engine has the whole response. */
export function completeBody(response: OwnResponse, callback: BodyCallback | undefined): void {
  if (callback !== undefined) response.once('finish', () => callback(null));
  completeAtOnce(response);
}

/**
 * The engine speaks `minor`, and nothing in this process has a say in the body: no middleware that rewrites it, no measuring.
 *
 * @param ownEnd our class' `end`
 */
export function isPlain(response: OwnResponse, ownEnd: unknown, minor: number): boolean {
  // An app whose classes were bred also runs on node:http, whose responses have no link.
  const link = response[kLink] as Link | null | undefined;
  return (
    link !== null &&
    link !== undefined &&
    link.channel.minor >= minor &&
    (response as unknown as Record<symbol, unknown>)[kStatistics] === undefined &&
    proto.end === nativeEnd &&
    response.write === nativeWrite &&
    (response.end === ownEnd || response.end === nativeEnd)
  );
}

/** Composes the head unless it is. False: the program names its transfer coding and gets chunks, which may have trailers. */
export function composeHead(response: OwnResponse): boolean {
  if (response._header === null) response.writeHead(response.statusCode);
  return response._header !== null && !response._removedContLen && response._trailer === '';
}

/** Sends the whole response in one frame, of which `block` says where the body is. */
export function sendWhole(response: OwnResponse, flags: number, block: Uint8Array, bodyBytes: number): void {
  const link = response[kLink]!;
  const text = response[kHead] ?? '';
  link.writer.response(response.req.requestId, flags | frames.ResponseEnd, statusOf(response), reasonOf(response), block, text, null);
  response._headerSent = true;
  response[kSent] = bodyBytes;
  countWritten(response, text.length + bodyBytes);
  response.finished = true;
  response[kEnded] = true;
  link.touch();
}

/** Flags of the composed head, its policy's included. */
export function composedFlags(response: OwnResponse): number {
  return response[kHeadFlags] & 0xff;
}
