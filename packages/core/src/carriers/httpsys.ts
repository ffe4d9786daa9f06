/**
 * The httpsys carrier: request queues of Windows' kernel-mode HTTP server, through the addon. Frames cross in batches: those of the driver's I/O
 * thread come in one call per batch, those of a turn of the loop go in one call. `open` and `openAlone` have listened when they return.
 */
import * as net from 'node:net';
import { isMainThread } from 'node:worker_threads';
import { listenError, makeError } from '../errors';
import { ProtocolMinor } from '../queue/frames';
import { checkQueueMode, checkQueueName } from '../service/check';
import { packageVersion } from '../service/version';
import type { BoundUrl, Carrier, CarrierEvents, Channel, LoneBound, OpenQueueOptions, UrlRegistration } from './carrier';
import { driverError, isDriverError, isTaken, queueError } from './httpsys-errors';
import { httpQueueEvents, type HttpQueue, type HttpQueueSettings } from './httpsys-native';
import { register, settingsOf, type Registering } from './httpsys-queue';
import { askPrimary, sharesQueue, type SharedQueue } from './httpsys-cluster';
import { loadHttpSys } from './load-addon';
import type { LoneAddress, NativeQueueOptions } from './native';
import { explainDropped, explainRefused, explainUnsupported } from './httpsys-warnings';

/** OPAQUE came with the minor version behind this one. */
const minorWithoutOpaque = 1;

let lastChannelId = 0;

class HttpSysChannel implements Channel {
  readonly id = ++lastChannelId;
  readonly minor: number;
  /** The driver's thread takes what is submitted; its inbox has a bound of its own. */
  readonly pending = 0;
  closed = false;

  constructor(
    private readonly carrier: HttpSysCarrier,
    private readonly queue: HttpQueue,
  ) {
    // Where the system cannot switch a connection, the program must not be offered to.
    this.minor = loadHttpSys().httpFeatures().opaque ? ProtocolMinor : minorWithoutOpaque;
  }

  send(batch: Uint8Array, length: number): void {
    if (this.closed) return;
    if (!this.queue.submit(batch, length)) this.destroy(makeError('ERR_HTTPSYS_PROTOCOL', 'the driver does not keep up with what is sent'));
  }

  destroy(error: Error): void {
    this.carrier.fail(error);
  }

  ref(): void {
    this.carrier.ref();
  }

  unref(): void {
    this.carrier.unref();
  }
}

/** An open queue. */
interface Open extends Registering {
  readonly name: string | undefined;
  readonly credit: number;
  readonly startedAt: number;
  settings: HttpQueueSettings;
  channel: HttpSysChannel | null;
  /** Tells the primary of the cluster, whose queue it is. */
  leave: (() => void) | null;
}

export class HttpSysCarrier implements Carrier {
  readonly kind = 'httpsys';
  /** A host is what clients name in `Host`, not an address to look up. */
  readonly namesHosts = true;
  private current: Open | null = null;
  private wantsRef = true;
  private readonly flushes = new Map<number, (error: Error | null, count: number) => void>();
  private lastFlush = 0;
  private whenClosed: ((error: Error | null) => void) | null = null;

  /**
   * Registers `http://host:port/`, `+` standing for any host; a free port for 0. A worker of a cluster has to ask its primary, and cannot answer at
   * once.
   *
   * @throws EADDRINUSE, EACCES with the command that helps, EADDRNOTAVAIL, ERR_HTTPSYS_PREFIX_INVALID; ENOTSUP for a path or a descriptor,
   * which the driver cannot listen on
   */
  readonly openAlone: Carrier['openAlone'];

  constructor(private readonly events: CarrierEvents) {
    this.openAlone = sharesQueue({}) ? undefined : this.registerPort;
  }

  open(options: OpenQueueOptions, urls: UrlRegistration[], done: (error: Error | null, bound: BoundUrl[]) => void): void {
    if (sharesQueue(options)) {
      askPrimary(options, urls, (error, shared) => {
        if (error !== null) done(error, []);
        else this.openNow({ ...options, name: shared.name, mode: shared.mode }, urls, shared, done);
      });
      return;
    }
    this.openNow(options, urls, null, done);
  }

