/**
 * RequestQueue: what a Server attaches to. Owns the channels of one queue on one engine, decodes what comes and gathers what goes.
 */
import type { BoundUrl, Carrier, CarrierEvents, Channel } from '../carriers/carrier';
import { makeError } from '../errors';
import { ChannelLink, initialCredit, type LinkedConnection, type LinkedRequest } from './channel-link';
import * as frames from './frames';
import { decodeBatch, ProtocolError, type FrameSink } from './decode';

/** What happens to the queue as a whole. */
export interface QueueEvents<R extends LinkedRequest, C extends LinkedConnection> extends FrameSink<R, C> {
  /** The channel is gone, and with it every request and connection on it. */
  onLinkClosed(link: ChannelLink<R, C>): void;
  onLost(error: Error): void;
  /** The engine may have numbered the URLs anew. */
  onRestored(queue: RequestQueue<R, C>, bound: BoundUrl[]): void;
  onFailed(queue: RequestQueue<R, C>, error: Error): void;
}

export class RequestQueue<R extends LinkedRequest, C extends LinkedConnection> implements CarrierEvents {
  readonly links = new Map<number, ChannelLink<R, C>>();
  readonly carrier: Carrier;
  private readonly sink: QueueEvents<R, C>;
  private readonly unansweredMax: number;
  /** The Buffer over a carrier's array, made once per array. */
  private viewOf: Uint8Array | null = null;
  private view: Buffer = Buffer.alloc(0);

  /**
   * @param makeCarrier gets this queue as the receiver of its events
   * @param unansweredMax requests under way on one channel above which no more are asked for
   */
  constructor(makeCarrier: (events: CarrierEvents) => Carrier, sink: QueueEvents<R, C>, unansweredMax: number) {
    this.sink = sink;
    this.unansweredMax = unansweredMax;
    this.carrier = makeCarrier(this);
  }

  onChannel(channel: Channel): void {
    const { kind } = this.carrier;
    const tellsDetach = kind === 'service' && channel.minor >= frames.MinorWithDetached;
    this.links.set(channel.id, new ChannelLink<R, C>(channel, this.unansweredMax, initialCredit(this.unansweredMax, kind), tellsDetach));
  }

  onBatch(channel: Channel, batch: Uint8Array, offset: number, length: number): void {
    const link = this.links.get(channel.id);
    if (link === undefined) return;
    if (this.viewOf !== batch) {
      this.viewOf = batch;
      this.view = Buffer.isBuffer(batch) ? batch : Buffer.from(batch.buffer, batch.byteOffset, batch.byteLength);
    }
    link.beginBatch();
    try {
      decodeBatch(link, this.sink, this.view, offset, length);
    } catch (error) {
      if (error instanceof ProtocolError) {
        channel.destroy(error);
        return;
      }
      this.resumeLater(channel, link.resumeAt, offset + length);
      throw error;
    } finally {
      link.endBatch();
    }
  }

  /** A listener threw: its error goes up, and the requests that came behind in the same batch are delivered all the same. */
  private resumeLater(channel: Channel, from: number, to: number): void {
    if (from >= to) return;
    const rest = Buffer.from(this.view.subarray(from, to));
    process.nextTick(() => this.onBatch(channel, rest, 0, rest.length));
  }

  onChannelClosed(channel: Channel): void {
    const link = this.links.get(channel.id);
    if (link === undefined) return;
    this.links.delete(channel.id);
    link.open = false;
    this.sink.onLinkClosed(link);
    link.forgetFragments(makeError('ERR_HTTPSYS_NOT_LISTENING'));
    link.onDetached();
  }

  onLost(error: Error): void {
    this.sink.onLost(error);
  }

  onRestored(bound: BoundUrl[]): void {
    this.sink.onRestored(this, bound);
  }

  onFailed(error: Error): void {
    this.sink.onFailed(this, error);
  }
}
