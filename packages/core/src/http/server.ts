/**
 * Server: node:http's class on a request queue. Everything a program does with `http.Server` works; `listen` also takes URL prefixes.
 */
import type * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { createCarrier } from '../carriers/create';
import type { BoundUrl } from '../carriers/carrier';
import { makeError } from '../errors';
import {
  cacheEntryBytesDefault,
  checkServerOptions,
  maxConcurrentRequestsDefault,
  type NativeQueueOptions,
  type ServerOptions,
} from '../options';
import * as frames from '../queue/frames';
import { RequestQueue } from '../queue/request-queue';
import type { EngineState } from '../queue/state';
import { defineAccessors } from './accessors';
import { BaseServer } from './base-server';
import { validateCachePolicy, type CachePolicy } from './cache-policy';
import { EngineEvents } from './engine-events';
import { breedMessageClasses, isExpressLike } from './express-prototypes';
import { closeConnections, DrainingQueues, socketsOf } from './draining-queues';
import { isHeard, serveForeign } from './foreign-connection';
import { flushTargets } from './flush-target';
import { fragmentName } from './fragment-name';
import { addFragment } from './fragment-store';
import { IncomingMessage } from './incoming-message';
import { workerClosed, workerListens } from './cluster-worker';
import { parseListenArguments, type ListenOptions, type ListenRequest } from './listen-arguments';
import { openQueue, type Opening } from './open-queue';
import { nodeError } from './node-internals';
import { defineNodeOptions, engineOptions } from './node-options';
import type { OwnRequest, OwnServer, OwnSocket, Queue } from './own';
import { ServerResponse } from './server-response';

/** Events the engine has more to do for. */
const listenedEvents = ['clientError', 'connection'];
/** What the engine gives an idle connection where nobody has said otherwise (http-server-api.md section 8.2). */
const idleSecondsDefault = 120;

type Listener = (request: IncomingMessage, response: ServerResponse<IncomingMessage>) => void;

export class Server extends BaseServer implements OwnServer {
  /** @internal */
  messageClasses: {
    IncomingMessage: new (socket: OwnSocket) => http.IncomingMessage;
    ServerResponse: new (request: OwnRequest, options: object) => http.ServerResponse;
  };
  /** @internal */
  readonly responseOptions: { highWaterMark: number | undefined; rejectNonStandardBodyWrites: boolean };
  /** Policy of responses that set none. */
  readonly cachePolicy: CachePolicy | null;
  /** @internal node:http's option, kept by its constructor. */
  declare joinDuplicateHeaders: boolean | undefined;
  /** @internal Lower-case names whose arrays are joined into one field. */
  readonly uniqueHeaders: ReadonlySet<string> | null;
  /** @internal node:http's option of Node 24. */
  readonly optimizeEmptyRequests: boolean;
  /** Node 24's property of that name; see ServerOptions. */
  declare keepAliveTimeoutBuffer: number;
  /** @internal node:http's property, which nothing documents; see engineOptions. */
  declare httpAllowHalfOpen: boolean;
  /** @internal Longest response the cache takes. */
  readonly cacheEntryBytes: number;
  /**
   * Whether a request that asks for an upgrade gets 'upgrade' (or else 'request'): the option of the same name, or the presence of a listener.
   * With true and no listener the connection is closed.
   */
  readonly shouldUpgradeCallback: (request: http.IncomingMessage) => boolean;
  private readonly serverOptions: ServerOptions;
  private queue: Queue | null = null;
  private bound: BoundUrl[] | null = null;
  private boundAddress: AddressInfo | string | null = null;
  private opening: Opening | null = null;
  /** By URL context. */
  private prefixPaths: string[] = [];
  /** In the order of `listen`. */
  private listenPaths: string[] = [];
  /** What the engine was told that this server listens to. */
  private told = '';
  /** An option was changed while the queue was being opened. */
  private untold = false;
  private readonly draining = new DrainingQueues(() => this.queueDrained());
  private connectionCount = 0;
  private referenced = true;
  /** The option, on an engine whose ports are this program's alone. */
  private nodeDefaults = false;

