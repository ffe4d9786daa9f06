/**
 * One channel as the layer above sees it: what is under way on it, and the batch that is being composed for it.
 */
import type { Carrier, Channel } from '../carriers/carrier';
import type { RequestFacts } from './facts';
import * as frames from './frames';
import { FrameWriter, type BodyPiece } from './frame-writer';

/** A request under way; the http layer's objects implement it. */
export interface LinkedRequest {
  /** The engine's id, by which a stale frame is told from a live one. */
  readonly requestId: number;
}

/** A client connection known to a channel. */
export interface LinkedConnection {
  readonly connectionId: number;
}

/** What became of a fragment: an error of the channel, else the engine's result. */
export type FragmentTold = (error: Error | null, result: number, win32Code: number) => void;

/** Fragments of one channel whose result has not come. */
const fragmentsUnderWayMax = 256;
/** Ids of frames never have bit 31. */
const fragmentTokenMask = 0x7fffffff;

/** A batch beyond this leaves before the next request is handled, instead of at the end of the turn. */
const batchBytesMax = 256 * 1024;
/** A batch beyond this leaves at once, wherever it stands: many responses written in one turn must not be held twice in memory. */
const unsentBytesMax = 8 * 1024 * 1024;
/**
 * Requests the service may hand over before this process has taken them: enough for full batches, few enough that a process which blocks
 * does not hoard what another one on the queue could answer.
 */
const requestCredit = 256;
/** Body pieces of this size and more travel from where they are; copying less costs less than a write of its own. */
const referredBytesMin = 32 * 1024;
/** Most credit an engine keeps for a channel (`kRequestCreditMax`). */
const requestCreditMax = 65_536;
/** Requests taken in before their credit is given back, so that not every batch carries a credit frame. */
const creditStepMax = 64;

/**
 * The credit of a fresh channel on which at most `unansweredMax` requests may be under way. The embedded engine has nobody else to give
 * requests to, and holds them in this process anyway: it may hand over all of them.
 */
export function initialCredit(unansweredMax: number, kind: Carrier['kind']): number {
  return Math.min(kind === 'embedded' ? requestCreditMax : requestCredit, unansweredMax);
}

export class ChannelLink<R extends LinkedRequest, C extends LinkedConnection> {
  readonly channel: Channel;
  readonly writer = new FrameWriter();
  /** By slot; a slot is reused under another id. */
  readonly requests: (R | null)[] = [];
  readonly connections: (C | null)[] = [];
  /** Requests delivered and not finished. */
  unanswered = 0;
  /** Of the request whose frame comes next. */
  facts: RequestFacts | null = null;
  open = true;
  /** The server has closed: connections end behind their responses. */
  closing = false;
  /** The engine goes on with a request's body behind its response: protocol 1.1. */
  readonly keepsBody: boolean;
  /** Where the frame behind the one being handled starts. */
  resumeAt = 0;
  /** Requests that may be under way, those included that the engine may still send. */
  readonly unansweredMax: number;
  private readonly credit: number;
  private readonly creditStep: number;
  private readonly settling: unknown[] = [];
  private settle: (exchange: unknown) => void = () => undefined;
  private creditOwed = 0;
  private inBatch = false;
  private scheduled = false;
  private readonly flushBound = (): void => this.flush();
  /** Pieces that were handed over by reference, and those of them that the carrier has taken; it takes them in order. */
  private referred = 0;
  private taken = 0;
  private readonly whenTakenQueue: { piece: number; callback: () => void }[] = [];
  private readonly onTakenBound = (): void => this.onTaken();

  private readonly fragments = new Map<number, FragmentTold>();
  private lastFragment = 0;

  /** No more requests will come on it; so also on an engine that does not say so. */
  detached: boolean;
  private whenDetached: (() => void) | null = null;

  /** @param tellsDetach the engine answers DETACH, and others may have the requests that would come here */
  constructor(channel: Channel, unansweredMax: number, credit: number, tellsDetach = false) {
    this.detached = !tellsDetach;
    this.keepsBody = channel.minor >= 1;
    this.channel = channel;
    this.unansweredMax = unansweredMax;
    this.credit = credit;
    this.creditStep = Math.min(creditStepMax, Math.ceil(this.credit / 4));
  }

  /** Whether a body piece is worth being handed over by `refer`. Memory that other threads share is copied: it may change at any time. */
  refers(piece: Uint8Array): boolean {
    return piece.byteLength >= referredBytesMin && this.channel.sendBody !== undefined && piece.buffer instanceof ArrayBuffer;
  }

