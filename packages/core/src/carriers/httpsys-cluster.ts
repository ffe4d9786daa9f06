/**
 * Workers of a cluster share one named queue, as they share a socket on node:http. The primary owns it: session, URLs, queue (QUEUE-5), opened as
 * controller (QUEUE-6), and closed with the last worker that uses it. Workers open it by name and take what comes first (QUEUE-8).
 *
 * The primary must have loaded this package. One that has not (a process manager) leaves it to the workers: the first that listens creates the
 * queue and registers the URLs, and with it they go.
 */
import * as cluster from 'node:cluster';
import { createHash } from 'node:crypto';
import type { HttpsysError } from '../errors';
import type { BoundUrl, OpenQueueOptions, UrlRegistration } from './carrier';
import { loopTimeout } from './loop-timeout';

/** What the primary opens for its workers; the carrier gives it. */
export interface PrimaryQueue {
  readonly name: string;
  readonly bound: BoundUrl[];
  close(): void;
}

export type OpenPrimaryQueue = (name: string, urls: UrlRegistration[], options: OpenQueueOptions) => PrimaryQueue;

interface Ask {
  ask: 'open' | 'close';
  id: number;
  key: string;
  urls?: UrlRegistration[];
  options?: OpenQueueOptions;
}

interface Answer {
  answer: number;
  name?: string;
  bound?: BoundUrl[];
  /** Code, message and properties of what went wrong. */
  error?: { message: string; code: string };
}

/** Our messages among those of the program. */
const envelope = '@httpsys/core';
/** A primary that does not answer in this time does not know the question. */
const answerMs = 2000;

function open<T>(message: unknown): T | null {
  const content = typeof message === 'object' && message !== null ? (message as Record<string, unknown>)[envelope] : undefined;
  return typeof content === 'object' && content !== null ? (content as T) : null;
}

/** True in a worker whose server has not named a queue of its own. */
export function sharesQueue(options: { name?: string }): boolean {
  return options.name === undefined && cluster.default.isWorker;
}

function keyOf(urls: UrlRegistration[]): string {
  const digest = createHash('sha256').update(urls.map((url) => url.prefix).join(' '));
  return digest.digest('hex').slice(0, 16);
}

/** What a worker is to do: attach to the queue of that name, whose URLs are bound already; or create it if it is the first. */
export interface SharedQueue {
  name: string;
  mode: 'attach' | 'createOrAttach';
  bound: BoundUrl[] | null;
  /** The worker has done with it. */
  leave(): void;
}

let lastAsk = 0;

/** Asks the primary for the queue of these URLs. */
export function askPrimary(
  options: OpenQueueOptions,
  urls: UrlRegistration[],
  done: (error: Error | null, queue: SharedQueue) => void,
): void {
  const id = ++lastAsk;
  const key = keyOf(urls);
  const send = (ask: Ask): void => {
    if (process.connected) process.send?.({ [envelope]: ask });
  };
  const alone: SharedQueue = {
    name: `httpsys cluster ${process.ppid} ${key}`,
    mode: 'createOrAttach',
    bound: null,
    leave: () => undefined,
  };
  const onMessage = (message: unknown): void => {
    const answer = open<Answer>(message);
    if (answer === null || answer.answer !== id) return;
    settle();
    const { error, name, bound } = answer;
    if (error !== undefined) done(Object.assign(new Error(error.message), error), alone);
    else if (name === undefined || bound === undefined) done(null, alone);
    else done(null, { name, mode: 'attach', bound, leave: () => send({ ask: 'close', id, key }) });
  };
  const cancelTimeout = loopTimeout(answerMs, () => {
    settle();
    done(null, alone);
  });
  const settle = (): void => {
    cancelTimeout();
    process.removeListener('message', onMessage);
  };
  process.on('message', onMessage);
  send({ ask: 'open', id, key, urls, options });
}

interface Shared {
  queue: PrimaryQueue;
  /** Ids of the workers that use it, once for each server. */
  users: number[];
}

/** Makes this process answer its workers, when it is a primary. Called when the package is loaded. */
export function servePrimary(openQueue: OpenPrimaryQueue): void {
  if (!cluster.default.isPrimary) return;
  const queues = new Map<string, Shared>();
  const leave = (key: string, workerId: number): void => {
    const shared = queues.get(key);
    const at = shared?.users.indexOf(workerId) ?? -1;
    if (shared === undefined || at < 0) return;
    shared.users.splice(at, 1);
    if (shared.users.length > 0) return;
    queues.delete(key);
    shared.queue.close();
  };
  cluster.default.on('message', (worker, message) => {
    const ask = open<Ask>(message);
    if (ask === null || typeof ask.key !== 'string') return;
    if (ask.ask === 'close') {
      leave(ask.key, worker.id);
      return;
    }
    if (ask.ask !== 'open' || !Array.isArray(ask.urls) || ask.options === undefined) return;
    const answer: Answer = { answer: ask.id };
    try {
      let shared = queues.get(ask.key);
      if (shared === undefined) {
        shared = { queue: openQueue(`httpsys cluster ${process.pid} ${ask.key}`, ask.urls, ask.options), users: [] };
        queues.set(ask.key, shared);
      }
      shared.users.push(worker.id);
      answer.name = shared.queue.name;
      answer.bound = shared.queue.bound;
    } catch (error) {
      const { message: text, code } = error as HttpsysError;
      answer.error = { ...(error as object), message: text, code };
    }
    worker.send({ [envelope]: answer });
  });
  cluster.default.on('exit', (worker) => {
    for (const key of [...queues.keys()]) while (queues.get(key)?.users.includes(worker.id)) leave(key, worker.id);
  });
}