  constructor(options?: ServerOptions | Listener, listener?: Listener) {
    const given = (typeof options === 'function' ? undefined : options) ?? {};
    const requestListener = typeof options === 'function' ? options : listener;
    checkServerOptions(given);
    super(given as unknown as http.ServerOptions);
    // Node's parser and its connection bookkeeping have nothing to do with connections of an engine, whose sockets are facades.
    this.removeAllListeners('connection');
    this.on('connection', serveForeign);
    this.removeAllListeners('listening');
    this.on('newListener', this.listenersChange);
    this.on('removeListener', this.listenersChange);
    this.optimizeEmptyRequests = given.optimizeEmptyRequests === true;
    if (given.keepAliveTimeoutBuffer !== undefined) this.keepAliveTimeoutBuffer = given.keepAliveTimeoutBuffer;
    this.serverOptions = given;
    this.cacheEntryBytes = given.cacheEntryBytes ?? cacheEntryBytesDefault;
    const bred =
      isExpressLike(requestListener) && !given.IncomingMessage && !given.ServerResponse ? breedMessageClasses(requestListener) : null;
    this.messageClasses = {
      IncomingMessage: given.IncomingMessage ?? bred?.IncomingMessage ?? IncomingMessage,
      ServerResponse: given.ServerResponse ?? bred?.ServerResponse ?? ServerResponse,
    } as unknown as Server['messageClasses'];
    this.shouldUpgradeCallback = given.shouldUpgradeCallback ?? (() => this.listenerCount('upgrade') > 0);
    // As node:http, which takes what is no array for nothing.
    this.uniqueHeaders = Array.isArray(given.uniqueHeaders) ? new Set(given.uniqueHeaders.flat().map((name) => name.toLowerCase())) : null;
    this.responseOptions = { highWaterMark: given.highWaterMark, rejectNonStandardBodyWrites: given.rejectNonStandardBodyWrites ?? false };
    const seconds = process.env.HTTPSYS_CACHE_DURATION;
    const fromEnvironment = seconds !== undefined && seconds !== '' ? { ttl: Number(seconds) } : null;
    this.cachePolicy = given.cachePolicy === undefined ? fromEnvironment : given.cachePolicy;
    if (this.cachePolicy !== null) validateCachePolicy(this.cachePolicy);
    if (requestListener !== undefined) this.on('request', requestListener as http.RequestListener);
  }

  /** @internal */
  isListening(): boolean {
    return this.bound !== null;
  }

  /** The URL prefixes this server is registered on, in canonical form; empty while not listening. */
  get prefixes(): string[] {
    return this.bound === null ? [] : this.bound.map((url) => url.prefix);
  }

  /**
   * Registers URL prefixes (`http://*:8080/shop/`), or listens on a port, a path or a descriptor as node:http does; on the embedded engine
   * the address is bound when this returns, unless it is a name that has to be looked up.
   *
   * Errors of the address come as 'error': `EADDRINUSE` (what holds it, with `pid` when known), `EACCES` (with a remedy).
   *
   * @throws ERR_HTTPSYS_PREFIX_INVALID, ERR_HTTPSYS_TLS_UNSUPPORTED, ERR_SERVER_ALREADY_LISTEN, ERR_SOCKET_BAD_PORT
   */
  override listen(prefix: string | readonly string[], callback?: () => void): this;
  override listen(port?: number, host?: string, backlog?: number, callback?: () => void): this;
  override listen(port?: number, host?: string, callback?: () => void): this;
  override listen(port?: number, backlog?: number, callback?: () => void): this;
  override listen(port?: number, callback?: () => void): this;
  override listen(callback?: () => void): this;
  override listen(options: ListenOptions, callback?: () => void): this;
  override listen(path: string, backlog?: number, callback?: () => void): this;
  override listen(handle: object, backlog?: number, callback?: () => void): this;
  override listen(...args: unknown[]): this {
    if (this.queue !== null) {
      throw nodeError(Error, 'ERR_SERVER_ALREADY_LISTEN', 'Listen method has been called more than once without closing.');
    }
    const request = parseListenArguments(args);
    if (request.callback !== null) this.once('listening', request.callback);
    this.start(request);
    const { signal } = request.options;
    if (signal !== undefined) {
      const onAbort = (): unknown => this.close();
      if (signal.aborted) process.nextTick(onAbort);
      else {
        signal.addEventListener('abort', onAbort, { once: true });
        this.once('close', () => signal.removeEventListener('abort', onAbort));
      }
    }
    return this;
  }

  private start(request: ListenRequest): void {
    const paths = request.prefixes === null ? ['/'] : request.prefixes.map((prefix) => prefix.path);
    this.prefixPaths = this.listenPaths = paths;
    const queue: Queue = new RequestQueue(
      (events) =>
        createCarrier(events, {
          byPrefix: request.prefixes !== null,
          lone: request.descriptor !== null || request.options.exclusive === true || request.options.reusePort === true,
          named: (request.options.queueName ?? this.serverOptions.queueName) !== undefined,
          engine: request.options.engine ?? this.serverOptions.engine,
        }),
      new EngineEvents(this),
      this.serverOptions.maxConcurrentRequests ?? maxConcurrentRequestsDefault,
    );
    this.queue = queue;
    this.nodeDefaults = this.serverOptions.nodeDefaults === true && queue.carrier.kind === 'embedded';
    if (!this.referenced) queue.carrier.unref();
    // The port may still be this server's own, if it was closed a moment ago.
    this.draining.afterRelease(() => {
      if (this.queue === queue) this.open(queue, request);
    });
  }