  private openNow(
    options: OpenQueueOptions,
    urls: UrlRegistration[],
    shared: SharedQueue | null,
    done: (error: Error | null, bound: BoundUrl[]) => void,
  ): void {
    let open: Open;
    try {
      open = this.openQueue(options);
      open.leave = shared?.leave ?? null;
      if (shared?.bound) this.listenShared(open, shared.bound);
      else this.listen(open, urls);
    } catch (error) {
      this.abandon();
      done(error as Error, []);
      return;
    }
    done(null, open.urls);
  }

  private readonly registerPort = (
    options: OpenQueueOptions,
    { host, port = 0, path, fd }: LoneAddress,
    _backlog: number,
    urlContext: number,
  ): LoneBound => {
    if (path !== undefined || fd !== undefined) {
      throw listenError('ENOTSUP', 'HTTP.SYS listens on ports only', { address: path ?? `descriptor ${fd}` });
    }
    const named = host === undefined || host === '::' || host === '0.0.0.0' ? '+' : net.isIPv6(host) ? `[${host}]` : host;
    try {
      const open = this.openQueue(options);
      this.listen(open, [{ prefix: `http://${named}:${port}/`, urlContext }]);
      const [bound] = open.urls;
      const address = named === '+' ? '::' : (host as string);
      return { ...bound, address: { address, family: net.isIPv4(address) ? 'IPv4' : 'IPv6', port: bound.port } };
    } catch (error) {
      this.abandon();
      throw error;
    }
  };

  removeUrls(done: (error: Error | null) => void): void {
    this.attempt(done, (open) => open.queue.removeUrls());
  }

  setOptions(options: NativeQueueOptions, done: (error: Error | null) => void): void {
    this.attempt(done, (open) => {
      open.settings = { ...open.settings, ...settingsOf(options) };
      open.queue.setOptions(open.settings);
      explainUnsupported(open.queue.unsupported());
    });
  }

  /** HTTP.SYS does not tell how many entries went: the count is 0. */
  flushCache(url: string, recursive: boolean, done: (error: Error | null, count: number) => void): void {
    this.attempt(
      (error) => {
        if (error !== null) done(error, 0);
      },
      (open) => {
        const token = ++this.lastFlush;
        this.flushes.set(token, done);
        open.queue.flushCache(token, url, recursive);
      },
    );
  }

  queryState(done: (error: Error | null, state: unknown) => void): void {
    let state: unknown = null;
    this.attempt(
      (error) => done(error, state),
      (open) => (state = stateOf(open)),
    );
  }

  close(done: (error: Error | null) => void): void {
    const open = this.current;
    if (open === null) {
      done(null);
      return;
    }
    this.whenClosed = done;
    this.release(open);
    open.queue.close();
    open.leave?.();
  }

  ref(): void {
    this.wantsRef = true;
    this.current?.queue.ref();
  }

  unref(): void {
    this.wantsRef = false;
    this.current?.queue.unref();
  }

  /** A malformed frame, of whichever side: what was under way is lost, the queue goes on over a new channel. */
  fail(error: Error): void {
    const open = this.current;
    const channel = open?.channel;
    if (!open || !channel || channel.closed) return;
    channel.closed = true;
    process.emitWarning(error);
    // Not from inside `send` or a batch: the caller is in the middle of its own bookkeeping.
    process.nextTick(() => {
      if (this.current !== open || open.channel !== channel) return;
      open.channel = null;
      this.events.onChannelClosed(channel);
      if (this.current === open) this.startChannel(open);
    });
  }

