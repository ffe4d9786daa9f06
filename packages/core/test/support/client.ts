/** A client that owns its bytes: sends what a test says, reads whole responses, knows how the connection ended. */
import * as net from 'node:net';
import { parseResponse, type RawResponse } from './response-parser';
import { DEADLINE_MS, pace, within } from './poll';
import { nameThePort, wineHttp } from './wine';

export { all, type RawResponse } from './response-parser';

export class RawClient {
  readonly socket: net.Socket;
  /** How the connection ended, once it has. */
  ended = false;
  error: NodeJS.ErrnoException | null = null;
  private input: Buffer[] = [];
  private wake: (() => void)[] = [];

  private constructor(
    socket: net.Socket,
    private readonly port: number,
  ) {
    this.socket = socket;
    socket.setNoDelay(true);
    const notify = (): void => this.wake.splice(0).forEach((wake) => wake());
    socket.on('data', (piece) => {
      this.input.push(piece);
      notify();
    });
    socket.on('error', (error) => {
      this.error = error;
    });
    socket.on('end', () => {
      this.ended = true;
      notify();
    });
    socket.on('close', () => {
      this.ended = true;
      notify();
    });
  }

  /** Connects to a loopback port; the half-open side is kept, so that the client alone decides when to end. */
  static async connect(port: number, host = '127.0.0.1'): Promise<RawClient> {
    const socket = net.connect({ port, host, allowHalfOpen: true });
    const client = new RawClient(socket, port);
    await within(
      new Promise<void>((resolve, reject) => {
        socket.once('connect', resolve);
        socket.once('error', reject);
      }),
      'a connection',
    );
    return client;
  }

  /** Sends text as Latin-1, so that one character is one byte. */
  send(bytes: string | Uint8Array): void {
    const text = typeof bytes === 'string' && wineHttp ? nameThePort(bytes, this.port) : bytes;
    this.socket.write(typeof text === 'string' ? Buffer.from(text, 'latin1') : text);
  }

  /** Sends the bytes in pieces of `size`, each in its own segment as far as the kernel allows. */
  async drip(bytes: string, size = 1): Promise<void> {
    for (let at = 0; at < bytes.length && !this.ended; at += size) {
      this.send(bytes.slice(at, at + size));
      await pace(0);
    }
  }

  /** Bytes that arrived and no response has taken. */
  get buffered(): Buffer {
    if (this.input.length > 1) this.input = [Buffer.concat(this.input)];
    return this.input[0] ?? Buffer.alloc(0);
  }

  private arrival(): Promise<void> {
    return new Promise((resolve) => this.wake.push(resolve));
  }

  /** Reads the next response, interim ones included. */
  async response(options: { head?: boolean; ms?: number } = {}): Promise<RawResponse> {
    return within(this.readResponse(options.head ?? false), 'a response', options.ms ?? DEADLINE_MS);
  }

  private async readResponse(head: boolean): Promise<RawResponse> {
    // A body that arrives in thousands of pieces is parsed again only when it has doubled: linear, not quadratic.
    let tryAt = 0;
    for (;;) {
      let length = 0;
      for (const piece of this.input) length += piece.length;
      if (length >= tryAt || this.ended) {
        const input = this.buffered;
        const parsed = parseResponse(input, head, this.ended);
        if (parsed) {
          this.input = parsed.used < input.length ? [input.subarray(parsed.used)] : [];
          return parsed.response;
        }
        if (this.ended) {
          const how = this.error ? this.error.code : 'end';
          throw new Error(
            `the connection closed (${how}) before a whole response; got ${JSON.stringify(input.toString('latin1').slice(0, 300))}`,
          );
        }
        tryAt = length > 65536 ? Math.floor(length * 1.5) : 0;
      }
      const quiet = await Promise.race([this.arrival().then(() => false), pace(50).then(() => true)]);
      if (quiet) tryAt = 0;
    }
  }

  /** Sends, then reads one response. */
  async exchange(bytes: string, options: { head?: boolean; ms?: number } = {}): Promise<RawResponse> {
    this.send(bytes);
    return this.response(options);
  }

  /** Waits until the server has ended the connection; returns what came before that and was not taken. */
  async closed(ms = DEADLINE_MS): Promise<Buffer> {
    return within(
      (async () => {
        while (!this.ended) await this.arrival();
        return this.buffered;
      })(),
      'the server to close the connection',
      ms,
    );
  }

  /** Waits until `count` bytes have arrived. */
  async bytes(count: number, ms = DEADLINE_MS): Promise<Buffer> {
    return within(
      (async () => {
        while (this.buffered.length < count && !this.ended) await this.arrival();
        return this.buffered;
      })(),
      `${count} bytes`,
      ms,
    );
  }

  /** Sends FIN; the server may still answer. */
  end(): void {
    this.socket.end();
  }

  /** Sends RST. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  destroy(): void {
    this.socket.destroy();
  }
}

/** One request on its own connection, closed afterwards. */
export async function fetchOnce(
  port: number,
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string; host?: string; address?: string; ms?: number } = {},
): Promise<RawResponse> {
  const client = await RawClient.connect(port, options.address);
  try {
    const method = options.method ?? 'GET';
    const lines = [`${method} ${path} HTTP/1.1`, `Host: ${options.host ?? `127.0.0.1:${port}`}`, 'Connection: close'];
    for (const [name, value] of Object.entries(options.headers ?? {})) lines.push(`${name}: ${value}`);
    if (options.body !== undefined) lines.push(`Content-Length: ${Buffer.byteLength(options.body)}`);
    client.send(`${lines.join('\r\n')}\r\n\r\n`);
    if (options.body) client.socket.write(options.body);
    return await client.response({ head: method === 'HEAD', ms: options.ms });
  } finally {
    client.destroy();
  }
}