  private open(queue: Queue, request: ListenRequest): void {
    this.opening = openQueue(queue.carrier, this.serverOptions, this.tune(), request, (error, opened) => {
      if (this.queue !== queue) return;
      if (error !== null || opened === null) {
        this.queue = null;
        queue.carrier.close(() => undefined);
        process.nextTick(() => this.emit('error', error));
        return;
      }
      const { bound, address } = opened;
      this.bound = bound;
      this.boundAddress = address;
      this.numberUrls(bound);
      if (this.untold) this.optionsChanged();
      process.nextTick(() => {
        if (this.bound !== bound) return;
        workerListens(this);
        this.emit('listening');
      });
    });
  }

  /** On a queue that several processes share, the one that came first has numbered the URLs. */
  private numberUrls(bound: BoundUrl[]): void {
    this.prefixPaths = [];
    bound.forEach((url, n) => (this.prefixPaths[url.urlContext] = this.listenPaths[n] ?? '/'));
  }

  private tune(): NativeQueueOptions {
    this.told = this.heardEvents();
    this.untold = false;
    return engineOptions(this, this.serverOptions, this.nodeDefaults);
  }

  /** @internal A property of node:http that the engine acts on was set. */
  optionsChanged(): void {
    if (this.bound !== null) this.queue?.carrier.setOptions(this.tune(), () => undefined);
    else this.untold = true;
  }

  /** Malformed requests, and clients that are silent, come here only while somebody listens. */
  private heardEvents(): string {
    return listenedEvents.filter((event) => isHeard(this, event)).join();
  }

  private readonly listenersChange = (event: string | symbol): void => {
    if (!listenedEvents.includes(event as string)) return;
    process.nextTick(() => {
      if (this.heardEvents() !== this.told) this.optionsChanged();
    });
  };

  /** @internal Whole seconds that clients are told an idle connection lives. */
  idleSeconds(): number {
    const seconds = this.tune().idleConnection ?? 0;
    return Math.floor(seconds === 0 ? idleSecondsDefault : Math.max(seconds, 0));
  }

  override address(): AddressInfo | string | null {
    return this.boundAddress;
  }

  /**
   * Takes no more requests; those under way are finished, idle connections are closed. 'close' follows.
   *
   * @param callback gets ERR_SERVER_NOT_RUNNING when the server was not listening
   */
  override close(callback?: (error?: Error) => void): this {
    // As node:http's does, whose own method programs replace.
    this.closeIdleConnections();
    const queue = this.queue;
    if (typeof callback === 'function') {
      if (queue === null) this.once('close', () => callback(nodeError(Error, 'ERR_SERVER_NOT_RUNNING', 'Server is not running.')));
      else this.once('close', callback);
    }
    if (queue === null) {
      if (this.draining.empty) process.nextTick(() => this.emit('close'));
      return this;
    }
    this.queue = null;
    this.bound = null;
    this.boundAddress = null;
    const { opening } = this;
    // Closing is something to wait for, whatever `unref` has said of listening.
    queue.carrier.ref();
    this.draining.add(queue, () => {
      opening?.release();
      if (this.queue === null) workerClosed(this);
    });
    return this;
  }

  private queueDrained(): void {
    // As node:net: a listener added behind `close()` hears it, and the connections' own 'close' comes first.
    process.nextTick(() => {
      // A server that listens again is not closed (node:http).
      if (this.queue === null && this.draining.empty) this.emit('close');
    });
  }

  private queues(): Queue[] {
    return this.queue === null ? this.draining.all() : [...this.draining.all(), this.queue];
  }

  override closeIdleConnections(): void {
    for (const queue of this.queues()) closeConnections(queue, frames.CloseIdle);
  }

  override closeAllConnections(): void {
    for (const queue of this.queues()) {
      closeConnections(queue, frames.CloseAll);
      for (const socket of socketsOf(queue)) if (socket.opaque === null) socket.giveUp();
    }
  }

  override getConnections(callback: (error: Error | null, count: number) => void): this {
    process.nextTick(callback, null, this.connectionCount);
    return this;
  }

  override ref(): this {
    this.referenced = true;
    for (const queue of this.queues()) queue.carrier.ref();
    return this;
  }

  override unref(): this {
    this.referenced = false;
    for (const queue of this.queues()) queue.carrier.unref();
    return this;
  }

