/**
 * The service carrier: one control connection per queue, one data channel per I/O thread of the service. Pure TypeScript. When the service
 * is lost it finds or starts another one and registers again.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { makeError } from '../errors';
import * as frames from '../queue/frames';
import { openRuntimeDir } from '../service/runtime-dir';
import type { BoundUrl, Carrier, CarrierEvents, OpenQueueOptions, UrlRegistration } from './carrier';
import type { NativeQueueOptions } from './native';
import { DataChannel } from './service-channel';
import type { ControlConnection } from './service-control';
import { connectService } from './service-start';

/** How long the carrier tries to get back a service it lost, milliseconds. */
const RESTORE_TIMEOUT_MS = 10_000;
const RESTORE_WAIT_MIN_MS = 10;
const RESTORE_WAIT_MAX_MS = 200;
/** A channel that ended younger than this is replaced after a pause, milliseconds. */
const REATTACH_AGE_MS = 1000;

/** The service ends a channel that does not attach soon; one whose process was busy meanwhile is opened anew, so many times in all. */
const ATTACH_ATTEMPTS = 3;
const endedUnattached = new Set(['EPIPE', 'ECONNRESET', 'ERR_HTTPSYS_SERVICE_LOST']);

/** Trying again cannot help. */
const fatal = new Set([
  'ERR_HTTPSYS_VERSION',
  'ERR_HTTPSYS_RUNTIME_DIR',
  'ERR_HTTPSYS_SERVICE_START',
  'ERR_HTTPSYS_PREFIX_INVALID',
  'EINVAL',
]);

type State = 'idle' | 'opening' | 'open' | 'lost' | 'closed';

/** What one registration with one service process amounts to. */
interface Link {
  control: ControlConnection;
  /** Per I/O thread. */
  paths: string[];
  key: Buffer;
  channels: (DataChannel | null)[];
  bound: BoundUrl[];
}

export class ServiceCarrier implements Carrier {
  readonly kind = 'service';
  private state: State = 'idle';
  private link: Link | null = null;
  private options: OpenQueueOptions = { credit: 0 };
  /** What is registered again after a loss: with the ports that were found for 0. */
  private urls: UrlRegistration[] = [];
  private referenced = true;
  othersRemain = false;

  /** @param backlog listen backlog for ports that this queue is the first to use; default 1024 */
  constructor(
    private readonly events: CarrierEvents,
    private readonly backlog?: number,
  ) {}

  /** Calls back from the event loop, after `onChannel` for each channel and before any request. */
  open(options: OpenQueueOptions, urls: UrlRegistration[], done: (error: Error | null, bound: BoundUrl[]) => void): void {
    if (this.state !== 'idle') {
      process.nextTick(done, makeError('ERR_HTTPSYS_PROTOCOL', 'the queue is open already'), []);
      return;
    }
    this.state = 'opening';
    this.options = { ...options };
    this.urls = urls;
    this.establish(this.options).then(
      (link) => {
        if (this.state === 'closed') {
          void shut(link).then(() => process.nextTick(done, makeError('ERR_HTTPSYS_NOT_LISTENING'), []));
          return;
        }
        this.urls = link.bound.map(({ prefix, urlContext }) => ({ prefix, urlContext }));
        // Not from the promise: an exception of a listener is the application's, not a rejection.
        process.nextTick(() => {
          this.adopt(link);
          done(null, link.bound);
        });
      },
      (error: Error) => {
        if (this.state === 'opening') this.state = 'idle';
        process.nextTick(done, error, []);
      },
    );
  }

  removeUrls(done: (error: Error | null) => void): void {
    this.urls = [];
    if (this.state === 'lost') process.nextTick(done, null);
    else {
      this.request(frames.RemoveUrl, {}, (error, reply) => {
        this.othersRemain = reply.others === true;
        done(error);
      });
    }
  }

  setOptions(options: NativeQueueOptions, done: (error: Error | null) => void): void {
    Object.assign(this.options, options);
    // While there is no service, the options go along with the next registration.
    if (this.state === 'lost') process.nextTick(done, null);
    else this.request(frames.SetProperty, { options }, (error) => done(error));
  }

  flushCache(url: string, recursive: boolean, done: (error: Error | null, count: number) => void): void {
    this.request(frames.FlushCache, { url, recursive }, (error, reply) => done(error, Number(reply.count ?? 0)));
  }

  queryState(done: (error: Error | null, state: unknown) => void): void {
    this.request(frames.QueryState, {}, (error, reply) => done(error, reply.state ?? null));
  }

  /** What was sent is delivered to the service first. Calls back from the event loop, never with an error. */
  close(done: (error: Error | null) => void): void {
    const link = this.link;
    this.state = 'closed';
    this.link = null;
    if (link === null) {
      process.nextTick(done, null);
      return;
    }
    link.control.onLost = null;
    void shut(link).then(() => process.nextTick(done, null));
  }

  ref(): void {
    this.referenced = true;
    this.applyRef();
  }

  unref(): void {
    this.referenced = false;
    this.applyRef();
  }

  /** Finds the service, opens the queue, registers the URLs and attaches to every I/O thread: all or nothing. */
  private async establish(options: OpenQueueOptions): Promise<Link> {
    const control = await connectService(openRuntimeDir(), () => this.state === 'closed');
    const link: Link = { control, paths: [], key: Buffer.alloc(0), channels: [], bound: [] };
    try {
      const { name, mode, credit: _, ...queueOptions } = options;
      const opened = await control.request(frames.OpenQueue, { name, mode, options: queueOptions });
      link.paths = opened.sockets as string[];
      const added = await control.request(frames.AddUrl, { urls: this.urls, backlog: this.backlog });
      link.bound = added.bound as BoundUrl[];
      link.key = Buffer.from((added.key ?? opened.key) as string, 'hex');
      link.channels = await this.attachAll(link);
      return link;
    } catch (error) {
      await shut(link);
      throw error;
    }
  }