  private openQueue(options: OpenQueueOptions): Open {
    if (this.current !== null) throw makeError('ERR_HTTPSYS_PROTOCOL', 'the queue is open already');
    const name = checkQueueName(options.name);
    const mode = checkQueueMode(options.mode);
    const { credit, httpsys = {} } = options;
    const { pendingReceives = 0, ...special } = httpsys;
    const settings = { ...settingsOf(options), ...special };
    const make = (attach: boolean): Open => {
      const { HttpQueue: NativeQueue } = loadHttpSys();
      const made = { ...(name === undefined ? {} : { name }), attach, pendingReceives, endsWithProcess: isMainThread };
      const open: Open = {
        queue: new NativeQueue(
          made,
          (batch, length) => {
            if (open.channel !== null && !open.channel.closed) this.events.onBatch(open.channel, batch, 0, length);
          },
          (kind, token, code, text) => this.onEvent(open, kind, token, code, text),
        ),
        name,
        attached: attach,
        credit,
        urls: [],
        startedAt: performance.now(),
        settings,
        channel: null,
        leave: null,
      };
      return open;
    };
    try {
      this.current = attempt(mode, name, make);
      this.current.queue.setOptions(settings);
    } catch (error) {
      throw isDriverError(error) ? queueError(error, name) : error;
    }
    return this.current;
  }

  /** All of the URLs or none; then the channel. Those of an attached queue are its creator's (QUEUE-5). */
  private listen(open: Open, urls: UrlRegistration[]): void {
    register(open, urls);
    this.begin(open);
  }

  /** The primary of the cluster has registered them. */
  private listenShared(open: Open, bound: BoundUrl[]): void {
    open.urls.push(...bound);
    this.begin(open);
  }

  private begin(open: Open): void {
    explainUnsupported(open.queue.unsupported());
    if (!this.wantsRef) open.queue.unref();
    this.startChannel(open);
  }

  private startChannel(open: Open): void {
    open.channel = new HttpSysChannel(this, open.queue);
    this.events.onChannel(open.channel);
    open.queue.start(open.credit);
  }

  private onEvent(open: Open, kind: number, token: number, code: number, text: string): void {
    switch (kind) {
      case httpQueueEvents.failed:
        if (this.current === open) this.fail(makeError('ERR_HTTPSYS_PROTOCOL', text));
        break;
      case httpQueueEvents.flushed: {
        const done = this.flushes.get(token);
        this.flushes.delete(token);
        done?.(code === 0 ? null : driverError(win32Error('HttpFlushResponseCache', code)), 0);
        break;
      }
      case httpQueueEvents.informational:
        explainDropped(code);
        break;
      case httpQueueEvents.sendRefused:
        explainRefused(code);
        break;
      case httpQueueEvents.closed: {
        const done = this.whenClosed;
        this.whenClosed = null;
        done?.(null);
        break;
      }
    }
  }

  /** What the queue was to this carrier ends, before the queue itself does. */
  private release(open: Open): void {
    this.current = null;
    const { channel } = open;
    open.channel = null;
    if (channel !== null) {
      channel.closed = true;
      this.events.onChannelClosed(channel);
    }
    for (const done of this.flushes.values()) done(makeError('ERR_HTTPSYS_NOT_LISTENING'), 0);
    this.flushes.clear();
  }

  /** `open` failed half way. */
  private abandon(): void {
    const open = this.current;
    if (open === null) return;
    this.release(open);
    open.queue.close();
    open.leave?.();
  }

  private attempt(done: (error: Error | null) => void, call: (open: Open) => unknown): void {
    let failure: Error | null = null;
    try {
      if (this.current === null) throw makeError('ERR_HTTPSYS_NOT_LISTENING');
      call(this.current);
    } catch (error) {
      failure = isDriverError(error) ? driverError(error) : (error as Error);
    }
    done(failure);
  }
}

/** QUEUE-3. */
function attempt(mode: 'create' | 'attach' | 'createOrAttach', name: string | undefined, make: (attach: boolean) => Open): Open {
  if (mode !== 'createOrAttach' || name === undefined) return make(mode === 'attach');
  try {
    return make(false);
  } catch (error) {
    if (isTaken(error)) return make(true);
    throw error;
  }
}

function win32Error(syscall: string, win32Code: number): Error & { syscall: string; win32Code: number } {
  return Object.assign(new Error(`${syscall} failed with Win32 error ${win32Code}`), { syscall, win32Code });
}

/** The kernel counts for itself (`netsh http show servicestate`, performance counters); these are this queue's, as far as its requests came here. */
function stateOf(open: Open): unknown {
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