  /**
   * Drops cached responses of this server's queue (CACHE-33).
   *
   * @param urlOrPath `http://host:port/path?query` for one host, or `/path?query` for every host and port this server listens on
   * @param options `recursive`: also everything below
   * @returns how many entries were dropped
   */
  async flushCache(urlOrPath: string, options: { recursive?: boolean } = {}): Promise<number> {
    const { carrier } = this.requireQueue();
    let total = 0;
    for (const url of flushTargets(urlOrPath, this.bound ?? [])) {
      total += await new Promise<number>((resolve, reject) => {
        carrier.flushCache(url, options.recursive === true, (error, count) => (error === null ? resolve(count) : reject(error)));
      });
    }
    return total;
  }

  /**
   * Keeps bytes in the engine's cache for responses that send them by name (`ServerResponse.respondWithFragment`; http-server-api.md section 5.5). The
   * processes of one queue share them. They count against the bounds of the cache, which drops what is not asked for, as `flushCache` of the name or of
   * what is above it does, and the end of the queue. A fragment of the same name is replaced.
   *
   * @param urlOrPath its name, below a prefix of this server: `/path?query`, or a full URL with the host of the prefix
   * @param data at least one byte, at most `cacheEntryBytes`; text is UTF-8
   * @param policy how long it stays
   * @throws as rejections: ERR_HTTPSYS_FRAGMENT for a wrong name or data and where the engine has no fragments (Wine, an older service),
   *   ERR_HTTPSYS_CACHE_POLICY for a policy that keeps nothing, ERR_HTTPSYS_NOT_LISTENING, also when the engine ends before it has answered
   */
  async addFragment(urlOrPath: string, data: string | Uint8Array, policy: CachePolicy): Promise<void> {
    const { links } = this.requireQueue();
    await addFragment([...links.values()], this.fragmentName(urlOrPath), data, policy, this.cacheEntryBytes);
  }

  /** @internal */
  fragmentName(urlOrPath: string): string {
    return fragmentName(urlOrPath, this.bound ?? []);
  }

  /** Counters of the whole engine: requests, hits, connections, queues, prefixes. */
  queryState(): Promise<EngineState> {
    const { carrier } = this.requireQueue();
    return new Promise((resolve, reject) => {
      carrier.queryState((error, state) => (error === null ? resolve(state as EngineState) : reject(error)));
    });
  }

  private requireQueue(): Queue {
    if (this.queue === null || this.bound === null) throw makeError('ERR_HTTPSYS_NOT_LISTENING');
    return this.queue;
  }

  /** @internal */
  prefixPathOf(urlContext: number): string {
    return this.prefixPaths[urlContext] ?? '/';
  }

  /** @internal */
  requestDone(request: OwnRequest): void {
    const socket = request.socket as OwnSocket | null;
    if (socket !== null && socket.currentRequest === request) socket.currentRequest = null;
    if (!this.draining.empty) setImmediate(() => this.draining.requestDone());
  }

  /** @internal */
  connectionMade(): void {
    this.connectionCount++;
  }

  /** @internal */
  connectionDone(): void {
    this.connectionCount--;
  }

  /** @internal The engine may have numbered the URLs anew. */
  queueRestored(queue: Queue, bound: BoundUrl[]): void {
    if (queue === this.queue) this.numberUrls(bound);
  }

  /** @internal The engine ended a queue. */
  queueFailed(queue: Queue, error: Error): void {
    if (this.draining.drop(queue)) return;
    if (this.queue !== queue) return;
    this.queue = null;
    this.bound = null;
    this.boundAddress = null;
    this.opening?.release();
    workerClosed(this);
    queue.carrier.close(() => undefined);
    this.emit('error', error);
  }
}

defineNodeOptions(Server.prototype);

let mark: object | null = null;

/**
 * Says that there is a listener. A handle of libuv that is none of a stream: `child.send(message, server)` unwraps natively what `_handle` is, and
 * a plain object would end the process there; this one is refused with EBADF.
 */
function listenerMark(): object {
  return (mark ??= new MessageChannel().port1);
}

defineAccessors(Server.prototype, {
  // Undocumented in node:http, and asked by packages that want to know whether a server has to be closed; supertest is one.
  _handle: {
    get(): object | null {
      return this.isListening() ? listenerMark() : null;
    },
    // node:net's constructor clears it.
    set(_value: unknown): void {},
  },
  listening: {
    get(): boolean {
      return this.isListening();
    },
  },
});

/** As node:http's `createServer`. */
export function createServer(listener?: Listener): Server;
export function createServer(options: ServerOptions, listener?: Listener): Server;
export function createServer(options?: ServerOptions | Listener, listener?: Listener): Server {
  return new Server(options, listener);
}
