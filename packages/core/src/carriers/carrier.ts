/**
 * What `queue/RequestQueue` asks of a carrier: a way to open, name and configure a request queue on an engine, and channels over which
 * batches of frames travel. Three implementations: `service`, `embedded`, `httpsys`.
 */
import type { AddressInfo } from 'node:net';
import type { HttpSysSettings } from './httpsys-native';
import type { LoneAddress, NativeQueueOptions } from './native';

export type { LoneAddress } from './native';

/** How a queue is obtained (QUEUE-3, QUEUE-5). */
export type QueueMode = 'create' | 'attach' | 'createOrAttach';

export interface OpenQueueOptions extends NativeQueueOptions {
  /** Unnamed queues (default) are private to this process. */
  name?: string;
  mode?: QueueMode;
  /** Requests that the engine may hand over before the application has taken them. */
  credit: number;
  /** For HTTP.SYS alone. */
  httpsys?: HttpSysSettings;
}

/** A URL to register: as the user wrote it (or `unix:` and a path, alone), and an id that comes back with each request it matches. */
export interface UrlRegistration {
  prefix: string;
  urlContext: number;
}

/** What became of a registration: the port is the real one when 0 was asked for; host is what was bound. */
export interface BoundUrl {
  prefix: string;
  urlContext: number;
  host: string;
  port: number;
}

/** What became of a listener that shares its address with nobody. */
export interface LoneBound extends BoundUrl {
  /** As `server.address()` shows it. */
  address: AddressInfo | string | null;
}

/** What a carrier tells its queue. */
export interface CarrierEvents {
  /** A channel is ready; frames may be sent on it. */
  onChannel(channel: Channel): void;
  /** `length` bytes of whole frames from `offset`. The buffer is reused after the call. */
  onBatch(channel: Channel, batch: Uint8Array, offset: number, length: number): void;
  /** The channel ended; its requests and connections are gone. */
  onChannelClosed(channel: Channel): void;
  /** The engine went away (service killed); the carrier is trying to get it back. */
  onLost(error: Error): void;
  /** The engine is back, queue and URLs are registered again. */
  onRestored(bound: BoundUrl[]): void;
  /** The carrier gave up, or the engine ended the queue. */
  onFailed(error: Error): void;
}

/** One stream of frames to one I/O thread. */
export interface Channel {
  /** Small integer, unique within the carrier. */
  readonly id: number;
  /** Minor version of the frame protocol that the engine speaks. */
  readonly minor: number;
  /** Takes `length` bytes of whole frames from the start of `batch`; the caller may reuse the buffer at once. */
  send(batch: Uint8Array, length: number): void;
  /**
   * The same for a batch that ends with the header of a DATA or OPAQUE frame whose bytes are `body`. They are not copied: true when they were all taken
   * on return, else `taken` is called once the caller may reuse them (not when the channel ends before). A carrier without it gets all
   * pieces in the batch.
   */
  sendBody?(batch: Uint8Array, length: number, body: Uint8Array, taken: () => void): boolean;
  /** Bytes that were taken by `send` and have not left this process; grows when the engine does not read. */
  readonly pending: number;
  /** Ends the channel after a malformed frame; `onChannelClosed` follows. The carrier opens another one if it can. */
  destroy(error: Error): void;
  ref(): void;
  unref(): void;
}

/** One request queue on an engine. */
export interface Carrier {
  readonly kind: 'service' | 'embedded' | 'httpsys';
  /** Opens the queue and registers the URLs, all or none. `sync` carriers call back before `open` returns. */
  open(options: OpenQueueOptions, urls: UrlRegistration[], done: (error: Error | null, bound: BoundUrl[]) => void): void;
  /** True: the host of a port is what clients name, not an address to look up first. */
  readonly namesHosts?: boolean;
  /** Listens for this queue alone, before it returns; throws a listen error. */
  openAlone?(options: OpenQueueOptions, where: LoneAddress, backlog: number, urlContext: number): LoneBound;
  /** Removes the URLs: no new requests; delivered ones may still be answered. Idle. */
  removeUrls(done: (error: Error | null) => void): void;
  /** Behind `removeUrls`: other processes have the URLs still, and take the requests that this one leaves. */
  readonly othersRemain?: boolean;
  setOptions(options: NativeQueueOptions, done: (error: Error | null) => void): void;
  flushCache(url: string, recursive: boolean, done: (error: Error | null, count: number) => void): void;
  queryState(done: (error: Error | null, state: unknown) => void): void;
  /** Ends queue and channels. */
  close(done: (error: Error | null) => void): void;
  ref(): void;
  unref(): void;
}
