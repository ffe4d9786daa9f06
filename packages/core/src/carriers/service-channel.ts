/**
 * A data channel to one I/O thread of the service. This is the hot path of an application: one reused buffer for reading, frames handed
 * over where they were read, one write per batch.
 */
import * as net from 'node:net';
import { makeError } from '../errors';
import { readU32 } from '../queue/frame-bytes';
import * as frames from '../queue/frames';
import type { Channel } from './carrier';
import { loopTimeout } from './loop-timeout';

export interface ChannelHandlers {
  onBatch(channel: Channel, batch: Uint8Array, offset: number, length: number): void;
  /** Called once, and never before the channel was attached. */
  onClosed(channel: DataChannel, error: Error): void;
}

const READ_BYTES = 256 * 1024;
/** A send buffer up to this size is kept for the next batch. */
const SPARE_BYTES_MAX = 1024 * 1024;
const SPARE_BYTES_MIN = 16 * 1024;
/** A larger frame is carried over in a buffer that is dropped afterwards. */
const CARRY_BYTES_KEPT = 64 * 1024;
const ATTACH_TIMEOUT_MS = 5000;
/** How long `end` waits for the service to take what is on the way, milliseconds. */
const END_TIMEOUT_MS = 2000;

let lastId = 0;

export class DataChannel implements Channel {
  readonly id = ++lastId;
  /** Told by ATTACHED. */
  minor = 0;
  private readonly socket: net.Socket;
  private readonly born = performance.now();
  private closed = false;
  private attached: ((error: Error | null) => void) | null = null;
  private failure: Error | null = null;
  /** A frame of which only the first `carried` bytes have come. */
  private carry: Buffer = Buffer.allocUnsafe(0);
  private carried = 0;
  /** Free for the next batch: the kernel took all of the last one. */
  private spare: Buffer = Buffer.allocUnsafe(SPARE_BYTES_MIN);

  private constructor(
    path: string,
    private readonly handlers: ChannelHandlers,
  ) {
    const onread = {
      buffer: Buffer.allocUnsafeSlow(READ_BYTES),
      callback: (length: number, buffer: Uint8Array): boolean => {
        this.onRead(buffer as Buffer, length);
        return true;
      },
    };
    this.socket = net.connect({ path, onread });
    this.socket.on('error', (error) => (this.failure ??= error));
    this.socket.on('close', () => this.onClose());
  }

  /**
   * Connects to an I/O thread and attaches to the queue that `key` stands for, without credit for requests yet.
   *
   * @throws the socket's error, ERR_HTTPSYS_SERVICE_LOST when the service refuses the key or ends the connection
   */
  static attach(path: string, key: Uint8Array, handlers: ChannelHandlers): Promise<DataChannel> {
    return new Promise((resolve, reject) => {
      const channel = new DataChannel(path, handlers);
      const cancel = loopTimeout(ATTACH_TIMEOUT_MS, () => channel.destroy(lost('a data channel was not attached in time')));
      channel.attached = (error) => {
        cancel();
        channel.attached = null;
        if (error === null) resolve(channel);
        else reject(error);
      };
      channel.socket.write(attachFrame(key));
    });
  }

  get hasEnded(): boolean {
    return this.closed;
  }

  /** Milliseconds since the channel was made. */
  get ageMs(): number {
    return performance.now() - this.born;
  }

  get pending(): number {
    return this.socket.writableLength;
  }

  /**
   * One write; usually the kernel takes all of it at once. The bytes are copied into a buffer of the channel first, because a socket that
   * takes only a part goes on reading the buffer it was given: with one kept buffer that costs a copy of some kilobytes and no allocation.
   */
  send(batch: Uint8Array, length: number): void {
    if (this.closed) return;
    let buffer = this.spare;
    if (buffer.length < length) buffer = Buffer.allocUnsafeSlow(Math.max(SPARE_BYTES_MIN, powerOfTwo(length)));
    if (length === batch.length) buffer.set(batch);
    else buffer.set(batch.subarray(0, length));
    this.socket.write(buffer.subarray(0, length));
    if (this.socket.writableLength > 0) this.spare = Buffer.allocUnsafeSlow(SPARE_BYTES_MIN);
    else if (buffer.length <= SPARE_BYTES_MAX) this.spare = buffer;
  }

  /** The batch and a body behind it leave in one write; of the body nothing is copied here. */
  sendBody(batch: Uint8Array, length: number, body: Uint8Array, taken: () => void): boolean {
    if (this.closed) return false;
    this.socket.cork();
    this.send(batch, length);
    this.socket.write(body, (error) => {
      if (!error) taken();
    });
    this.socket.uncork();
    return false;
  }

  /** More requests may be sent on this channel. */
  grant(credit: number): void {
    const frame = Buffer.alloc(frames.HeaderBytes + 4);
    frame.writeUInt32LE(frame.length, 0);
    frame.writeUInt8(frames.Credit, 4);
    frame.writeUInt32LE(credit, frames.HeaderBytes);
    this.send(frame, frame.length);
  }

  destroy(error: Error): void {
    this.failure ??= error;
    this.socket.destroy();
  }

