/**
 * The embedded carrier: the engine runs on this process' own event loop, and frames are handed over by direct call. All servers of one
 * JS realm share one engine. Every callback of this carrier is called before the method returns.
 */
import { makeError } from '../errors';
import { ProtocolMinor } from '../queue/frames';
import { checkQueueMode, checkQueueName, checkQueueOptions } from '../service/check';
import { ControlPlane, type Session } from '../service/control-plane';
import { DEFAULT_BACKLOG } from '../service/limits';
import { packageVersion } from '../service/version';
import type { BoundUrl, Carrier, CarrierEvents, Channel, LoneBound, OpenQueueOptions, UrlRegistration } from './carrier';
import { loadAddon } from './load-addon';
import type { LoneAddress, NativeEngine, NativeQueueOptions } from './native';

/** The engine of this realm and who uses it. */
class SharedEngine {
  readonly plane: ControlPlane;
  private readonly users = new Set<EmbeddedCarrier>();
  private readonly keepingAlive = new Set<EmbeddedCarrier>();

  constructor() {
    const cacheBytes = Number(process.env.HTTPSYS_CACHE_BYTES);
    const engine = new (loadAddon().Engine)({ mode: 'loop', ...(cacheBytes > 0 ? { cacheBytes } : {}) });
    // A loop that nobody asked to keep alive must be able to end.
    engine.unref();
    this.plane = new ControlPlane(engine, { attachKeys: false });
  }

  get engine(): NativeEngine {
    return this.plane.engine;
  }

  enter(user: EmbeddedCarrier): void {
    this.users.add(user);
  }

  setAlive(user: EmbeddedCarrier, alive: boolean): void {
    const before = this.keepingAlive.size > 0;
    if (alive) this.keepingAlive.add(user);
    else this.keepingAlive.delete(user);
    const after = this.keepingAlive.size > 0;
    if (!before && after) this.engine.ref();
    if (before && !after) this.engine.unref();
  }

  leave(user: EmbeddedCarrier): void {
    this.setAlive(user, false);
    this.users.delete(user);
    if (this.users.size > 0) return;
    // The last close often comes from inside a batch that this very engine delivers: it may only be torn down below that.
    setImmediate(() => {
      if (this.users.size > 0 || shared !== this) return;
      shared = null;
      this.plane.close();
    });
  }
}

let shared: SharedEngine | null = null;
let lastChannelId = 0;

class EmbeddedChannel implements Channel {
  readonly id = ++lastChannelId;
  readonly minor = ProtocolMinor;
  /** Submitted frames are with the engine at once. */
  readonly pending = 0;
  nativeId = 0;
  closed = false;

  constructor(
    private readonly carrier: EmbeddedCarrier,
    private readonly engine: NativeEngine,
  ) {}

