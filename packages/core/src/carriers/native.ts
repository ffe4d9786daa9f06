/**
 * The addon's surface, as `native/binding` exports it. Few functions, batches out: everything that belongs to a request travels
 * in frames (docs/frames.md).
 */
import type { AddressInfo } from 'node:net';

/** One prefix of the routing table, parsed and folded by `src/prefix`. */
export interface NativeUrl {
  https: boolean;
  /** 0 strong wildcard `+`, 1 explicit host, 2 IP literal, 3 weak wildcard `*` (ROUTE-1). */
  hostKind: 0 | 1 | 2 | 3;
  host: string;
  /** 1 to 65535, or the route key of a lone listener. */
  port: number;
  /** Folded; begins and ends with `/`. */
  path: string;
  queueId: number;
  urlContext: number;
}

/** An address that one listener has for itself: `fd`, or `path`, or else `host` and `port`. */
export interface LoneAddress {
  /** An IP address; '' or absent: any (dual stack, else IPv4). */
  host?: string;
  /** 0 finds a free one. */
  port?: number;
  /** `::` without IPv4 clients. */
  ipv6Only?: boolean;
  /** SO_REUSEPORT, where the kernel spreads connections over such sockets; else ENOTSUP. */
  reusePort?: boolean;
  /** A Unix socket; one that begins with NUL is a name of Linux' abstract namespace. */
  path?: string;
  /** A bound stream socket. It becomes the engine's, also when this fails. */
  fd?: number;
  /** The descriptor stays the caller's, and the engine has a copy. */
  duplicate?: boolean;
}

/** Limits and timeouts of one request queue. Seconds, bytes; all optional, defaults are HTTP.SYS'. */
export interface NativeQueueOptions {
  /** Requests that may wait un-received, 1 to 1,000,000. Default 1000 (QUEUE-9). */
  queueLength?: number;
  /** False: every request gets 503 (QUEUE-10). Default true. */
  enabled?: boolean;
  /** Largest request body in bytes; 413 beyond. 0 = no limit (default). */
  maxRequestBodyBytes?: number;
  /** Client connections whose requests this queue answers; 503 beyond. 0 = no limit (default). */
  maxConnections?: number;
  /** Seconds; 0 = the engine's default (120 s each), -1 = none. */
  entityBody?: number;
  drainEntityBody?: number;
  requestQueue?: number;
  idleConnection?: number;
  headerWait?: number;
  /** Bytes per second below which a client that reads a response is dropped; 0 = default 150, -1 = none. */
  minSendRate?: number;
  /** Largest cached response, bytes. Default 262144 (CACHE-10), at most 16 MiB. */
  cacheEntryBytes?: number;
  /** Seconds an idle connection lives beyond what its client is told. Default 0. */
  idleGrace?: number;
  /** Seconds for a request with its body, from the end of its head; 0 and -1 = none (default). */
  wholeRequest?: number;
  /** Longest request head, bytes; 431 beyond. Up to 65535; 0 = the engine's limit (default). */
  headBytes?: number;
  /** False: HTTP/1.1 requests without Host are taken on a port all of whose queues agree. Default true. */
  requireHost?: boolean;
  /** True: a Host without a value is taken on a port all of whose queues agree. Default false (ROUTE-9). */
  emptyHost?: boolean;
  /** False: POST and PUT without a length have no body on a port all of whose queues agree; 411 otherwise (PARSE-9). Default true. */
  requireLength?: boolean;
  /** False: a client that ends its side is gone at once; else it gets an answer that comes within half a second (GONE-3). Default true. */
  halfClose?: boolean;
  /** Malformed requests go to the application: docs/frames.md. Default false. */
  clientErrors?: boolean;
  /** The application is told of clients when they connect, not with their first request: docs/frames.md, CONNECTION. Default false. */
  connections?: boolean;
}