  /** Ends the channel when the service has taken all that was sent. */
  end(): Promise<void> {
    return new Promise((resolve) => {
      if (this.closed) {
        resolve();
        return;
      }
      const cancel = loopTimeout(END_TIMEOUT_MS, () => this.socket.destroy());
      this.socket.once('close', () => {
        cancel();
        resolve();
      });
      this.socket.end();
    });
  }

  ref(): void {
    this.socket.ref();
  }

  unref(): void {
    this.socket.unref();
  }

  private onClose(): void {
    if (this.closed) return;
    this.closed = true;
    const error = this.failure ?? lost('a data channel ended');
    if (this.attached !== null) this.attached(error);
    else this.handlers.onClosed(this, error);
  }

  private onRead(data: Buffer, length: number): void {
    let at = 0;
    if (this.carried > 0) {
      at = this.complete(data, length);
      if (at < 0) return;
      const frame = this.carry;
      const frameLength = this.carried;
      this.carried = 0;
      // Kept for the next split frame unless it was an unusually large one. The frame in hand is delivered before it is written again.
      try {
        this.deliver(frame, 0, frameLength);
      } finally {
        // A listener of the application may throw; the bytes behind its frame still belong to others.
        if (frame.length > CARRY_BYTES_KEPT) this.carry = Buffer.allocUnsafe(0);
        this.onFrames(data, at, length);
      }
      return;
    }
    this.onFrames(data, at, length);
  }

  /** Hands over the whole frames of [at, length) in one call and carries the rest. */
  private onFrames(data: Buffer, at: number, length: number): void {
    let end = at;
    while (length - end >= frames.HeaderBytes) {
      const frameLength = readU32(data, end);
      if (!this.checkLength(frameLength)) return;
      if (frameLength > length - end) break;
      end += frameLength;
    }
    if (end < length) {
      const need = length - end >= frames.HeaderBytes ? readU32(data, end) : frames.HeaderBytes;
      this.reserve(Math.max(need, length - end));
      data.copy(this.carry, 0, end, length);
      this.carried = length - end;
    }
    if (end > at) this.deliver(data, at, end - at);
  }

  /** Completes the carried frame from a new read: the offset behind it, or -1 when it takes another read (or was malformed). */
  private complete(data: Buffer, length: number): number {
    let at = 0;
    if (this.carried < frames.HeaderBytes) {
      const take = Math.min(frames.HeaderBytes - this.carried, length);
      this.reserve(frames.HeaderBytes);
      data.copy(this.carry, this.carried, 0, take);
      this.carried += take;
      at = take;
      if (this.carried < frames.HeaderBytes) return -1;
    }
    const frameLength = readU32(this.carry, 0);
    if (!this.checkLength(frameLength)) return -1;
    this.reserve(frameLength);
    const take = Math.min(frameLength - this.carried, length - at);
    data.copy(this.carry, this.carried, at, at + take);
    this.carried += take;
    return this.carried === frameLength ? at + take : -1;
  }

  /** Grows the carry buffer; its size is bounded by FrameBytesMax, which was checked. */
  private reserve(bytes: number): void {
    if (this.carry.length >= bytes) return;
    const larger = Buffer.allocUnsafeSlow(powerOfTwo(bytes));
    this.carry.copy(larger, 0, 0, this.carried);
    this.carry = larger;
  }

  private checkLength(length: number): boolean {
    if (length >= frames.HeaderBytes && length <= frames.FrameBytesMax) return true;
    this.destroy(makeError('ERR_HTTPSYS_PROTOCOL', `a frame of ${length} bytes from the service`));
    return false;
  }

  private deliver(data: Buffer, offset: number, length: number): void {
    if (this.attached !== null) {
      const taken = this.onAttached(data, offset);
      offset += taken;
      length -= taken;
    }
    if (length > 0 && !this.socket.destroyed) this.handlers.onBatch(this, data, offset, length);
  }

  /** The first frame of a channel answers ATTACH. */
  private onAttached(data: Buffer, offset: number): number {
    const length = readU32(data, offset);
    const type = data[offset + 4];
    const code = data.readUInt16LE(offset + 6);
    if (type === frames.Attached && code === 0) {
      this.minor = data[offset + 5];
      this.attached?.(null);
    } else {
      const text =
        type === frames.Attached ? data.toString('utf8', offset + frames.HeaderBytes, offset + length) : `frame ${type} before ATTACHED`;
      this.destroy(lost(`a data channel was refused: ${text}`));
    }
    return length;
  }
}

function attachFrame(key: Uint8Array): Buffer {
  const frame = Buffer.alloc(frames.HeaderBytes + frames.AttachKeyBytes + 4);
  frame.writeUInt32LE(frame.length, 0);
  frame.writeUInt8(frames.Attach, 4);
  frame.writeUInt16LE(frames.ProtocolMajor | (frames.ProtocolMinor << 8), 6);
  frame.set(key, frames.HeaderBytes);
  return frame;
}

function powerOfTwo(bytes: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(bytes, 64)));
}

function lost(why: string): Error {
  return makeError('ERR_HTTPSYS_SERVICE_LOST', why);
}