  send(batch: Uint8Array, length: number): void {
    if (this.closed) return;
    try {
      this.engine.submit(this.nativeId, batch, length);
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  sendBody(batch: Uint8Array, length: number, body: Uint8Array): boolean {
    if (this.closed) return false;
    try {
      this.engine.submit(this.nativeId, batch, length, body);
    } catch (error) {
      this.destroy(error as Error);
    }
    return true;
  }

  destroy(_error: Error): void {
    this.carrier.replaceChannel(this);
  }

  ref(): void {
    this.carrier.ref();
  }

  unref(): void {
    this.carrier.unref();
  }
}

export class EmbeddedCarrier implements Carrier {
  readonly kind = 'embedded';
  private engine: SharedEngine | null = null;
  private session: Session | null = null;
  private channel: EmbeddedChannel | null = null;
  private credit = 0;
  private wantsRef = true;

  constructor(private readonly events: CarrierEvents) {}

  open(options: OpenQueueOptions, urls: UrlRegistration[], done: (error: Error | null, bound: BoundUrl[]) => void): void {
    let bound: BoundUrl[];
    try {
      bound = this.start(options, (plane, session) => plane.addUrls(session, urls, { backlog: DEFAULT_BACKLOG }).bound);
    } catch (error) {
      done(error as Error, []);
      return;
    }
    done(null, bound);
  }

  /**
   * Listens for this queue alone. Names must have been resolved by the caller.
   *
   * @throws a listen error in node:net's form (`EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`, `EINVAL`), or ERR_HTTPSYS_ADDON
   */
  openAlone(options: OpenQueueOptions, where: LoneAddress, backlog: number, urlContext: number): LoneBound {
    return this.start(options, (plane, session) => plane.listenAlone(session, where, backlog, urlContext));
  }

  removeUrls(done: (error: Error | null) => void): void {
    this.attempt(done, (plane, session) => plane.removeUrls(session));
  }

  setOptions(options: NativeQueueOptions, done: (error: Error | null) => void): void {
    this.attempt(done, (plane, session) => plane.setOptions(session, checkQueueOptions(options)));
  }

  flushCache(url: string, recursive: boolean, done: (error: Error | null, count: number) => void): void {
    let count = 0;
    const report = (error: Error | null): void => done(error, count);
    this.attempt(report, (plane, session) => (count = plane.flushCache(session, url, recursive)));
  }

  queryState(done: (error: Error | null, state: unknown) => void): void {
    let state: unknown = null;
    const report = (error: Error | null): void => done(error, state);
    this.attempt(report, (plane) => (state = plane.queryState()));
  }

  close(done: (error: Error | null) => void): void {
    const channel = this.channel;
    this.stop();
    if (channel !== null) this.events.onChannelClosed(channel);
    done(null);
  }

  ref(): void {
    this.wantsRef = true;
    this.engine?.setAlive(this, true);
  }

  unref(): void {
    this.wantsRef = false;
    this.engine?.setAlive(this, false);
  }

  /** A malformed frame of either side ended the channel: its requests are lost, the queue goes on over a new one. */
  replaceChannel(channel: EmbeddedChannel): void {
    if (this.channel !== channel || this.engine === null) return;
    channel.closed = true;
    this.engine.engine.detach(channel.nativeId);
    // Not from inside `send` or a batch: the caller is in the middle of its own bookkeeping.
    process.nextTick(() => {
      if (this.channel !== channel || this.engine === null || this.session === null) return;
      this.channel = null;
      this.events.onChannelClosed(channel);
      if (this.engine !== null) this.attach(this.engine);
    });
  }

  private start<T>(options: OpenQueueOptions, listen: (plane: ControlPlane, session: Session) => T): T {
    if (this.session !== null) throw makeError('ERR_HTTPSYS_PROTOCOL', 'the queue is open already');
    shared ??= new SharedEngine();
    const engine = shared;
    const { plane } = engine;
    this.engine = engine;
    engine.enter(this);
    try {
      const request = { name: checkQueueName(options.name), mode: checkQueueMode(options.mode), options: checkQueueOptions(options) };
      this.session = plane.openSession(process.pid, packageVersion);
      plane.openQueue(this.session, request);
      const bound = listen(plane, this.session);
      this.credit = options.credit;
      engine.setAlive(this, this.wantsRef);
      this.attach(engine);
      return bound;
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  private attach(engine: SharedEngine): void {
    if (this.session === null) return;
    const channel = new EmbeddedChannel(this, engine.engine);
    channel.nativeId = engine.engine.attach(engine.plane.queueOf(this.session).nativeId, this.credit, (batch, length) => {
      if (!channel.closed) this.events.onBatch(channel, batch, 0, length);
    });
    this.channel = channel;
    this.events.onChannel(channel);
  }

  private stop(): void {
    const { engine, session, channel } = this;
    this.engine = null;
    this.session = null;
    this.channel = null;
    if (engine === null) return;
    if (channel !== null && !channel.closed) {
      channel.closed = true;
      engine.engine.detach(channel.nativeId);
    }
    if (session !== null) engine.plane.closeSession(session);
    engine.leave(this);
  }

  private attempt(done: (error: Error | null) => void, call: (plane: ControlPlane, session: Session) => unknown): void {
    let failure: Error | null = null;
    try {
      if (this.engine === null || this.session === null) throw makeError('ERR_HTTPSYS_NOT_LISTENING');
      call(this.engine.plane, this.session);
    } catch (error) {
      failure = error as Error;
    }
    done(failure);
  }
}
