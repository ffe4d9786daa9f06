/** Bytes that a program writes to a socket, handed to the engine as far as the window of a response allows (docs/frames.md, Back-pressure). */
import * as frames from '../../queue/frames';
import type { Link } from '../own';

type Callback = (error?: Error | null) => void;

/** One piece as the stream machinery hands it over. */
export interface WrittenPiece {
  chunk: Uint8Array | string;
  encoding: BufferEncoding;
}

export function toBuffer({ chunk, encoding }: WrittenPiece): Buffer {
  if (typeof chunk === 'string') return Buffer.from(chunk, encoding);
  return Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}

export class WindowedBytes {
  /** Bytes of the last `handOver` that wait for room. */
  inProgress = 0;
  private sent = 0;
  private drained = 0;
  private waiting: { pieces: Uint8Array[]; callback: Callback } | null = null;

  /** @param type of the frames: OPAQUE or DATA */
  constructor(
    private readonly link: Link,
    private readonly requestId: number,
    private readonly type: typeof frames.Opaque | typeof frames.Data,
  ) {}

  /** Hands over what the window allows and keeps the rest; the callback comes when all of it is with the engine. */
  handOver(pieces: Uint8Array[], callback: Callback): void {
    const { link, requestId, type } = this;
    let referred = 0;
    let n = 0;
    for (; n < pieces.length; n++) {
      const piece = pieces[n];
      const room = frames.ResponseWindowBytes - (this.sent - this.drained);
      const part = piece.byteLength <= room ? piece : piece.subarray(0, room);
      if (part.byteLength > 0) {
        if (link.refers(part)) referred = link.refer(requestId, part, type);
        else if (type === frames.Opaque) link.writer.opaque(requestId, part);
        else link.writer.data(requestId, part);
        this.sent += part.byteLength;
      }
      if (part !== piece) {
        pieces[n] = piece.subarray(room);
        break;
      }
    }
    link.touch();
    if (n < pieces.length) {
      const rest = n === 0 ? pieces : pieces.slice(n);
      this.inProgress = rest.reduce((sum, piece) => sum + piece.byteLength, 0);
      this.waiting = { pieces: rest, callback };
      return;
    }
    this.waiting = null;
    this.inProgress = 0;
    if (referred > 0) link.whenTaken(referred, callback);
    else callback();
  }

  /** The engine has got rid of `bytes`: the window has room again. */
  onDrained(bytes: number): void {
    this.drained = Math.min(this.drained + bytes, this.sent);
    const { waiting } = this;
    if (waiting !== null) this.handOver(waiting.pieces, waiting.callback);
  }
}