  private async attachAll(link: Link): Promise<DataChannel[]> {
    const attempts = await Promise.allSettled(link.paths.map((path) => this.attachOne(link, path)));
    const channels = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []));
    const failed = attempts.find((attempt) => attempt.status === 'rejected');
    if (failed === undefined) return channels;
    for (const channel of channels) channel.destroy(failed.reason as Error);
    throw failed.reason;
  }

  private async attachOne(link: Link, path: string): Promise<DataChannel> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await DataChannel.attach(path, link.key, {
          onBatch: (channel, batch, offset, length) => this.events.onBatch(channel, batch, offset, length),
          onClosed: (channel) => this.onChannelClosed(link, channel),
        });
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code ?? '';
        if (attempt === ATTACH_ATTEMPTS || link.control.hasEnded || !endedUnattached.has(code)) throw error;
      }
    }
  }

  /** The registration is complete: the queue may use its channels, and requests may come. */
  private adopt(link: Link): void {
    this.state = 'open';
    this.link = link;
    link.control.onLost = (error) => this.lose(link, error);
    this.applyRef();
    for (const channel of link.channels) if (channel !== null) this.events.onChannel(channel);
    for (const channel of link.channels) channel?.grant(this.options.credit);
    // It may have ended while nobody listened for that.
    if (link.control.hasEnded || link.channels.some((channel) => channel?.hasEnded)) {
      process.nextTick(() => this.lose(link, makeError('ERR_HTTPSYS_SERVICE_LOST', 'it ended while the queue was opened')));
    }
  }

  /** One channel ended while the service may be well: its requests are lost, and another one takes its place. */
  private onChannelClosed(link: Link, channel: DataChannel): void {
    if (this.link !== link) return;
    const index = link.channels.indexOf(channel);
    if (index < 0) return;
    link.channels[index] = null;
    this.events.onChannelClosed(channel);
    // A service that ends each new channel at once must not keep both sides busy.
    const wait = channel.ageMs < REATTACH_AGE_MS ? RESTORE_WAIT_MAX_MS : 0;
    const attach = async (): Promise<DataChannel> => {
      if (wait > 0) await delay(wait);
      return this.attachOne(link, link.paths[index]);
    };
    attach().then(
      (fresh) => {
        if (this.link !== link) {
          fresh.destroy(makeError('ERR_HTTPSYS_NOT_LISTENING'));
          return;
        }
        process.nextTick(() => {
          link.channels[index] = fresh;
          this.applyRef();
          this.events.onChannel(fresh);
          fresh.grant(this.options.credit);
        });
      },
      (error: Error) => process.nextTick(() => this.lose(link, error)),
    );
  }

  private lose(link: Link, error: Error): void {
    if (this.link !== link) return;
    this.link = null;
    this.state = 'lost';
    link.control.destroy();
    this.events.onLost(error);
    for (const channel of link.channels) {
      if (channel === null) continue;
      channel.destroy(error);
      this.events.onChannelClosed(channel);
    }
    void this.restore();
  }

  private async restore(): Promise<void> {
    const deadline = performance.now() + RESTORE_TIMEOUT_MS;
    let wait = RESTORE_WAIT_MIN_MS;
    // Without URLs the queue was only finishing what it had, and that is gone.
    while (this.state === 'lost' && (this.urls.length > 0 || this.options.name !== undefined)) {
      try {
        const link = await this.establish(reopening(this.options));
        if (this.state !== 'lost') await shut(link);
        else process.nextTick(() => this.resume(link));
        return;
      } catch (cause) {
        const error = cause as NodeJS.ErrnoException;
        if (this.state !== 'lost') return;
        if (fatal.has(error.code ?? '') || performance.now() > deadline) {
          process.nextTick(() => this.fail(error));
          return;
        }
      }
      await delay(wait);
      wait = Math.min(wait * 2, RESTORE_WAIT_MAX_MS);
    }
  }

  private resume(link: Link): void {
    if (this.state !== 'lost') {
      void shut(link);
      return;
    }
    this.adopt(link);
    this.events.onRestored(link.bound);
  }

  private fail(error: Error): void {
    if (this.state !== 'lost') return;
    this.state = 'closed';
    this.events.onFailed(error);
  }

  private request(type: number, body: object, done: (error: Error | null, reply: Record<string, unknown>) => void): void {
    if (this.link === null) {
      const error =
        this.state === 'lost' ? makeError('ERR_HTTPSYS_SERVICE_LOST', 'it is being started again') : makeError('ERR_HTTPSYS_NOT_LISTENING');
      process.nextTick(done, error, {});
      return;
    }
    this.link.control.request(type, body).then(
      (reply) => process.nextTick(done, null, reply),
      (error: Error) => process.nextTick(done, error, {}),
    );
  }

  private applyRef(): void {
    if (this.link === null) return;
    for (const part of [this.link.control, ...this.link.channels]) {
      if (this.referenced) part?.ref();
      else part?.unref();
    }
  }
}

/** The channels first, so that answers on their way arrive before the queue is closed. */
async function shut(link: Link): Promise<void> {
  await Promise.all(link.channels.filter((channel) => channel !== null).map((channel) => channel.end()));
  try {
    await link.control.request(frames.CloseQueue, {});
  } catch {
    // The service is gone, and the queue with it.
  }
  link.control.destroy();
}

/** After a loss the processes that share a named queue come back in any order; an attached one still waits for the creator. */
function reopening(options: OpenQueueOptions): OpenQueueOptions {
  return options.mode === 'create' ? { ...options, mode: 'createOrAttach' } : options;
}
