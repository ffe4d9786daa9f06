/** What `QUERY_STATE` reports: plain counters since the engine started. */
export interface EngineState {
  /** Version of @httpsys/core the engine came with. */
  version: string;
  uptimeSeconds: number;
  /** Process that runs the engine. */
  pid?: number;
  threads: number;
  connections: number;
  requests: number;
  bytesIn: number;
  bytesOut: number;
  /** HTTP.SYS only: handles that this process has open. */
  handles?: number;
  /** Null on HTTP.SYS, which tells no program: see `netsh http show cachestate`. */
  cache: CacheState | null;
  /** Requests the engine answered with an error itself, by reason (http-server-api.md section 2.5). */
  rejections: Record<string, number>;
  queues: QueueState[];
  urls: UrlState[];
}

export interface CacheState {
  hits: number;
  misses: number;
  stores: number;
  evictions: number;
  expirations: number;
  flushes: number;
  bytes: number;
  entries: number;
}

export interface QueueState {
  id: number;
  name?: string;
  /** Requests waiting un-received; absent on HTTP.SYS. */
  depth?: number;
  /** Channels attached. */
  attached: number;
  /** Requests routed to the queue, cache hits included. */
  requests: number;
  /** Answered from the cache; absent on HTTP.SYS. */
  hits?: number;
  inFlight: number;
  /** Of these, connections that an upgrade or CONNECT has made streams of bytes; absent on HTTP.SYS. */
  upgraded?: number;
  /** Processes attached. */
  pids?: number[];
}

export interface UrlState {
  prefix: string;
  queueId: number;
  /** Absent on HTTP.SYS. */
  requests?: number;
  hits?: number;
  /** Processes that serve it. */
  pids?: number[];
}
