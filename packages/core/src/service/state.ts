/** Joins the engine's counters with what only the control plane knows: prefixes, names, processes. */
import type { CacheState, EngineState, QueueState, UrlState } from '../queue/state';
import type { Registry } from './registry';
import { packageVersion } from './version';

/** The engine names a URL by queue and context. */
interface NativeUrlCounters {
  queueId: number;
  urlContext: number;
  requests?: number;
  hits?: number;
}

/** A port and where it listens. */
export interface PortState {
  port: number;
  /** `*` = any address. */
  addresses: string[];
}

/** What `QUERY_STATE` answers. */
export interface ServiceState extends EngineState {
  cache: CacheState;
  ports: PortState[];
}

export function joinState(native: unknown, registry: Registry, ports: PortState[]): ServiceState {
  const counters = (native ?? {}) as Partial<Omit<ServiceState, 'urls'>> & { urls?: NativeUrlCounters[] };
  const queueCounters = new Map((counters.queues ?? []).map((queue) => [queue.id, queue]));
  const urlCounters = new Map<string, NativeUrlCounters>();
  for (const url of counters.urls ?? []) urlCounters.set(`${url.queueId}.${url.urlContext}`, url);
  const queues: QueueState[] = [];
  for (const queue of registry.queues) {
    const state: QueueState = {
      depth: 0,
      attached: 0,
      requests: 0,
      hits: 0,
      inFlight: 0,
      ...queueCounters.get(queue.nativeId),
      id: queue.nativeId,
      pids: [...queue.members].map((session) => session.pid),
    };
    if (queue.name !== undefined) state.name = queue.name;
    queues.push(state);
  }
  const urls: UrlState[] = [];
  for (const url of registry.urls.values()) {
    const own = urlCounters.get(`${url.queue.nativeId}.${url.urlContext}`);
    urls.push({
      prefix: url.prefix.text,
      queueId: url.queue.nativeId,
      requests: own?.requests ?? 0,
      hits: own?.hits ?? 0,
      pids: [...url.holders].map((session) => session.pid),
    });
  }
  return {
    threads: 0,
    connections: 0,
    requests: 0,
    bytesIn: 0,
    bytesOut: 0,
    cache: { hits: 0, misses: 0, stores: 0, evictions: 0, expirations: 0, flushes: 0, bytes: 0, entries: 0 },
    rejections: {},
    uptimeSeconds: 0,
    ...counters,
    version: packageVersion,
    pid: process.pid,
    queues,
    urls,
    ports,
  };
}
