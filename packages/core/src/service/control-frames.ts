/** Frames of the control channel: the common header, and JSON (docs/frames.md). Few and small, so clarity comes before speed here. */
import { makeError } from '../errors';
import * as frames from '../queue/frames';
import { MAX_CONTROL_FRAME_BYTES } from './limits';

export interface ControlFrame {
  type: number;
  /** Joins a reply to its request. */
  id: number;
  body: Record<string, unknown>;
}

/** HELLO of either side. */
export interface Hello {
  protocolMajor: number;
  protocolMinor: number;
  /** Of @httpsys/core. */
  version: string;
  pid: number;
}

/** @throws ERR_HTTPSYS_PROTOCOL when the frame would be larger than the other side accepts */
export function encodeControl(type: number, id: number, body: object): Buffer {
  const text = JSON.stringify(body);
  const length = frames.HeaderBytes + Buffer.byteLength(text);
  if (length > MAX_CONTROL_FRAME_BYTES) throw makeError('ERR_HTTPSYS_PROTOCOL', `control frame of ${length} bytes`);
  const frame = Buffer.allocUnsafe(length);
  frame.writeUInt32LE(length, 0);
  frame.writeUInt8(type, 4);
  frame.writeUInt8(0, 5);
  frame.writeUInt16LE(0, 6);
  frame.writeUInt32LE(id, 8);
  frame.write(text, frames.HeaderBytes);
  return frame;
}

/** Cuts a stream of bytes into control frames; what it holds is bounded by one frame and one read. */
export class ControlDecoder {
  private pieces: Buffer[] = [];
  private held = 0;
  /** Bytes without which there is nothing to decode: pieces are joined once, not with every read. */
  private needed = frames.HeaderBytes;

  /** @throws ERR_HTTPSYS_PROTOCOL; the connection cannot be continued after that */
  push(chunk: Buffer): ControlFrame[] {
    this.pieces.push(chunk);
    this.held += chunk.length;
    if (this.held < this.needed) return [];
    let data = this.pieces.length === 1 ? chunk : Buffer.concat(this.pieces);
    const out: ControlFrame[] = [];
    this.needed = frames.HeaderBytes;
    while (data.length >= frames.HeaderBytes) {
      const length = data.readUInt32LE(0);
      if (length < frames.HeaderBytes || length > MAX_CONTROL_FRAME_BYTES) {
        throw makeError('ERR_HTTPSYS_PROTOCOL', `control frame of ${length} bytes`);
      }
      this.needed = length;
      if (data.length < length) break;
      out.push({ type: data.readUInt8(4), id: data.readUInt32LE(8), body: parseBody(data.subarray(frames.HeaderBytes, length)) });
      data = data.subarray(length);
      this.needed = frames.HeaderBytes;
    }
    // Copied, since a small rest must not keep a large read alive.
    this.pieces = data.length === 0 ? [] : [Buffer.from(data)];
    this.held = data.length;
    return out;
  }
}

function parseBody(bytes: Buffer): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw makeError('ERR_HTTPSYS_PROTOCOL', 'the body of a control frame is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw makeError('ERR_HTTPSYS_PROTOCOL', 'the body of a control frame is not an object');
  }
  return value as Record<string, unknown>;
}

/** @throws ERR_HTTPSYS_PROTOCOL */
export function checkHello(body: Record<string, unknown>): Hello {
  const { protocolMajor, protocolMinor, version, pid } = body;
  const numbers = [protocolMajor, protocolMinor, pid].every((value) => Number.isInteger(value) && (value as number) >= 0);
  if (!numbers || typeof version !== 'string' || version.length > 100) throw makeError('ERR_HTTPSYS_PROTOCOL', 'malformed HELLO');
  return { protocolMajor: protocolMajor as number, protocolMinor: protocolMinor as number, version, pid: pid as number };
}

export function ownHello(version: string): Hello {
  return { protocolMajor: frames.ProtocolMajor, protocolMinor: frames.ProtocolMinor, version, pid: process.pid };
}

/** As it is written in an ERR_HTTPSYS_VERSION. */
export function helloText(hello: Hello): string {
  return `${hello.version} (protocol ${hello.protocolMajor}.${hello.protocolMinor})`;
}
