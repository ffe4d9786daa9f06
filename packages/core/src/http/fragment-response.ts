/**
 * A fragment of the engine's cache as the body of a response (http-server-api.md section 5.5). Whether the engine has it is known only when it has
 * looked: until then the response looks ended, and is taken back when there is none (SEND-18).
 */
import { makeError } from '../errors';
import { encodeFragmentBlock } from '../queue/body-blocks';
import * as frames from '../queue/frames';
import { kEnded, kFragment, kHead, kPolicyBlock, kSent, kServer } from '../symbols';
import { completeBody, composedFlags, composeHead, failBody, goneError, isPlain, sendWhole, throwObstacle } from './engine-body';
import { nodeError } from './node-internals';
import type { FragmentTask, OwnResponse } from './own';

/** Called with an error when nothing was sent, else with null, when the response has finished. */
export type FragmentCallback = (error: Error | null) => void;

const method = 'respondWithFragment';

/** @see ServerResponse.respondWithFragment */
export function respondWithFragment(
  response: OwnResponse,
  ownEnd: unknown,
  urlOrPath: string,
  callback: FragmentCallback | undefined,
): void {
  const gone = throwObstacle(response, method);
  // On node:http, where an app whose classes were bred runs too, there is no server of ours.
  const name = (response[kServer] as OwnResponse[typeof kServer] | undefined)?.fragmentName(urlOrPath) ?? urlOrPath;
  if (gone !== null) {
    process.nextTick(failBody, response, callback, gone);
    return;
  }
  const { _header: header, statusMessage } = response;
  const before = { header, head: header === null ? null : response[kHead], statusMessage };
  let why = 'this engine has none';
  if (isPlain(response, ownEnd, frames.MinorWithFragments)) {
    why = 'middleware or a transfer coding has a say in the body, whose bytes are not here';
    if (composeHead(response)) {
      response[kFragment] = { name, callback, ...before };
      sendWhole(response, composedFlags(response), encodeFragmentBlock(response[kPolicyBlock], name), 0);
      return;
    }
    takeBack(response, before);
  }
  process.nextTick(failBody, response, callback, makeError('ERR_HTTPSYS_FRAGMENT', name, why));
}

/** Nothing has left: the program may answer anything. */
function takeBack(response: OwnResponse, before: Pick<FragmentTask, 'header' | 'head' | 'statusMessage'>): void {
  response._header = before.header;
  response[kHead] = before.head;
  response.statusMessage = before.statusMessage;
  response._headerSent = false;
  response.finished = false;
  response[kEnded] = false;
  response[kSent] = 0;
}

/** FRAGMENT_USED has come. */
export function fragmentUsed(response: OwnResponse, missing: boolean): void {
  const task = response[kFragment];
  if (task === null || task === undefined) return;
  response[kFragment] = null;
  const { name, callback } = task;
  if (missing) {
    takeBack(response, task);
    failBody(response, callback, nodeError(Error, 'ENOENT', `ENOENT: no fragment of that name in the engine's cache, '${name}'`));
    return;
  }
  completeBody(response, callback);
}

/** The client or the engine is gone before. */
export function loseFragment(response: OwnResponse): void {
  const task = response[kFragment];
  if (task === null || task === undefined) return;
  response[kFragment] = null;
  if (task.callback !== undefined) process.nextTick(task.callback, goneError(method));
}
