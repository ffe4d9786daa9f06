/**
 * One channel as the layer above sees it: what is under way on it, and the batch that is being composed for it.
 */
import type { Channel } from '../carriers/carrier';
import * as frames from './frames';
import { FrameWriter } from './frame-writer';

/** A request under way; the http layer's objects implement it. */
export interface LinkedRequest {
  /** The engine's id, by which a stale frame is told from a live one. */
  readonly requestId: number;
}

/** A client connection known to a channel. */
export interface LinkedConnection {
  readonly connectionId: number;
}

/** A batch beyond this leaves before the next request is handled, instead of at the end of the turn. */
const batchBytesMax = 256 * 1024;
/** Requests taken in before their credit is given back, so that not every batch carries a credit frame. */
const creditStep = 64;

export class ChannelLink<R extends LinkedRequest, C extends LinkedConnection> {
  readonly channel: Channel;
  readonly writer = new FrameWriter();
  /** By slot; a slot is reused under another id. */
  readonly requests: (R | null)[] = [];
  readonly connections: (C | null)[] = [];
  /** Requests delivered and not finished. */
  unanswered = 0;
  open = true;
  /** Where the frame behind the one being handled starts. */
  resumeAt = 0;
  /** Requests above which no more are asked for. */
  readonly unansweredMax: number;
  private readonly settling: unknown[] = [];
  private settle: (exchange: unknown) => void = () => undefined;
  private creditOwed = 0;
  private inBatch = false;
  private scheduled = false;
  private readonly flushBound = (): void => this.flush();

  constructor(channel: Channel, unansweredMax: number) {
    this.channel = channel;
    this.unansweredMax = unansweredMax;
  }

  addRequest(request: R): void {
    this.requests[request.requestId & frames.SlotMask] = request;
    this.unanswered++;
    this.creditOwed++;
  }

  /** The live request of an id, or null: it was finished, and the frame is late. */
  findRequest(id: number): R | null {
    const request = this.requests[id & frames.SlotMask];
    return request !== undefined && request !== null && request.requestId === id ? request : null;
  }

  removeRequest(request: R): void {
    const slot = request.requestId & frames.SlotMask;
    if (this.requests[slot] !== request) return;
    this.requests[slot] = null;
    this.unanswered--;
  }

  findConnection(id: number): C | null {
    const connection = this.connections[id & frames.SlotMask];
    return connection !== undefined && connection !== null && connection.connectionId === id ? connection : null;
  }

  addConnection(connection: C): void {
    this.connections[connection.connectionId & frames.SlotMask] = connection;
  }

  removeConnection(connection: C): void {
    const slot = connection.connectionId & frames.SlotMask;
    if (this.connections[slot] === connection) this.connections[slot] = null;
  }

  /** Has `settle` called for an exchange when the handlers of this turn are through, before the batch leaves. */
  settleLater<T>(exchange: T, settle: (exchange: T) => void): void {
    this.settling.push(exchange);
    this.settle = settle as (exchange: unknown) => void;
  }

  beginBatch(): void {
    this.inBatch = true;
  }

  /**
   * The frames of a batch were handled. What was answered at once leaves now; when handlers still run, the flush waits until the promise
   * jobs of this turn are through, so that async handlers without real waits answer in the same write.
   */
  endBatch(): void {
    this.inBatch = false;
    if (this.creditOwed >= creditStep && this.unanswered < this.unansweredMax) {
      this.writer.credit(0, this.creditOwed);
      this.creditOwed = 0;
    }
    if (this.unanswered === 0) this.flush();
    else if (!this.scheduled) {
      this.scheduled = true;
      queueMicrotask(this.afterMicrotasks);
    }
  }

  /**
   * Between two requests of a batch: what became large leaves early. Not between the frames of one response, whose newest may still
   * get its END.
   */
  relieve(): void {
    if (this.writer.length > batchBytesMax) this.send();
  }

  /** A frame was composed: sees to it that it leaves. */
  touch(): void {
    if (this.inBatch || this.scheduled) return;
    this.scheduled = true;
    // Outside a batch (timers, I/O of the application) the check phase gathers what this turn of the loop answers.
    setImmediate(this.flushBound);
  }

  flush(): void {
    this.scheduled = false;
    const { settling } = this;
    for (let n = 0; n < settling.length; n++) this.settle(settling[n]);
    settling.length = 0;
    if (this.creditOwed >= creditStep && this.unanswered < this.unansweredMax) {
      this.writer.credit(0, this.creditOwed);
      this.creditOwed = 0;
    }
    this.send();
  }

  private send(): void {
    const writer = this.writer;
    if (writer.length === 0) return;
    if (this.open) this.channel.send(writer.buffer, writer.length);
    writer.reset();
  }

  // A tick asked for by a microtask runs when the microtask queue is empty.
  private readonly afterMicrotasks = (): void => process.nextTick(this.flushBound);
}
