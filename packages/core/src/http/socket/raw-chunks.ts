/** The chunked coding of a response that a program has written by itself (RFC 9112 section 7.1), taken off: the engine puts its own on. */
import { makeError } from '../../errors';

/** Longest size line, extensions included, and longest trailer section, in bytes. */
const lineBytesMax = 4096;
const trailerBytesMax = 16 * 1024;
const sizeLine = /^([0-9a-f]{1,13})[\t ]*(?:;.*)?$/i;

type State = 'size' | 'data' | 'data end' | 'trailers';

export class RawChunks {
  /** The last chunk and the trailers were there. */
  ended = false;
  /** Of the end, `Name: value\r\n` each. */
  trailers = '';
  private state: State = 'size';
  private remaining = 0;
  /** Of a line that is not whole yet. */
  private line = '';

  /**
   * The payload of what comes next.
   *
   * @throws ERR_HTTPSYS_RAW_RESPONSE
   */
  take(buffers: readonly Buffer[]): Buffer[] {
    const payload: Buffer[] = [];
    for (const bytes of buffers) {
      let at = 0;
      while (at < bytes.length && !this.ended) {
        if (this.state === 'data') {
          const piece = bytes.subarray(at, at + this.remaining);
          payload.push(piece);
          at += piece.length;
          this.remaining -= piece.length;
          if (this.remaining === 0) this.state = 'data end';
          continue;
        }
        const end = bytes.indexOf('\n', at);
        const stop = end < 0 ? bytes.length : end + 1;
        this.line += bytes.toString('latin1', at, stop);
        at = stop;
        if (this.line.length > lineBytesMax)
          throw makeError('ERR_HTTPSYS_RAW_RESPONSE', `a line between its chunks is longer than ${lineBytesMax} bytes`);
        if (end >= 0) this.takeLine();
      }
    }
    return payload;
  }

  private takeLine(): void {
    const { line } = this;
    this.line = '';
    if (!line.endsWith('\r\n')) throw makeError('ERR_HTTPSYS_RAW_RESPONSE', 'a line between its chunks does not end with CR LF');
    const text = line.slice(0, -2);
    if (this.state === 'trailers') {
      if (text === '') this.ended = true;
      else if (this.trailers.length + line.length > trailerBytesMax) {
        throw makeError('ERR_HTTPSYS_RAW_RESPONSE', `its trailers are longer than ${trailerBytesMax} bytes`);
      } else this.trailers += line;
    } else if (this.state === 'data end') {
      if (text !== '') throw makeError('ERR_HTTPSYS_RAW_RESPONSE', 'a chunk is longer than its size');
      this.state = 'size';
    } else {
      const match = sizeLine.exec(text);
      if (match === null) throw makeError('ERR_HTTPSYS_RAW_RESPONSE', `${JSON.stringify(text)} is no size of a chunk`);
      this.remaining = Number.parseInt(match[1], 16);
      this.state = this.remaining === 0 ? 'trailers' : 'data';
    }
  }
}
