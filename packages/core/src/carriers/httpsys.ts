/**
 * The httpsys carrier: request queues of Windows' kernel-mode HTTP server, through the addon. Frames cross in batches: those of the driver's I/O
 * thread come in one call per batch, those of a turn of the loop go in one call. `open` and `openAlone` have listened when they return.
 */
import * as net from 'node:net';
import { listenError, makeError } from '../errors';
import type { BoundUrl, Carrier, CarrierEvents, LoneBound, OpenQueueOptions, UrlRegistration } from './carrier';
import { HttpSysChannel } from './httpsys-channel';
import { askPrimary, sharesQueue, type SharedQueue } from './httpsys-cluster';
import { driverError, isDriverError } from './httpsys-errors';
import { httpQueueEvents } from './httpsys-native';
import { openQueue, stateOf, type OpenQueue, type OpenQueueEvents } from './httpsys-open';
import { register, settingsOf } from './httpsys-queue';
import type { LoneAddress, NativeQueueOptions } from './native';
import { loopTimeout } from './loop-timeout';
import { explainDropped, explainRefused, explainUnsupported } from './httpsys-warnings';

/** Channels tried again when the driver gives no request, and the first wait, which doubles: some three seconds in all. */
const receiveRetries = 5;
const receiveRetryMs = 100;

export class HttpSysCarrier implements Carrier {
  readonly kind = 'httpsys';
  /** A host is what clients name in `Host`, not an address to look up. */
  readonly namesHosts = true;
  private current: OpenQueue | null = null;
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

  private readonly queueEvents: OpenQueueEvents = {
    onBatch: (open, batch, length) => {
      open.failures = 0;
      if (open.channel !== null && !open.channel.closed) this.events.onBatch(open.channel, batch, 0, length);
    },
    onEvent: (open, kind, token, code, text) => this.onEvent(open, kind, token, code, text),
  };

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
    let open: OpenQueue;
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
    if (open === null || !this.dropChannel(open, () => this.startChannel(open))) return;
    process.emitWarning(error);
  }

  /** The driver gives no request any more. It may be short of memory for a moment; or its service was stopped, and the queue is dead. */
  private receivesFailed(open: OpenQueue, win32Code: number): void {
    const error = driverError(win32Error('HttpReceiveHttpRequest', win32Code));
    const attempt = open.failures++;
    this.dropChannel(open, () => {
      if (attempt < receiveRetries) {
        loopTimeout(receiveRetryMs * 2 ** attempt, () => {
          if (this.current === open && open.channel === null) this.startChannel(open);
        });
        return;
      }
      this.abandon();
      this.events.onFailed(error);
    });
  }

  /** Not from inside `send` or a batch: the caller is in the middle of its own bookkeeping. False: there is none, or it is about to end. */
  private dropChannel(open: OpenQueue, then: () => void): boolean {
    const { channel } = open;
    if (channel === null || channel.closed) return false;
    channel.closed = true;
    process.nextTick(() => {
      if (this.current !== open || open.channel !== channel) return;
      open.channel = null;
      this.events.onChannelClosed(channel);
      if (this.current === open) then();
    });
    return true;
  }

  private openQueue(options: OpenQueueOptions): OpenQueue {
    if (this.current !== null) throw makeError('ERR_HTTPSYS_PROTOCOL', 'the queue is open already');
    this.current = openQueue(options, this.queueEvents);
    return this.current;
  }

  /** All of the URLs or none; then the channel. Those of an attached queue are its creator's (QUEUE-5). */
  private listen(open: OpenQueue, urls: UrlRegistration[]): void {
    register(open, urls);
    this.begin(open);
  }

  /** The primary of the cluster has registered them. */
  private listenShared(open: OpenQueue, bound: BoundUrl[]): void {
    open.urls.push(...bound);
    this.begin(open);
  }

  private begin(open: OpenQueue): void {
    explainUnsupported(open.queue.unsupported());
    if (!this.wantsRef) open.queue.unref();
    this.startChannel(open);
  }

  private startChannel(open: OpenQueue): void {
    open.channel = new HttpSysChannel(this, open.queue);
    this.events.onChannel(open.channel);
    open.queue.start(open.credit);
  }

  private onEvent(open: OpenQueue, kind: number, token: number, code: number, text: string): void {
    switch (kind) {
      case httpQueueEvents.failed:
        if (this.current !== open) break;
        if (code !== 0) this.receivesFailed(open, code);
        else this.fail(makeError('ERR_HTTPSYS_PROTOCOL', text));
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
  private release(open: OpenQueue): void {
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

  private attempt(done: (error: Error | null) => void, call: (open: OpenQueue) => unknown): void {
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

function win32Error(syscall: string, win32Code: number): Error & { syscall: string; win32Code: number } {
  return Object.assign(new Error(`${syscall} failed with Win32 error ${win32Code}`), { syscall, win32Code });
}
