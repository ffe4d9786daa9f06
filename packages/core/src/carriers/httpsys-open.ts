/** One open request queue of HTTP.SYS, from its name and mode (QUEUE-3) to what `queryState` tells of it. */
import { isMainThread } from 'node:worker_threads';
import { checkQueueMode, checkQueueName } from '../service/check';
import { packageVersion } from '../service/version';
import type { OpenQueueOptions } from './carrier';
import type { HttpSysChannel } from './httpsys-channel';
import { isDriverError, isTaken, queueError } from './httpsys-errors';
import type { HttpQueueSettings } from './httpsys-native';
import { splitOptions, type Registering } from './httpsys-queue';
import { loadHttpSys } from './load-addon';

export interface OpenQueue extends Registering {
  readonly name: string | undefined;
  readonly credit: number;
  readonly startedAt: number;
  settings: HttpQueueSettings;
  channel: HttpSysChannel | null;
  /** Channels that ended in a row because the driver gave no request. */
  failures: number;
  /** Tells the primary of the cluster, whose queue it is. */
  leave: (() => void) | null;
}

/** What the driver's thread tells, on the loop. */
export interface OpenQueueEvents {
  onBatch(open: OpenQueue, batch: Uint8Array, length: number): void;
  onEvent(open: OpenQueue, kind: number, token: number, code: number, text: string): void;
}

/** Opens the queue and sets its options; it has no URLs yet. Closes it again when that fails. */
export function openQueue(options: OpenQueueOptions, events: OpenQueueEvents): OpenQueue {
  const name = checkQueueName(options.name);
  const mode = checkQueueMode(options.mode);
  const { credit } = options;
  const { pendingReceives, security, settings } = splitOptions(options);
  const make = (attach: boolean): OpenQueue => {
    const { HttpQueue: NativeQueue } = loadHttpSys();
    const made = {
      ...(name === undefined ? {} : { name }),
      ...(attach ? {} : security),
      attach,
      pendingReceives,
      endsWithProcess: isMainThread,
    };
    const open: OpenQueue = {
      queue: new NativeQueue(
        made,
        (batch, length) => events.onBatch(open, batch, length),
        (kind, token, code, text) => events.onEvent(open, kind, token, code, text),
      ),
      name,
      attached: attach,
      credit,
      urls: [],
      startedAt: performance.now(),
      settings,
      channel: null,
      failures: 0,
      leave: null,
    };
    return open;
  };
  try {
    const open = attempt(mode, name, make);
    try {
      open.queue.setOptions(settings);
    } catch (error) {
      open.queue.close();
      throw error;
    }
    return open;
  } catch (error) {
    throw isDriverError(error) ? queueError(error, name) : error;
  }
}

/** QUEUE-3. */
function attempt(mode: 'create' | 'attach' | 'createOrAttach', name: string | undefined, make: (attach: boolean) => OpenQueue): OpenQueue {
  if (mode !== 'createOrAttach' || name === undefined) return make(mode === 'attach');
  try {
    return make(false);
  } catch (error) {
    if (isTaken(error)) return make(true);
    throw error;
  }
}

/** The kernel counts for itself (`netsh http show servicestate`, performance counters); these are this queue's, as far as its requests came here. */
export function stateOf(open: OpenQueue): unknown {
  const { requests, inFlight, connections, bytesIn, bytesOut, rejected, handles } = open.queue.queryState();
  return {
    version: packageVersion,
    pid: process.pid,
    uptimeSeconds: Math.round((performance.now() - open.startedAt) / 1000),
    threads: 1,
    connections,
    requests,
    bytesIn,
    bytesOut,
    handles,
    cache: null,
    rejections: rejected > 0 ? { Rejected: rejected } : {},
    queues: [
      {
        id: 1,
        ...(open.name === undefined ? {} : { name: open.name }),
        attached: open.channel === null ? 0 : 1,
        requests,
        inFlight,
        pids: [process.pid],
      },
    ],
    urls: open.urls.map((url) => ({ prefix: url.prefix, queueId: 1, pids: [process.pid] })),
  };
}
