/**
 * Composes frames from the application to the engine into one reusable buffer, which leaves in one call per batch.
 */
import { readU32, writeLatin1, writeUtf8 } from './frame-bytes';
import * as frames from './frames';

/** Starting size of a writer's buffer; most batches fit. */
const initialBytes = 64 * 1024;
/** A buffer that grew beyond this for one large batch is given back afterwards. */
const keptBytesMax = 1024 * 1024;

/**
 * Longest header block or trailers of a response. With the longest body of a frame it stays below `FrameBytesMax`, beyond which the whole
 * channel would be ended.
 */
const blockBytesMax = 512 * 1024;
/** What the engine refuses: the one response that is too long gets its 500. */
const malformedBlock = '\n';

/** Anything a response body piece may be. */
export type BodyPiece = string | Uint8Array;

function allocate(bytes: number): Buffer {
  return Buffer.allocUnsafeSlow(bytes);
}

/** Bytes needed at most for a piece in an encoding. */
function bytesMax(piece: BodyPiece, encoding: BufferEncoding | undefined): number {
  if (typeof piece !== 'string') return piece.byteLength;
  return encoding === 'latin1' || encoding === 'binary' || encoding === 'ascii' ? piece.length : piece.length * 3;
}

/** One channel's outgoing batch. */
export class FrameWriter {
  buffer: Buffer = allocate(initialBytes);
  length = 0;
  /** Start of the newest frame, while it can still be amended (END flag on the last piece of a response). */
  private lastAt = -1;

  /** Forgets what was composed, after it was sent. */
  reset(): void {
    this.length = 0;
    this.lastAt = -1;
    if (this.buffer.length > keptBytesMax) this.buffer = allocate(initialBytes);
  }

  /**
   * A response head with the first piece of its body.
   *
   * @param reason `''` for the standard phrase of the status
   * @param head header block, `Name: value\r\n` each, Latin-1
   * @returns body bytes written
   */
  response(
    id: number,
    flags: number,
    status: number,
    reason: string,
    policy: Uint8Array | null,
    head: string,
    body: BodyPiece | null,
    encoding?: BufferEncoding,
  ): number {
    if (head.length > blockBytesMax) head = malformedBlock;
    const policyBytes = policy === null ? 0 : policy.byteLength;
    const start = this.reserve(20 + reason.length + policyBytes + head.length + (body === null ? 0 : bytesMax(body, encoding)));
    const out = this.buffer;
    let at = start + 20;
    if (reason !== '') at += writeLatin1(out, reason, at);
    if (policy !== null) {
      out.set(policy, at);
      at += policyBytes;
    }
    if (head !== '') at += writeLatin1(out, head, at);
    const bodyAt = at;
    if (body !== null) at += this.piece(body, encoding, at);
    const headBytes = head.length;
    out[start + 12] = reason.length;
    out[start + 13] = reason.length >>> 8;
    out[start + 14] = policyBytes;
    out[start + 15] = policyBytes >>> 8;
    out[start + 16] = headBytes;
    out[start + 17] = headBytes >>> 8;
    out[start + 18] = headBytes >>> 16;
    out[start + 19] = headBytes >>> 24;
    this.close(start, at, frames.Response, flags, status, id);
    return at - bodyAt;
  }

  /** A further piece of a response body; returns its bytes. */
  data(id: number, body: BodyPiece, encoding?: BufferEncoding): number {
    const start = this.reserve(12 + bytesMax(body, encoding));
    const bytes = this.piece(body, encoding, start + 12);
    this.close(start, start + 12 + bytes, frames.Data, 0, 0, id);
    return bytes;
  }

  /** Bytes of a connection that has left HTTP; returns their number. Writes of one turn become one frame. */
  opaque(id: number, piece: BodyPiece, encoding?: BufferEncoding): number {
    const at = this.lastAt;
    if (at >= 0 && this.buffer[at + 4] === frames.Opaque && this.buffer[at + 5] === 0 && readU32(this.buffer, at + 8) === id) {
      const end = this.reserve(bytesMax(piece, encoding));
      const more = this.piece(piece, encoding, end);
      this.close(at, end + more, frames.Opaque, 0, 0, id);
      return more;
    }
    const start = this.reserve(12 + bytesMax(piece, encoding));
    const bytes = this.piece(piece, encoding, start + 12);
    this.close(start, start + 12 + bytes, frames.Opaque, 0, 0, id);
    return bytes;
  }

  /** The header of a DATA or OPAQUE frame whose `bytes` bytes do not travel in this buffer: the batch ends with it. */
  pieceHeader(type: number, id: number, bytes: number): void {
    const start = this.reserve(12);
    this.close(start, start + 12, type, 0, 0, id);
    this.buffer.writeUInt32LE(12 + bytes, start);
  }

