/**
 * What a row of the compatibility tables is: a small program for node:http's API, and what its client does. Nothing says how it ends:
 * node:http does (run.ts), and the engines of this package are held against it.
 */
import type * as http from 'node:http';
import type * as net from 'node:net';

/** Notes something that the program saw; notes are compared in order. */
export type See = (note: string) => void;

export type Request = http.IncomingMessage & { aborted: boolean; upgrade?: boolean | null };
export type Response = http.ServerResponse<Request>;
export type App = (req: Request, res: Response, see: See) => void;

/** One thing the client does: bytes to send (Latin-1), or something to wait for. */
export type Step =
  | string
  /** Until this text was received; a number: so many heads of responses. */
  | { await: string | number }
  /** Until the program has noted this (the beginning of it, at any time so far), `count` times. */
  | { seen: string; count?: number }
  /** Byte by byte, each its own write. */
  | { drip: string }
  /** FIN, RST, or give up without a word. */
  | 'FIN'
  | 'RST'
  | 'LEAVE';

/** Whose events are noted, each as `req close`. */
export type Observed = 'req' | 'res' | 'socket' | 'server';

export interface Scenario {
  name: string;
  options?: http.ServerOptions;
  app?: App;
  /** Before `listen`. */
  setup?: (server: http.Server, see: See) => void;
  /** Default: one GET with `Connection: close`. Behind the last step the client waits for the end of the connection. */
  client?: Step[];
  events?: Observed[];
  /** Notes without which the scenario is not over, beside the end of the connection. */
  until?: string[];
  /** Notes come from sources that have no order between them: they are compared sorted. */
  unordered?: boolean;
  /** The client may be sending when the connection ends: whether it sees an end or a reset is a matter of luck. */
  anyEnd?: boolean;
  /** How the body is cut into chunks depends on how the request arrived. */
  anyChunks?: boolean;
  /** Instead of `app` and `client`: a program that does everything itself. */
  program?: (kit: Kit) => Promise<void>;
}

/** What a program of its own has at hand; what it opens here is closed behind it. */
export interface Kit {
  see: See;
  create(options?: http.ServerOptions, app?: App): http.Server;
  /** Listens on a free loopback port. */
  listen(server: http.Server): Promise<number>;
  connect(port: number): Promise<net.Socket>;
  /** A request by Node's client on a connection of its own; its body as text. */
  fetch(port: number, options?: http.RequestOptions, body?: string | Buffer): Promise<{ res: http.IncomingMessage; text: string }>;
  /** The next event of an emitter, whatever it is ('error' too). */
  next(emitter: object, event: string): Promise<unknown[]>;
}

export interface Table {
  subject: string;
  scenarios: Scenario[];
}

/** A request head with a Host field. */
export function head(line: string, ...fields: string[]): string {
  return [`${line} HTTP/1.1`, 'Host: a', ...fields].join('\r\n') + '\r\n\r\n';
}

/** A GET behind which the server closes. */
export const get = (target = '/', ...fields: string[]): string => head(`GET ${target}`, 'Connection: close', ...fields);
/** A GET on a connection that stays. */
export const getMore = (target = '/', ...fields: string[]): string => head(`GET ${target}`, ...fields);
/** A POST with a length, behind which the server closes. */
export const post = (body: string, ...fields: string[]): string =>
  head('POST /', 'Connection: close', `Content-Length: ${body.length}`, ...fields) + body;
/** A POST in chunks; trailers as whole lines. */
export function chunked(pieces: string[], trailers: string[] = [], ...fields: string[]): string {
  const chunks = pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`).join('');
  const tail = trailers.map((line) => `${line}\r\n`).join('');
  return `${head('POST /', 'Connection: close', 'Transfer-Encoding: chunked', ...fields)}${chunks}0\r\n${tail}\r\n`;
}

/** Reads the body, notes it, answers with `ok`. */
export const readAndAnswer: App = (req, res, see) => {
  let text = '';
  req.setEncoding('latin1');
  req.on('data', (piece: string) => (text += piece));
  req.on('end', () => {
    see(`body ${text}`);
    res.end('ok');
  });
};

/** Does something that may throw and notes how it went. */
export function attempt(see: See, label: string, action: () => unknown): void {
  try {
    see(`${label}: ${describe(action())}`);
  } catch (error) {
    see(`${label}: ${describeError(error)}`);
  }
}

export function describeError(error: unknown): string {
  const { name, code, message } = error as NodeJS.ErrnoException;
  return `${name} ${code ?? '-'} ${message}`;
}

function describe(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (typeof value === 'object') return Array.isArray(value) ? JSON.stringify(value) : value.constructor.name;
  return typeof value === 'function' ? 'function' : JSON.stringify(value);
}

/** A socket's events as a listener that came with its first request hears them, behind those of node:http and of the response. */
const socketEvents = ['end', 'error', 'timeout', 'close'];

export function listenTo(socket: net.Socket, see: See): void {
  for (const event of socketEvents) {
    socket.on(event, (value: unknown) => see(`socket ${event}${value instanceof Error ? ` ${describeError(value)}` : ''}`));
  }
}