export interface NativeEngineOptions {
  /** `loop`: on the caller's own event loop, one attached channel per queue by `attach`. `threads`: own I/O threads with data sockets. */
  mode: 'loop' | 'threads';
  /** Number of I/O threads (mode `threads`), 1 to 64. */
  threads?: number;
  /** Paths of the Unix sockets on which each I/O thread takes data channels, one per thread. */
  socketPaths?: string[];
  /** Total bytes of the output cache. Default 64 MiB. */
  cacheBytes?: number;
  /** Client connections of the whole engine. Default 100,000. */
  maxConnections?: number;
  /** Parser limits, bytes. Defaults 16384, 16384, 1000. */
  requestLineBytes?: number;
  headerBytes?: number;
  headerCount?: number;
}

/** Called once per batch: `length` bytes of frames are in the buffer given to `attach`. */
export type NativeBatchListener = (length: number) => void;

/**
 * Errors thrown carry Node's `code` (`EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`, `EINVAL`, ...), `errno` and `syscall`.
 */
export interface NativeEngine {
  /** Binds and listens at once. `host` is an address; `''` = any (dual stack, else IPv4). `port` 0 finds a free one. Returns the port. */
  listen(host: string, port: number, backlog: number): number;
  /**
   * Listens where nobody else may; connections are routed by `routeKey` (above 65535: `NativeUrl.port`), whatever their port. Returns the
   * address, or undefined for a socket that has none (a path).
   */
  listenAlone(routeKey: number, where: LoneAddress, backlog: number): AddressInfo | undefined;
  /** Stops accepting there; open connections live on. A lone listener is named by '' and its route key. */
  unlisten(host: string, port: number): void;
  /** Replaces the routing table as a whole. */
  setUrls(urls: NativeUrl[]): void;
  openQueue(queueId: number, options: NativeQueueOptions): void;
  setQueueOptions(queueId: number, options: NativeQueueOptions): void;
  /** Drops the queue: what waits gets 503, its cache entries go (CACHE-34), its channels end. */
  closeQueue(queueId: number): void;
  /** Mode `threads`: a data channel that shows this 16 byte key is attached to the queue. `sessionId` names the process for `revoke`. */
  allowAttach(key: Uint8Array, queueId: number, sessionId: number): void;
  /** The process is gone: its key is void and its channels are ended. */
  revokeAttach(key: Uint8Array): void;
  /**
   * Mode `loop`: attaches the caller. `inbox` receives batches of frames (the engine never writes more than it holds; it must be at least
   * 18 MiB or `undefined` for the engine's own growing buffer, whose view is then passed as second argument). Returns the channel id.
   */
  attach(queueId: number, credit: number, onBatch: (batch: Uint8Array, length: number) => void): number;
  /**
   * Mode `loop`: hands a batch of frames to the engine. With `body` the batch ends with the header of a DATA frame whose bytes are there. All
   * bytes are taken before it returns. Throws `EPROTO` on a malformed one.
   */
  submit(channelId: number, batch: Uint8Array, length: number, body?: Uint8Array): void;
  detach(channelId: number): void;
  /** Flushes the entry of a URL (`http://host:port/path?query`), or with `recursive` all below; returns how many (CACHE-33). */
  flushCache(queueId: number, url: string, recursive: boolean): number;
  /** Counters as plain numbers: see `EngineState` in `src/queue/state.ts`. */
  queryState(): unknown;
  /** Mode `loop`: whether the listening sockets keep the loop alive. */
  ref(): void;
  unref(): void;
  /** Ends everything: listeners, connections, threads. */
  close(): void;
}

export interface NativeBinding {
  Engine: new (options: NativeEngineOptions) => NativeEngine;
  /** Peer of a connected Unix socket. */
  peerCredentials(fd: number): { pid: number; uid: number };
  /** Takes an exclusive advisory lock without waiting; false when another process has it. Released by the kernel with the process. */
  lockFile(fd: number): boolean;
  /** The C++ side of the frame tables, for the test that compares them. */
  frameTable(): Record<string, number | string[]>;
}