  /**
   * Sends what was composed, and behind it a piece of a response body that is not copied: `whenTaken` tells when it may be reused.
   *
   * @param type of its frame: DATA or OPAQUE
   * @returns its number on this channel
   */
  refer(id: number, piece: Uint8Array, type: number = frames.Data): number {
    const { writer } = this;
    writer.pieceHeader(type, id, piece.byteLength);
    if (this.open) {
      this.referred++;
      if (this.channel.sendBody!(writer.buffer, writer.length, piece, this.onTakenBound)) this.taken++;
    }
    writer.reset();
    return this.referred;
  }

  /**
   * Calls back when a piece may be reused, and with it all before it: at the end of this turn where that is so already.
   *
   * @param piece its number; 0 for a response that has none, which waits for nobody else's
   */
  whenTaken(piece: number, callback: () => void): void {
    if (this.hasTaken(piece)) process.nextTick(callback);
    else this.whenTakenQueue.push({ piece, callback });
  }

  /** Whether the carrier has taken a piece, and with it all before it. */
  hasTaken(piece: number): boolean {
    return piece <= this.taken;
  }

  private onTaken(): void {
    this.taken++;
    const waiting = this.whenTakenQueue.splice(0);
    for (const { piece, callback } of waiting) this.whenTaken(piece, callback);
  }

  /**
   * Puts a fragment into the engine's cache.
   *
   * @param policy the block of its policy
   * @param told gets the result of FRAGMENT_ADDED and a Win32 code, or an error when the channel ends first
   * @returns false when too many are under way
   */
  addFragment(name: string, policy: Uint8Array, data: BodyPiece, told: FragmentTold): boolean {
    if (this.fragments.size >= fragmentsUnderWayMax) return false;
    do this.lastFragment = (this.lastFragment + 1) & fragmentTokenMask;
    while (this.lastFragment === 0 || this.fragments.has(this.lastFragment));
    this.fragments.set(this.lastFragment, told);
    this.writer.addFragment(this.lastFragment, policy, name, data);
    this.touch();
    return true;
  }

  onFragmentAdded(token: number, result: number, win32Code: number): void {
    const told = this.fragments.get(token);
    this.fragments.delete(token);
    told?.(null, result, win32Code);
  }

  /** The channel has ended. */
  forgetFragments(error: Error): void {
    const left = [...this.fragments.values()];
    this.fragments.clear();
    for (const told of left) told(error, 0, 0);
  }

  /** Facts that came in front of the request, if there were any. */
  takeFacts(requestId: number): RequestFacts | null {
    const { facts } = this;
    this.facts = null;
    return facts !== null && facts.requestId === requestId ? facts : null;
  }

  /** A request has come and used its credit, whatever becomes of it. */
  takeCredit(): void {
    this.creditOwed++;
    this.relieve();
  }

  /**
   * What became large leaves now, while it is in the processor's cache: between the frames of a batch that come in, because the newest
   * frame of a response that goes out may still get its END.
   */
  relieve(): void {
    if (this.writer.length > batchBytesMax) this.send();
  }

  addRequest(request: R): void {
    this.requests[request.requestId & frames.SlotMask] = request;
    this.unanswered++;
  }

  /** A request that became a connection of bytes may live for days: it does not count against `unansweredMax`. */
  addUpgraded(request: R): void {
    this.requests[request.requestId & frames.SlotMask] = request;
  }

  removeUpgraded(request: R): void {
    const slot = request.requestId & frames.SlotMask;
    if (this.requests[slot] === request) this.requests[slot] = null;
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

  /** Asks for no more requests; those that are on their way come before `whenDetached` is called. */
  detach(whenDetached: () => void): void {
    if (this.whenDetached !== null) return;
    this.whenDetached = whenDetached;
    this.writer.plain(frames.Detach, 0, 0);
    this.touch();
  }

  onDetached(): void {
    this.detached = true;
    this.whenDetached?.();
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
    if (this.creditOwed >= this.creditStep) this.giveCredit();
    if (this.unanswered === 0) this.flush();
    else if (!this.scheduled) {
      this.scheduled = true;
      queueMicrotask(this.afterMicrotasks);
    }
  }

  /** Gives back credit, of which with the requests under way there is never more than `unansweredMax`. */
  private giveCredit(): void {
    const amount = Math.min(this.creditOwed, this.unansweredMax - this.unanswered - (this.credit - this.creditOwed));
    if (amount <= 0) return;
    this.writer.credit(0, amount);
    this.creditOwed -= amount;
  }

  /** A frame was composed: sees to it that it leaves. */
  touch(): void {
    if (this.inBatch || this.scheduled) {
      if (this.writer.length > unsentBytesMax) this.send();
      return;
    }
    this.scheduled = true;
    // Outside a batch (timers, I/O of the application) the check phase gathers what this turn of the loop answers.
    setImmediate(this.flushBound);
  }

  flush(): void {
    this.scheduled = false;
    const { settling } = this;
    for (let n = 0; n < settling.length; n++) this.settle(settling[n]);
    settling.length = 0;
    if (this.creditOwed >= this.creditStep) this.giveCredit();
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
