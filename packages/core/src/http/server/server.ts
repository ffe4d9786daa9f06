/**
 * Server: node:http's class on a request queue. Everything a program does with `http.Server` works; `listen` also takes URL prefixes.
 */
import type * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BoundUrl } from '../../carriers/carrier';
import { cacheEntryBytesDefault, checkServerOptions, type ServerOptions } from '../../options';
import type { EngineState } from '../../queue/state';
import type { CachePolicy } from '../cache-policy';
import type { IncomingMessage } from '../incoming-message';
import type { OwnRequest, OwnServer, OwnSocket, Queue } from '../own';
import type { ServerResponse } from '../server-response';
import { messageClasses, serverPolicy, uniqueHeaders } from './applied-options';
import { BaseServer } from './base-server';
import { close, closeAllConnections, closeIdleConnections, queueDrained, queueFailed, setReferenced } from './closing';
import { flushCache, queryState, requireQueue } from './engine-calls';
import { serveForeign } from './foreign-connection';
import { fragmentName } from './fragment-name';
import { addFragment } from './fragment-store';
import type { ListenOptions } from './listen-arguments';
import { listen, queueRestored } from './listening';
import { defineListeningProperties } from './listening-properties';
import { defineNodeOptions } from './node-options';
import { initState, stateOf } from './server-state';
import { idleSeconds, listenersChange, optionsChanged } from './tuning';

type Listener = (request: IncomingMessage, response: ServerResponse<IncomingMessage>) => void;

export class Server extends BaseServer implements OwnServer {
  /** @internal */
  messageClasses: OwnServer['messageClasses'];
  /** @internal */
  readonly responseOptions: OwnServer['responseOptions'];
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

  constructor(options?: ServerOptions | Listener, listener?: Listener) {
    const given = (typeof options === 'function' ? undefined : options) ?? {};
    const requestListener = typeof options === 'function' ? options : listener;
    checkServerOptions(given);
    super(given as unknown as http.ServerOptions);
    const state = initState(this, queueDrained, listenersChange);
    // Node's parser and its connection bookkeeping have nothing to do with connections of an engine, whose sockets are facades.
    this.removeAllListeners('connection');
    this.on('connection', serveForeign);
    this.removeAllListeners('listening');
    this.on('newListener', state.listenersChange);
    this.on('removeListener', state.listenersChange);
    this.optimizeEmptyRequests = given.optimizeEmptyRequests === true;
    if (given.keepAliveTimeoutBuffer !== undefined) this.keepAliveTimeoutBuffer = given.keepAliveTimeoutBuffer;
    state.serverOptions = given;
    this.cacheEntryBytes = given.cacheEntryBytes ?? cacheEntryBytesDefault;
    this.messageClasses = messageClasses(given, requestListener);
    this.shouldUpgradeCallback = given.shouldUpgradeCallback ?? (() => this.listenerCount('upgrade') > 0);
    this.uniqueHeaders = uniqueHeaders(given);
    this.responseOptions = { highWaterMark: given.highWaterMark, rejectNonStandardBodyWrites: given.rejectNonStandardBodyWrites ?? false };
    this.cachePolicy = serverPolicy(given);
    if (requestListener !== undefined) this.on('request', requestListener as http.RequestListener);
  }

  /** @internal */
  isListening(): boolean {
    return stateOf(this).bound !== null;
  }

  /** The URL prefixes this server is registered on, in canonical form; empty while not listening. */
  get prefixes(): string[] {
    return (stateOf(this).bound ?? []).map((url) => url.prefix);
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
    listen(stateOf(this), args);
    return this;
  }

  /** @internal A property of node:http that the engine acts on was set. */
  optionsChanged(): void {
    optionsChanged(stateOf(this));
  }

  /** @internal Whole seconds that clients are told an idle connection lives. */
  idleSeconds(): number {
    return idleSeconds(stateOf(this));
  }

  override address(): AddressInfo | string | null {
    return stateOf(this).boundAddress;
  }

  /**
   * Takes no more requests; those under way are finished, idle connections are closed. 'close' follows.
   *
   * @param callback gets ERR_SERVER_NOT_RUNNING when the server was not listening
   */
  override close(callback?: (error?: Error) => void): this {
    close(stateOf(this), callback);
    return this;
  }

  override closeIdleConnections(): void {
    closeIdleConnections(stateOf(this));
  }

  override closeAllConnections(): void {
    closeAllConnections(stateOf(this));
  }

  override getConnections(callback: (error: Error | null, count: number) => void): this {
    process.nextTick(callback, null, stateOf(this).connectionCount);
    return this;
  }

  override ref(): this {
    setReferenced(stateOf(this), true);
    return this;
  }

  override unref(): this {
    setReferenced(stateOf(this), false);
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
    return flushCache(stateOf(this), urlOrPath, options.recursive === true);
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
    const { links } = requireQueue(stateOf(this));
    await addFragment([...links.values()], this.fragmentName(urlOrPath), data, policy, this.cacheEntryBytes);
  }

  /** @internal */
  fragmentName(urlOrPath: string): string {
    return fragmentName(urlOrPath, stateOf(this).bound ?? []);
  }

  /** Counters of the whole engine: requests, hits, connections, queues, prefixes. */
  queryState(): Promise<EngineState> {
    return queryState(stateOf(this));
  }

  /** @internal */
  prefixPathOf(urlContext: number): string {
    return stateOf(this).prefixPaths[urlContext] ?? '/';
  }

  /** @internal */
  requestDone(request: OwnRequest): void {
    const socket = request.socket as OwnSocket | null;
    if (socket !== null && socket.currentRequest === request) socket.currentRequest = null;
    const { draining } = stateOf(this);
    if (!draining.empty) setImmediate(() => draining.requestDone());
  }

  /** @internal */
  connectionMade(): void {
    stateOf(this).connectionCount++;
  }

  /** @internal */
  connectionDone(): void {
    stateOf(this).connectionCount--;
  }

  /** @internal The engine may have numbered the URLs anew. */
  queueRestored(queue: Queue, bound: BoundUrl[]): void {
    queueRestored(stateOf(this), queue, bound);
  }

  /** @internal The engine ended a queue. */
  queueFailed(queue: Queue, error: Error): void {
    queueFailed(stateOf(this), queue, error);
  }
}

defineNodeOptions(Server.prototype);
defineListeningProperties(Server.prototype);

/** As node:http's `createServer`. */
export function createServer(listener?: Listener): Server;
export function createServer(options: ServerOptions, listener?: Listener): Server;
export function createServer(options?: ServerOptions | Listener, listener?: Listener): Server {
  return new Server(options, listener);
}
