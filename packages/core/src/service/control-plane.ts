/**
 * The control plane of one engine: sessions, request queues, URL registrations and ports, by the rules of the HTTP Server API
 * (http-server-api.md sections 1 and 2.3). The service process runs it behind its control socket, the embedded carrier calls it directly.
 * Every operation is synchronous and either takes effect as a whole or throws.
 */
import { randomBytes } from 'node:crypto';
import { HttpsysError, makeError } from '../errors';
import type { BoundUrl, LoneBound, QueueMode, UrlRegistration } from '../carriers/carrier';
import type { LoneAddress, NativeEngine, NativeQueueOptions } from '../carriers/native';
import { toNativeUrl } from '../prefix';
import type { EngineState } from '../queue/state';
import { invalid } from './check';
import { DEFAULT_BACKLOG, MAX_SESSIONS, ORPHAN_GRACE_MS } from './limits';
import { listenAlone } from './lone-listeners';
import { PortTable, planAddresses, usersOf } from './port-table';
import { Registry, type Queue, type RegisteredUrl, type Session } from './registry';
import { registerUrls, type RegisterOptions } from './register-urls';
import { joinState } from './state';

export type { Session } from './registry';

export interface ControlPlaneOptions {
  /** The engine takes data channels by key (mode `threads`). */
  attachKeys: boolean;
  /** Replaces ORPHAN_GRACE_MS in tests. */
  orphanGraceMs?: number;
}

export interface OpenedQueue {
  /** False when the session joined a queue that had processes. */
  created: boolean;
  /** 16 bytes for ATTACH; null without data channels. */
  key: Uint8Array | null;
}

export interface AddedUrls {
  bound: BoundUrl[];
  /** Not null when the session took over the queue of a process that died: the key it was given before is void. */
  key: Uint8Array | null;
}

/** What options that nobody gave are set to when a queue changes hands; HTTP.SYS' values. */
const defaultOptions: Required<NativeQueueOptions> = {
  queueLength: 1000,
  enabled: true,
  maxRequestBodyBytes: 0,
  maxConnections: 0,
  entityBody: 0,
  drainEntityBody: 0,
  requestQueue: 0,
  idleConnection: 0,
  headerWait: 0,
  minSendRate: 0,
  cacheEntryBytes: 262_144,
  idleGrace: 0,
  wholeRequest: -1,
  headBytes: 0,
  requireHost: true,
  emptyHost: false,
  requireLength: true,
  halfClose: true,
  clientErrors: false,
  connections: false,
};

export class ControlPlane {
  readonly registry = new Registry();
  readonly ports: PortTable;
  private readonly graceMs: number;
  private sweepTimer: NodeJS.Timeout | null = null;

  constructor(
    readonly engine: NativeEngine,
    private readonly options: ControlPlaneOptions,
  ) {
    this.ports = new PortTable(engine);
    this.graceMs = options.orphanGraceMs ?? ORPHAN_GRACE_MS;
  }

  openSession(pid: number, version: string): Session {
    if (this.registry.sessions.size >= MAX_SESSIONS) throw new HttpsysError('EMFILE', `The engine has ${MAX_SESSIONS} sessions already`);
    return this.registry.addSession(pid, version);
  }

  /** QUEUE-1 to QUEUE-5. */
  openQueue(session: Session, request: { name?: string; mode: QueueMode; options: NativeQueueOptions }): OpenedQueue {
    if (session.queue !== null) throw invalid('this session has a request queue already');
    const { name, mode, options } = request;
    const existing = name === undefined ? undefined : this.registry.findQueue(name);
    const alive = existing !== undefined && existing.members.size > 0;
    if (mode === 'create' && alive) throw nameError('EEXIST', name, 'exists already (QUEUE-3)');
    if (mode === 'attach' && !alive) {
      throw name === undefined
        ? invalid('attach needs the name of a queue (QUEUE-2)')
        : nameError('ENOENT', name, 'does not exist (QUEUE-3)');
    }
    let queue = existing;
    if (queue === undefined) {
      queue = this.registry.addQueue(name, options);
      try {
        this.engine.openQueue(queue.nativeId, options);
      } catch (error) {
        this.registry.removeQueue(queue);
        throw error;
      }
    } else if (!alive) {
      // The process that had the name died and its prefixes are kept: its successor continues the queue.
      this.renewOptions(queue, options);
    }
    this.join(session, queue);
    return { created: !alive, key: session.key };
  }

