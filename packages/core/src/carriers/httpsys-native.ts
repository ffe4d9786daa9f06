/** The part of the addon that there is on Windows only: request queues of HTTP.SYS (`native/binding/http_queue_object_win32.cc`). */
import type { NativeQueueOptions } from './native';

/** How a request queue is opened. */
export interface HttpQueueOptions {
  /** Machine-wide name; without one the queue is private to this process (QUEUE-2). */
  name?: string;
  /** Access list of a queue that is created (QUEUE-4), as SDDL; the system's default when absent. */
  security?: string;
  /** Opens an existing queue of that name. */
  attach?: boolean;
  /** Registers URLs and settings, and takes no requests (QUEUE-6). */
  controller?: boolean;
  /** Receives pending at a time, 1 to 1024; 0 = five for each processor. */
  pendingReceives?: number;
  /** True in the main thread: when the environment ends, so does the process, and the system cleans up. */
  endsWithProcess: boolean;
}

/** What a server asks of HTTP.SYS beyond what every engine has, checked and in the driver's terms. */
export interface HttpSysSettings {
  /** Access list of the queue, as SDDL. */
  queueSecurity?: string;
  /** Receives pending at a time, 1 to 1024. */
  pendingReceives?: number;
  /** 0 basic, 1 limited, 2 full (http-server-api.md section 8.4). */
  verbosity503?: number;
  /** Bytes per second of each prefix. */
  maxBandwidth?: number;
  /** Bits of AUTH-1. */
  authSchemes?: number;
  realm?: string;
  domain?: string;
  allowAnonymous?: boolean;
  /** The driver buffers sends (BUFFER_DATA). */
  bufferData?: boolean;
  /** Clients on https are asked for a certificate that their handshake has not shown. */
  clientCertificate?: boolean;
}

/** Of the settings that every engine has, those the driver takes. */
export type SharedSettings = Pick<
  NativeQueueOptions,
  | 'queueLength'
  | 'enabled'
  | 'maxRequestBodyBytes'
  | 'maxConnections'
  | 'entityBody'
  | 'drainEntityBody'
  | 'requestQueue'
  | 'idleConnection'
  | 'headerWait'
  | 'minSendRate'
>;

/** Settings in the driver's terms: seconds (0 = the system's default, 65535 = none), bytes, counts. What is absent stays as it is. */
export type HttpQueueSettings = SharedSettings & Omit<HttpSysSettings, 'pendingReceives' | 'queueSecurity'>;

/** `kind` of an event; the C++ twin is `QueueEvent::Kind` in `native/httpsys/driver.h`. */
export const httpQueueEvents = { failed: 1, flushed: 2, informational: 3, sendRefused: 4, closed: 5 } as const;

/** What goes wrong is thrown with `win32Code` and `syscall`, the name of the function of the API. */
export interface HttpQueue {
  addUrl(url: string, urlContext: number): void;
  removeUrls(): void;
  setOptions(settings: HttpQueueSettings): void;
  /** Names of settings that this system does not know, each since the last call. */
  unsupported(): string[];
  /** A channel begins. */
  start(credit: number): void;
  /** Hands a batch of frames to the I/O thread; the bytes are taken. False: it is too far behind. */
  submit(batch: Uint8Array, length: number): boolean;
  /** The event `flushed` with this token follows. */
  flushCache(token: number, url: string, recursive: boolean): void;
  queryState(): HttpQueueState;
  /** The event `closed` follows, the last one. */
  close(): void;
  ref(): void;
  unref(): void;
}

export interface HttpQueueState {
  requests: number;
  inFlight: number;
  connections: number;
  bytesIn: number;
  bytesOut: number;
  informationalDropped: number;
  rejected: number;
  /** Of the whole process; 0 when the system does not tell. */
  handles: number;
}

export interface HttpSysBinding {
  HttpQueue: new (
    options: HttpQueueOptions,
    onBatch: (batch: Uint8Array, length: number) => void,
    onEvent: (kind: number, token: number, code: number, text: string) => void,
  ) => HttpQueue;
  /** A port that nothing listens on at this moment; 0 when there is none. */
  freePort(): number;
  /** What this Windows (or Wine) can do. */
  httpFeatures(): Record<string, boolean>;
}
