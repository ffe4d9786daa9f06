/** The service's log: one line per event, bounded in size, one older file kept beside it. */
import * as fs from 'node:fs';
import { LOG_BYTES } from './limits';

/** Longest line, characters; what clients send may end up in a line. */
const LINE_CHARACTERS_MAX = 2000;

export class Log {
  private fd: number;
  private size: number;

  constructor(
    private readonly file: string,
    private readonly bytesMax = LOG_BYTES,
  ) {
    this.fd = fs.openSync(file, 'a', 0o600);
    this.size = fs.fstatSync(this.fd).size;
  }

  /** Control characters are replaced, so that one event stays one line. */
  write(event: string): void {
    const text = event.slice(0, LINE_CHARACTERS_MAX).replace(/\p{Cc}+/gu, ' ');
    const line = Buffer.from(`${new Date().toISOString()} [${process.pid}] ${text}\n`);
    try {
      if (this.size > 0 && this.size + line.length > this.bytesMax) this.rotate();
      fs.writeSync(this.fd, line);
      this.size += line.length;
    } catch {
      // A full disk must not end the service.
    }
  }

  close(): void {
    fs.closeSync(this.fd);
  }

  private rotate(): void {
    fs.renameSync(this.file, `${this.file}.1`);
    const fresh = fs.openSync(this.file, 'a', 0o600);
    fs.closeSync(this.fd);
    this.fd = fresh;
    this.size = 0;
  }
}
