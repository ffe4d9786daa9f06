/** The client of a scenario, and what is noted of it. */
import * as net from 'node:net';
import { nextEvent, within } from '../support/poll';
import type { See, Step } from './scenario';

/** Dates, ports and the like are not the same twice on any engine. */
export function normalise(text: string): string {
  return text
    .replace(/^Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r$/gm, 'Date: now\r')
    .replace(/127\.0\.0\.1:\d+/g, '127.0.0.1:port');
}

/** One chunk instead of several. */
export function joinChunks(text: string): string {
  let joined = '';
  const start = text.indexOf('\r\n\r\n') + 4;
  let at = start;
  if (!/\r\nTransfer-Encoding: chunked\r\n/.test(text.slice(0, start))) return text;
  for (;;) {
    const end = text.indexOf('\r\n', at);
    const size = Number.parseInt(text.slice(at, end), 16);
    if (end < 0 || !(size > 0)) break;
    joined += text.slice(end + 2, end + 2 + size);
    at = end + 2 + size + 2;
  }
  return `${text.slice(0, start)}[${joined}]${text.slice(at)}`;
}

export class Notes {
  readonly list: string[] = [];
  private wake: (() => void)[] = [];
  readonly see: See = (note) => {
    this.list.push(normalise(note));
    this.wake.splice(0).forEach((wake) => wake());
  };

  count(start: string): number {
    return this.list.filter((note) => note.startsWith(start)).length;
  }

  async waitFor(start: string, count = 1): Promise<void> {
    const found = (async () => {
      while (this.count(start) < count) await new Promise<void>((resolve) => this.wake.push(resolve));
    })();
    await within(found, `note '${start}'; there are ${JSON.stringify(this.list)}`);
  }
}

export class Client {
  text = '';
  end = '';
  private wake: (() => void)[] = [];

  constructor(
    private readonly socket: net.Socket,
    private readonly notes: Notes,
  ) {
    const notify = (): void => this.wake.splice(0).forEach((wake) => wake());
    socket.on('data', (piece: Buffer) => {
      this.text += piece.toString('latin1');
      notify();
    });
    socket.on('end', () => {
      this.end ||= 'end';
      notify();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.end ||= error.code === 'ECONNRESET' || error.code === 'EPIPE' ? 'reset' : String(error.code);
      notify();
    });
    socket.on('close', notify);
  }

  private until(done: () => boolean, what: string): Promise<void> {
    const wait = async (): Promise<void> => {
      while (!done()) await new Promise<void>((resolve) => this.wake.push(resolve));
    };
    return within(wait(), `${what}; received ${JSON.stringify(this.text.slice(-300))}, notes ${JSON.stringify(this.notes.list)}`);
  }

  private write(text: string): Promise<void> {
    if (this.end !== '') return Promise.resolve();
    return new Promise((resolve) => this.socket.write(text, 'latin1', () => setImmediate(resolve)));
  }

  async step(step: Step): Promise<void> {
    if (step === 'FIN') this.socket.end();
    else if (step === 'RST' || step === 'LEAVE') {
      this.end ||= 'left';
      if (step === 'RST') this.socket.resetAndDestroy();
      else this.socket.destroy();
    } else if (typeof step === 'string') await this.write(step);
    else if ('drip' in step) for (const byte of step.drip) await this.write(byte);
    else if ('seen' in step) await this.notes.waitFor(step.seen, step.count);
    else {
      const wanted = step.await;
      const arrived = (): boolean => (typeof wanted === 'number' ? this.heads() >= wanted : this.text.includes(wanted));
      await this.until(() => arrived() || this.end !== '', `${JSON.stringify(wanted)} to arrive`);
    }
  }

  private heads(): number {
    return this.text.match(/HTTP\/1\.[01] \d{3}[^\r]*\r\n(?:[^\r]+\r\n)*\r\n/g)?.length ?? 0;
  }

  async ended(): Promise<void> {
    await this.until(() => this.end !== '', 'the end of the connection');
    this.socket.destroy();
  }
}

export async function connect(port: number, allowHalfOpen: boolean): Promise<net.Socket> {
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen, noDelay: true });
  await nextEvent(socket, 'connect');
  return socket;
}
