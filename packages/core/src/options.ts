/** Every option of a server: type, default, range, unit, check. */
import type * as http from 'node:http';
import type { QueueMode } from './carriers/carrier';
import type { NativeQueueOptions } from './carriers/native';
import { makeError } from './errors';
import type { CachePolicy } from './http/cache-policy';
import { httpSysSettings, type AuthenticationOptions, type HttpSysOptions } from './httpsys-options';
import { callable, flag, integer } from './option-checks';

export { httpSysSettings } from './httpsys-options';

export type { NativeQueueOptions };

/** Timeouts as HTTP.SYS has them (http-server-api.md section 8.2): whole seconds, 1 to 65534; 0 = default; -1 = none. */
export interface TimeoutOptions {
  /** Between arrivals of a request body. Default 120. */
  entityBody?: number;
  /** For draining a body that the program did not read. Default 120. */
  drainEntityBody?: number;
  /** For a request that waits to be taken by the application; then 503. Default 120. */
  requestQueue?: number;
  /** For a keep-alive connection without a request. Default 120. */
  idleConnection?: number;
  /** For the whole head of a request. Default 120. */
  headerWait?: number;
  /** Bytes per second below which a client that reads a response is dropped. Default 150; -1 = none. */
  minSendRate?: number;
}

/** Which engine serves a server: see the table in docs/architecture.md. On Windows HTTP.SYS takes the place of the service and of the default. */
export type EngineName = 'service' | 'embedded';

/** The classes a server makes its messages of; node:http's options of the same names. */
export interface MessageClasses {
  IncomingMessage: new (socket: never) => http.IncomingMessage;
  ServerResponse: new (request: never, options?: never) => http.ServerResponse;
}

/** Options of `createServer`, beside those of node:http. */
export interface ServerOptions extends Omit<http.ServerOptions, keyof MessageClasses>, Partial<MessageClasses> {
  /** Default: `service` for prefixes, `embedded` for ports, HTTP.SYS on Windows; `HTTPSYS_ENGINE` overrides the default, this overrides both. */
  engine?: EngineName;
  /** Name of the request queue, for several processes on one queue. 1 to 260 characters without path separators (QUEUE-2). Default: unnamed. */
  queueName?: string;
  /** `create` (default), `attach` to an existing named queue, or `createOrAttach` (QUEUE-3). */
  queueMode?: QueueMode;
  /** Requests that may wait un-received; more get 503. 1 to 1,000,000, default 1000 (QUEUE-9). */
  queueLength?: number;
  /** Largest request body in bytes; 413 beyond. 0 = no limit (default). */
  maxRequestBodyBytes?: number;
  /**
   * Requests under way in this process, beyond which the others wait in the queue; with the service, for each of its I/O threads.
   * 1 to 1,000,000, default 10,000.
   */
  maxConcurrentRequests?: number;
  /** Largest cached response in bytes, 1 to 16 MiB. Default 262144 (CACHE-10). */
  cacheEntryBytes?: number;
  /** Policy of every response that sets none itself; `HTTPSYS_CACHE_DURATION` (seconds) sets it from outside. Default: none. */
  cachePolicy?: CachePolicy | null;
  /**
   * Decides for each request that asks for an upgrade: true gives it to 'upgrade', false makes it an ordinary request. Default: whether
   * 'upgrade' is listened to. Node's option since 24.9, here on every version.
   */
  shouldUpgradeCallback?: (request: http.IncomingMessage) => boolean;
  timeouts?: TimeoutOptions;
  /**
   * What the program leaves open is as on node:http and not as on HTTP.SYS, where the embedded engine serves: idle connections live for
   * `keepAliveTimeout` (5 seconds), heads have `headersTimeout` (60) and requests `requestTimeout` (300 seconds) and no other timeout, a client may read
   * its response as slowly as it likes (no `minSendRate`), malformed and late requests are answered with node:http's bare status line, POST and PUT
   * without a length have no body, a client that ends its side while it waits is gone, and a
   * Host may have no value. Default: true under slipstream, else false.
   */
  nodeDefaults?: boolean;
  /**
   * node:http's of the same name (Node 24): milliseconds that an idle connection lives beyond `keepAliveTimeout`, so that a request under way does
   * not meet a closed connection. Default 1000.
   */
  keepAliveTimeoutBuffer?: number;
  /** node:http's of the same name (Node 24): a request without Content-Length and Transfer-Encoding has no stream events. Default false. */
  optimizeEmptyRequests?: boolean;
  /** Users authenticated by Windows. Only HTTP.SYS can: with any other engine `listen` fails with ERR_HTTPSYS_AUTHENTICATION. */
  authentication?: AuthenticationOptions;
  /** What only HTTP.SYS has; the other engines ignore it. */
  httpsys?: HttpSysOptions;
}

export const maxConcurrentRequestsDefault = 10_000;
/** UriMaxUriBytes of HTTP.SYS (CACHE-10). */
export const cacheEntryBytesDefault = 262_144;

const timeoutNames = ['entityBody', 'drainEntityBody', 'requestQueue', 'idleConnection', 'headerWait'] as const;

/**
 * Checks the engine's part of the options and brings it into the engine's form.
 *
 * @throws ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE
 */
export function nativeQueueOptions(options: ServerOptions): NativeQueueOptions {
  const result: NativeQueueOptions = {};
  if (options.queueLength !== undefined) result.queueLength = integer('queueLength', options.queueLength, 1, 1_000_000);
  if (options.maxRequestBodyBytes !== undefined) {
    result.maxRequestBodyBytes = integer('maxRequestBodyBytes', options.maxRequestBodyBytes, 0, Number.MAX_SAFE_INTEGER);
  }
  if (options.cacheEntryBytes !== undefined) {
    result.cacheEntryBytes = integer('cacheEntryBytes', options.cacheEntryBytes, 1, 16 * 1024 * 1024);
  }
  for (const name of timeoutNames) {
    const value = options.timeouts?.[name];
    if (value !== undefined) result[name] = integer(`timeouts.${name}`, value, -1, 65534);
  }
  const rate = options.timeouts?.minSendRate;
  if (rate !== undefined) result.minSendRate = integer('timeouts.minSendRate', rate, -1, 0xfffffffe);
  return result;
}

/** Checks what concerns this process. */
export function checkServerOptions(options: ServerOptions): void {
  nativeQueueOptions(options);
  httpSysSettings(options);
  if (options.maxConcurrentRequests !== undefined) integer('maxConcurrentRequests', options.maxConcurrentRequests, 1, 1_000_000);
  if (options.shouldUpgradeCallback !== undefined) callable('options.shouldUpgradeCallback', options.shouldUpgradeCallback);
  if (options.keepAliveTimeoutBuffer !== undefined)
    integer('keepAliveTimeoutBuffer', options.keepAliveTimeoutBuffer, 0, Number.MAX_SAFE_INTEGER);
  for (const name of ['optimizeEmptyRequests', 'nodeDefaults'] as const) {
    if (options[name] !== undefined) flag(`options.${name}`, options[name]);
  }
  // RFC 9112 is what keeps requests of different clients apart on a shared port: there is no parser to loosen.
  if (options.insecureHTTPParser === true) throw makeError('ERR_HTTPSYS_INSECURE_PARSER');
  if (options.engine !== undefined && options.engine !== 'service' && options.engine !== 'embedded') {
    throw makeError('ERR_HTTPSYS_ENGINE', String(options.engine));
  }
}
