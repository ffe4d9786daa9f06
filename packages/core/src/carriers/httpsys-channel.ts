/** The one channel of a queue of HTTP.SYS at a time, to the driver's I/O thread. */
import { makeError } from '../errors';
import { MinorWithFragments } from '../queue/frames';
import type { Channel } from './carrier';
import type { HttpQueue } from './httpsys-native';
import { loadHttpSys } from './load-addon';

/** What the driver speaks on Windows: all but the answer to DETACH, for which nobody waits here. */
const minorOnWindows = MinorWithFragments;
/** Where the system has neither OPAQUE (2) nor files (4) nor fragments (5): Wine. */
const minorOnWine = 1;

/** Whose channel it is. */
export interface ChannelOwner {
  /** The channel is of no use any more. */
  fail(error: Error): void;
  ref(): void;
  unref(): void;
}

let lastChannelId = 0;

export class HttpSysChannel implements Channel {
  readonly id = ++lastChannelId;
  readonly minor: number;
  /** The driver's thread takes what is submitted; its inbox has a bound of its own. */
  readonly pending = 0;
  closed = false;

  constructor(
    private readonly owner: ChannelOwner,
    private readonly queue: HttpQueue,
  ) {
    // Where the system cannot switch a connection, the program must not be offered to.
    this.minor = loadHttpSys().httpFeatures().opaque ? minorOnWindows : minorOnWine;
  }

  send(batch: Uint8Array, length: number): void {
    if (this.closed) return;
    if (!this.queue.submit(batch, length)) this.destroy(makeError('ERR_HTTPSYS_PROTOCOL', 'the driver does not keep up with what is sent'));
  }

  destroy(error: Error): void {
    this.owner.fail(error);
  }

  ref(): void {
    this.owner.ref();
  }

  unref(): void {
    this.owner.unref();
  }
}