  /**
   * Registers all or none. Port 0 in a prefix finds a free port, the same for all prefixes of the call. A single `unix:path` is a listener
   * at that path.
   */
  addUrls(session: Session, registrations: UrlRegistration[], options: RegisterOptions): AddedUrls {
    const before = session.key;
    const bound = registerUrls(this, session, registrations, options);
    this.scheduleSweep();
    return { bound, key: session.key === before ? null : session.key };
  }

  /** A listener that shares its address with nobody. @throws a listen error in node:net's form */
  listenAlone(session: Session, where: LoneAddress, backlog: number, urlContext: number): LoneBound {
    return listenAlone(this, session, where, backlog, urlContext);
  }

  /** The session's URLs get no new requests; those delivered may still be answered (SHUT-8). True when others of its queue have them still. */
  removeUrls(session: Session): boolean {
    this.release(this.heldBy(session), (url) => url.holders.delete(session));
    return session.queue !== null && [...session.queue.urls].some((url) => url.holders.size > 0);
  }

  /** Only the creator's options count (QUEUE-5): false when the session is not the creator, and nothing was changed. */
  setOptions(session: Session, options: NativeQueueOptions): boolean {
    const queue = this.queueOf(session);
    if (queue.members.values().next().value !== session) return false;
    this.engine.setQueueOptions(queue.nativeId, options);
    Object.assign(queue.options, options);
    return true;
  }

  /** CACHE-33; a session without a queue (the command line) flushes in all. */
  flushCache(session: Session, url: string, recursive: boolean): number {
    const queues = session.queue === null ? this.registry.queues : [session.queue];
    let count = 0;
    for (const queue of queues) count += this.engine.flushCache(queue.nativeId, url, recursive);
    return count;
  }

  queryState(): EngineState {
    return joinState(this.engine.queryState(), this.registry, [...this.ports.list(), ...lonePorts(this.registry)]);
  }

  /** An orderly end: what the session held alone goes at once, cache entries included (SHUT-7, CACHE-34). */
  closeQueue(session: Session): void {
    const queue = session.queue;
    if (queue === null) return;
    this.removeUrls(session);
    this.leave(session, queue);
  }

  /** An orderly end of the session and its queue. */
  closeSession(session: Session): void {
    this.closeQueue(session);
    this.registry.sessions.delete(session);
  }

  /**
   * The process died. Its prefixes stay for a grace time without a channel behind them: the engine answers 503 for what is not cached, and
   * goes on serving what is.
   */
  sessionLost(session: Session): void {
    const queue = session.queue;
    if (queue !== null) {
      const until = performance.now() + this.graceMs;
      for (const url of this.heldBy(session)) {
        url.holders.delete(session);
        if (url.holders.size === 0) url.orphanedUntil = until;
      }
      this.leave(session, queue);
      this.scheduleSweep();
    }
    this.registry.sessions.delete(session);
  }

  close(): void {
    if (this.sweepTimer !== null) clearTimeout(this.sweepTimer);
    this.sweepTimer = null;
    this.engine.close();
  }

  queueOf(session: Session): Queue {
    if (session.queue === null) throw invalid('this session has no request queue yet');
    return session.queue;
  }

  /** Hands the routing table to the engine. */
  publishUrls(): void {
    this.engine.setUrls(
      [...this.registry.urls.values()].map((url) => {
        const row = toNativeUrl(url.prefix, url.queue.nativeId, url.urlContext);
        return url.routeKey === 0 ? row : { ...row, hostKind: 0, host: '', port: url.routeKey };
      }),
    );
  }

