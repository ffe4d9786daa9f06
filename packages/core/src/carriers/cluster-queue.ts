/**
 * Workers of one cluster that listen on the same address share one request queue, as they share a socket on node:http. The queue has a name
 * that follows from the primary's pid and the address, so the workers need not speak to each other or to the primary.
 */
import * as cluster from 'node:cluster';
import { createHash } from 'node:crypto';
import type { QueueMode } from './carrier';

export interface SharedQueue {
  name: string;
  mode: QueueMode;
}

/** Of addresses with port 0, how often each was asked for: the first `listen(0)` of every worker is one port, the second another one. */
const freePorts = new Map<string, { next: number; open: number }>();

/** The shared queue of an address, and what to call when the server is closed. */
export interface ClusterQueue extends SharedQueue {
  release(): void;
}

/**
 * @param urls what is listened on, port 0 not resolved yet
 * @param primary pid of the cluster's primary; default: the parent of this worker
 */
export function clusterQueue(urls: readonly string[], primary: number = process.ppid): ClusterQueue {
  const text = urls.join(' ');
  const free = urls.some((url) => /^[a-z]+:\/\/[^/]*:0\//i.test(url));
  let address = text;
  if (free) {
    const counter = freePorts.get(text) ?? { next: 0, open: 0 };
    freePorts.set(text, counter);
    address += `#${counter.next++}`;
    counter.open++;
  }
  let released = false;
  return {
    name: `cluster ${primary} ${createHash('sha256').update(address).digest('hex').slice(0, 16)}`,
    mode: 'createOrAttach',
    release(): void {
      const counter = freePorts.get(text);
      if (released || !free || counter === undefined) return;
      released = true;
      // As node:cluster counts: from the start again when all are closed.
      if (--counter.open === 0) freePorts.delete(text);
    },
  };
}

/** How a queue that somebody named is opened when nothing else is said: the workers of a cluster all run the same `listen`. */
export function defaultQueueMode(): QueueMode {
  return cluster.default.isWorker ? 'createOrAttach' : 'create';
}
