/**
 * A file as the body of a response. The program's own checks come first, so that it can still answer something else; then the engine opens the
 * file and sends it (SEND-17), or, where it cannot, this process streams it.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { pipeline } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { makeError } from '../errors';
import { integer } from '../option-checks';
import { encodeFileBlock } from '../queue/body-blocks';
import * as frames from '../queue/frames';
import { kPolicyBlock, kServer } from '../symbols';
import { completeBody, composedFlags, composeHead, failBody, isPlain, obstacle, sendWhole, throwObstacle } from './engine-body';
import { nodeError } from './node-internals';
import type { OwnResponse } from './own';

/** Which part of a file `respondWithFile` sends. */
export interface FileOptions {
  /** First byte, from 0. Default 0. */
  offset?: number | undefined;
  /** How many bytes, from 0. Default: to the end of the file. */
  length?: number | undefined;
}

/** Called with an error when nothing, or not everything, was sent; else with null, when the response has finished. */
export type FileCallback = (error: Error | null) => void;

/** Opening a FIFO without it would wait for a writer. Windows has no such flag. */
const openFlags = fs.constants.O_RDONLY | ((fs.constants.O_NONBLOCK as number | undefined) ?? 0);
/** There a path means something else in another process. */
const perProcess = /^\/(?:proc|dev)\//;

interface Task {
  response: OwnResponse;
  /** Our class' `end`. */
  ownEnd: unknown;
  /** As the program gave it. */
  given: fs.PathLike;
  /** As the engine may open it; null: only this process can. */
  engines: string | null;
  offset: number;
  length: number | undefined;
  callback: FileCallback | undefined;
}

function enginesPath(given: fs.PathLike): string | null {
  if (Buffer.isBuffer(given)) return null;
  const absolute = path.resolve(given instanceof URL ? fileURLToPath(given) : given);
  return perProcess.test(absolute) ? null : path.toNamespacedPath(absolute);
}

function fileError(code: string, text: string, given: fs.PathLike): NodeJS.ErrnoException {
  return Object.assign(nodeError(Error, code, `${code}: ${text}, read '${String(given)}'`), { syscall: 'read', path: String(given) });
}

/** The range of the file that is sent, or why there is none. */
function rangeOf(task: Task, stats: fs.Stats): { length: number } | Error {
  const { given, offset } = task;
  if (stats.isDirectory()) return fileError('EISDIR', 'illegal operation on a directory', given);
  if (!stats.isFile()) return makeError('ERR_HTTPSYS_FILE', String(given), 'it is no regular file');
  const length = task.length ?? stats.size - offset;
  if (length >= 0 && offset + length <= stats.size) return { length };
  const range = `offset ${offset}, length ${task.length ?? 'to the end'}`;
  return nodeError(RangeError, 'ERR_OUT_OF_RANGE', `The range (${range}) is outside of '${String(given)}', which has ${stats.size} bytes`);
}

/** @see ServerResponse.respondWithFile */
export function respondWithFile(
  response: OwnResponse,
  ownEnd: unknown,
  given: fs.PathLike,
  options: FileOptions | undefined,
  callback: FileCallback | undefined,
): void {
  const offset = integer('offset', options?.offset ?? 0, 0, Number.MAX_SAFE_INTEGER);
  const length = options?.length === undefined ? undefined : integer('length', options.length, 0, Number.MAX_SAFE_INTEGER);
  throwObstacle(response, 'respondWithFile');
  const task: Task = { response, ownEnd, given, engines: null, offset, length, callback };
  fs.open(given, openFlags, (error, fd) => {
    if (error !== null) fail(task, error);
    else check(task, fd);
  });
  // Not before: fs.open says what is wrong with a path.
  task.engines = enginesPath(given);
}

function fail(task: Task, error: Error): void {
  failBody(task.response, task.callback, error);
}

function check(task: Task, fd: number): void {
  fs.fstat(fd, (error, stats) => {
    const range = error ?? obstacle(task.response, 'respondWithFile') ?? rangeOf(task, stats);
    if (range instanceof Error) {
      fs.close(fd, () => fail(task, range));
      return;
    }
    try {
      send(task, fd, range.length);
    } catch (thrown) {
      // What is wrong with the head is said before anything is sent.
      fs.close(fd, () => fail(task, thrown as Error));
    }
  });
}

function send(task: Task, fd: number, length: number): void {
  const { response, callback } = task;
  if (response._header === null && !response.hasHeader('content-length') && !response.hasHeader('transfer-encoding')) {
    response.setHeader('Content-Length', length);
  }
  if (length === 0 || response.req.method === 'HEAD') {
    response.end(() => callback?.(null));
    fs.close(fd);
    return;
  }
  if (isEngines(task) && handOver(task, length)) {
    fs.close(fd);
    return;
  }
  // Not in the middle of the file's first piece, where nobody would catch it.
  if (response._header === null) response.writeHead(response.statusCode);
  const body = fs.createReadStream('', { fd, start: task.offset, end: task.offset + length - 1 });
  pipeline(body, response, (error) => callback?.(error ?? null));
}

/** Nobody rewrites or counts the body, and no reader of the request is not through. */
function isEngines({ response, ownEnd }: Task): boolean {
  return response.req.complete && !response.strictContentLength && isPlain(response, ownEnd, frames.MinorWithFiles);
}

/** The whole response in one frame; false: nothing has left, and it is to be streamed. */
function handOver(task: Task, length: number): boolean {
  const { response, engines, offset, callback } = task;
  if (engines === null || !composeHead(response)) return false;
  let flags = composedFlags(response);
  let policy = response[kPolicyBlock];
  // CACHE-10: too long to be stored.
  if (policy !== null && length > response[kServer].cacheEntryBytes) {
    policy = null;
    flags &= ~frames.ResponsePolicy;
  }
  const block = encodeFileBlock(policy, engines, offset, length);
  if (block === null) return false;
  sendWhole(response, flags, block, length);
  completeBody(response, callback);
  return true;
}