  /** Gives the session, alone on a new queue, the queue that a dead process left. */
  takeOver(session: Session, orphan: Queue): void {
    const fresh = this.queueOf(session);
    this.renewOptions(orphan, fresh.options);
    this.leave(session, fresh);
    this.join(session, orphan);
  }

  private renewOptions(queue: Queue, options: NativeQueueOptions): void {
    this.engine.setQueueOptions(queue.nativeId, { ...defaultOptions, ...options });
    queue.options = options;
  }

  private join(session: Session, queue: Queue): void {
    queue.members.add(session);
    session.queue = queue;
    if (!this.options.attachKeys) return;
    session.key = randomBytes(16);
    this.engine.allowAttach(session.key, queue.nativeId, session.id);
  }

  private leave(session: Session, queue: Queue): void {
    if (session.key !== null) this.engine.revokeAttach(session.key);
    session.key = null;
    session.queue = null;
    queue.members.delete(session);
    this.closeIfUnused(queue);
  }

  /** Ends a queue that has neither processes nor URLs; the table that names it must have been replaced before. */
  closeIfUnused(queue: Queue): void {
    if (queue.members.size > 0 || queue.urls.size > 0 || !this.registry.queues.has(queue)) return;
    this.registry.removeQueue(queue);
    this.engine.closeQueue(queue.nativeId);
  }

  /** Ends what nobody holds any more. */
  drop(orphans: RegisteredUrl[]): void {
    this.release(orphans, () => undefined);
    for (const url of orphans) this.closeIfUnused(url.queue);
  }

  private heldBy(session: Session): RegisteredUrl[] {
    return session.queue === null ? [] : [...session.queue.urls].filter((url) => url.holders.has(session));
  }

  private release(urls: RegisteredUrl[], drop: (url: RegisteredUrl) => void): void {
    for (const url of urls) drop(url);
    const unheld = urls.filter((url) => url.holders.size === 0);
    if (unheld.length === 0) return;
    for (const url of unheld) this.registry.removeUrl(url);
    this.publishUrls();
    for (const url of unheld) if (url.routeKey !== 0) this.engine.unlisten('', url.routeKey);
    for (const port of new Set(unheld.filter((url) => url.routeKey === 0).map((url) => url.prefix.port))) this.shrinkPort(port);
  }

  private shrinkPort(port: number): void {
    try {
      this.ports.apply(port, planAddresses(usersOf(this.registry.urlsOfPort(port))), DEFAULT_BACKLOG);
    } catch {
      // Narrower addresses were taken by another program: the wider ones stay, since those who remain must be served.
    }
  }

  private scheduleSweep(): void {
    if (this.sweepTimer !== null) clearTimeout(this.sweepTimer);
    this.sweepTimer = null;
    let next = Infinity;
    for (const url of this.registry.urls.values()) if (url.holders.size === 0) next = Math.min(next, url.orphanedUntil);
    if (next === Infinity) return;
    this.sweepTimer = setTimeout(() => this.sweep(), Math.max(1, Math.ceil(next - performance.now())));
    this.sweepTimer.unref();
  }

  private sweep(): void {
    const now = performance.now();
    this.drop([...this.registry.urls.values()].filter((url) => url.holders.size === 0 && url.orphanedUntil <= now));
    this.scheduleSweep();
  }
}

/** Where lone listeners listen on ports. */
function lonePorts(registry: Registry): { port: number; addresses: string[] }[] {
  return [...registry.urls.values()]
    .filter((url) => url.routeKey !== 0 && url.prefix.text.startsWith('http'))
    .map(({ prefix: { host, port } }) => ({ port, addresses: [host === '+' ? '*' : host] }));
}

function nameError(code: string, name: string | undefined, why: string): HttpsysError {
  return new HttpsysError(code, makeError('ERR_HTTPSYS_QUEUE_NAME', name ?? '', why).message);
}