  /**
   * Ends a response: by a flag on its newest frame when that is still here, else (or with trailers) by a frame.
   *
   * @param keepBody the request's body is still being read
   */
  end(id: number, trailers: string, standAlone: boolean, keepBody: boolean): void {
    const at = this.lastAt;
    const out = this.buffer;
    if (trailers === '' && !standAlone && !keepBody && at >= 0 && readU32(out, at + 8) === id) {
      const type = out[at + 4];
      // ResponseEnd and DataEnd are the same bit.
      if (type === frames.Response || type === frames.Data) {
        out[at + 5] = out[at + 5] | frames.DataEnd;
        return;
      }
    }
    this.text(frames.End, 0, id, trailers);
    if (keepBody) this.buffer[this.lastAt + 5] = frames.EndKeepBody;
  }

  /** An interim response; `head` is its header block. */
  informational(id: number, status: number, head: string): void {
    this.text(frames.Informational, status, id, head);
  }

  /** More requests (id 0) or more request body bytes may come. */
  credit(id: number, amount: number): void {
    const start = this.reserve(16);
    this.buffer.writeUInt32LE(amount, start + 12);
    this.close(start, start + 16, frames.Credit, 0, 0, id);
  }

  /** Bytes for a client that was handed over by CLIENT_ERROR. */
  raw(connectionId: number, bytes: Uint8Array, last: boolean): void {
    const start = this.reserve(12 + bytes.byteLength);
    this.buffer.set(bytes, start + 12);
    this.close(start, start + 12 + bytes.byteLength, frames.Raw, last ? frames.RawIsLast : 0, 0, connectionId);
  }

  /**
   * A fragment for the engine's cache.
   *
   * @param token comes back in FRAGMENT_ADDED
   * @param policy 8 bytes, of which two take the length of the name
   */
  addFragment(token: number, policy: Uint8Array, name: string, data: BodyPiece): void {
    const nameBytes = Buffer.byteLength(name);
    const start = this.reserve(20 + nameBytes + bytesMax(data, undefined));
    const out = this.buffer;
    out.set(policy, start + 12);
    out.writeUInt16LE(nameBytes, start + 14);
    out.write(name, start + 20);
    const at = start + 20 + nameBytes;
    this.close(start, at + this.piece(data, undefined, at), frames.AddFragment, 0, 0, token);
  }

  /** A frame without a body: CANCEL, DETACH, CLOSE_CONNECTIONS, the ends of OPAQUE. */
  plain(type: number, flags: number, id: number): void {
    const start = this.reserve(12);
    this.close(start, start + 12, type, flags, 0, id);
  }

  private text(type: number, aux: number, id: number, text: string): void {
    if (text.length > blockBytesMax) text = malformedBlock;
    const start = this.reserve(12 + text.length);
    const bytes = text === '' ? 0 : writeLatin1(this.buffer, text, start + 12);
    this.close(start, start + 12 + bytes, type, 0, aux, id);
  }

  private piece(body: BodyPiece, encoding: BufferEncoding | undefined, at: number): number {
    if (typeof body !== 'string') {
      this.buffer.set(body, at);
      return body.byteLength;
    }
    if (encoding === undefined || encoding === 'utf8' || encoding === 'utf-8') return writeUtf8(this.buffer, body, at);
    if (encoding === 'latin1' || encoding === 'binary') return writeLatin1(this.buffer, body, at);
    // 'buffer' is what some streams pass on with a string; Node takes it for UTF-8.
    return this.buffer.write(body, at, (encoding as string) === 'buffer' ? 'utf8' : encoding);
  }

  private close(start: number, end: number, type: number, flags: number, aux: number, id: number): void {
    const out = this.buffer;
    const length = end - start;
    out[start] = length;
    out[start + 1] = length >>> 8;
    out[start + 2] = length >>> 16;
    out[start + 3] = length >>> 24;
    out[start + 4] = type;
    out[start + 5] = flags;
    out[start + 6] = aux;
    out[start + 7] = aux >>> 8;
    out[start + 8] = id;
    out[start + 9] = id >>> 8;
    out[start + 10] = id >>> 16;
    out[start + 11] = id >>> 24;
    this.lastAt = start;
    this.length = end;
  }

  /** Makes room and returns where the frame starts. */
  private reserve(bytes: number): number {
    const start = this.length;
    if (start + bytes > this.buffer.length) {
      const grown = allocate(Math.max(this.buffer.length * 2, start + bytes));
      this.buffer.copy(grown, 0, 0, start);
      this.buffer = grown;
    }
    return start;
  }
}
