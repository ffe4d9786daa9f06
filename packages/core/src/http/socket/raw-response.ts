/**
 * The response that programs write to a socket as text, above all to an upgrade or CONNECT: `HTTP/1.1 101 Switching Protocols`, fields, an empty
 * line. The engine gets it as status, reason and header block, because HTTP.SYS takes no other form (UP-3).
 */
import { makeError } from '../../errors';

/** Longest head, in bytes. */
const headBytesMax = 64 * 1024;
const emptyLine = Buffer.from('\r\n\r\n');
const beginning = 'HTTP/1.';
const statusLine = /^HTTP\/1\.[01] ([1-9]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?$/;
// RFC 9112 section 5: a name, a colon with nothing before it, and a value without control characters.
const fieldLine = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*$/;

/** A head that is complete. */
export interface RawHead {
  status: number;
  reason: string;
  /** `Name: value\r\n` each. */
  block: string;
}

/** Gathers what is written until the head is whole. */
export class RawResponse {
  private gathered: Buffer = Buffer.alloc(0);

  /** Bytes of a head that is not whole yet, or those behind the one that `next` gave last. */
  get rest(): Buffer {
    return this.gathered;
  }

  add(bytes: Buffer): void {
    this.gathered = this.gathered.length === 0 ? bytes : Buffer.concat([this.gathered, bytes]);
  }

  /**
   * The next head, or null when it is not whole yet.
   *
   * @throws ERR_HTTPSYS_RAW_RESPONSE
   */
  next(): RawHead | null {
    const bytes = this.gathered;
    const start = bytes.toString('latin1', 0, Math.min(bytes.length, beginning.length));
    if (!beginning.startsWith(start)) throw makeError('ERR_HTTPSYS_RAW_RESPONSE', `it begins with ${JSON.stringify(start)}`);
    const end = bytes.indexOf(emptyLine);
    if (end < 0 ? bytes.length > headBytesMax : end > headBytesMax) {
      throw makeError('ERR_HTTPSYS_RAW_RESPONSE', `its head is longer than ${headBytesMax} bytes`);
    }
    if (end < 0) return null;
    const [first, ...fields] = bytes.toString('latin1', 0, end).split('\r\n');
    const match = statusLine.exec(first);
    if (match === null) throw makeError('ERR_HTTPSYS_RAW_RESPONSE', `${JSON.stringify(first)} is no status line`);
    for (const field of fields) {
      if (!fieldLine.test(field)) throw makeError('ERR_HTTPSYS_RAW_RESPONSE', `${JSON.stringify(field)} is no header field`);
    }
    this.gathered = bytes.subarray(end + emptyLine.length);
    return { status: Number(match[1]), reason: match[2] ?? '', block: fields.map((field) => `${field}\r\n`).join('') };
  }
}

/** 100, 102, 103: the final response is still to come. */
export function isInterim(status: number): boolean {
  return status < 200 && status !== 101;
}
