/**
 * Sends one byte stream to a server and tells what the server made of it. Behind the stream comes a last request of our own, so that a
 * server that took the stream in as whole messages ends the connection, and one that lost count shows what it did with that request.
 */
import * as http from 'node:http';
import * as net from 'node:net';
import type { ByteStream } from './byte-streams';

/** What a listener saw of one request. */
export interface SeenRequest {
  method: string;
  url: string;
  httpVersion: string;
  rawHeaders: string[];
  headers: Record<string, unknown>;
  /** Latin-1. */
  body: string;
  trailers: Record<string, unknown>;
  rawTrailers: string[];
}

export interface Outcome {
  requests: SeenRequest[];
  /** `whole`: our own last request was answered. `closed`: an answer said close. `refused`: an error answer, a reset or a timeout. */
  end: 'whole' | 'closed' | 'refused';
  /** Status of the error answer that ended it; 0 when there was none. */
  status: number;
}

const seenField = 'x-seen';
const lastTarget = '/last-of-the-stream';
const lastRequest = Buffer.from(`GET ${lastTarget} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
/** The servers time requests out after two seconds; this only guards against a connection that nobody ends. */
const deadline = 30_000;
/** Error pages and answers together are far below this. */
const answerBytesMax = 4 * 1024 * 1024;

/** Answers each request with what it was, in a header field, so that HEAD tells as much as GET. */
export const describeRequest: http.RequestListener = (req, res) => {
  const pieces: Buffer[] = [];
  req.on('data', (piece: Buffer) => pieces.push(piece));
  req.on('error', () => undefined);
  req.on('end', () => {
    const seen: SeenRequest = {
      method: req.method ?? '',
      url: req.url ?? '',
      httpVersion: req.httpVersion,
      rawHeaders: req.rawHeaders,
      headers: { ...req.headers },
      body: Buffer.concat(pieces).toString('latin1'),
      trailers: { ...req.trailers },
      rawTrailers: req.rawTrailers,
    };
    res.setHeader(seenField, Buffer.from(JSON.stringify(seen)).toString('base64'));
    res.setHeader('Content-Length', 0);
    res.end();
  });
};

interface Answer {
  status: number;
  seen?: SeenRequest;
  close: boolean;
}

/** Cuts the answers out of what came: ours have no body, an error answer is the last. */
function readAnswers(text: string): Answer[] {
  const answers: Answer[] = [];
  let at = 0;
  while (at < text.length) {
    const end = text.indexOf('\r\n\r\n', at);
    if (end < 0) break;
    const [statusLine, ...lines] = text.slice(at, end).split('\r\n');
    at = end + 4;
    const fields = new Map(
      lines.map((line): [string, string] => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    );
    const status = Number(/^HTTP\/1\.[01] (\d{3}) /.exec(`${statusLine} `)?.[1] ?? NaN);
    if (Number.isNaN(status)) throw new Error(`not a status line: ${JSON.stringify(statusLine)}`);
    if (status < 200) continue;
    const seen = fields.get(seenField);
    answers.push({
      status,
      seen: seen === undefined ? undefined : (JSON.parse(Buffer.from(seen, 'base64').toString()) as SeenRequest),
      close: /\bclose\b/i.test(fields.get('connection') ?? ''),
    });
    if (seen === undefined) break;
  }
  return answers;
}

function outcomeOf(text: string): Outcome {
  const answers = readAnswers(text);
  const requests = answers.flatMap((answer) => (answer.seen ? [answer.seen] : []));
  const last = answers.at(-1);
  // Bytes that were left over can become part of its method; then it is no longer ours.
  if (last?.seen?.url === lastTarget && last.seen.method === 'GET') return { requests: requests.slice(0, -1), end: 'whole', status: 0 };
  if (last?.seen && last.close) return { requests, end: 'closed', status: 0 };
  return { requests, end: 'refused', status: last && !last.seen ? last.status : 0 };
}

/** Sends the stream, in pieces of `pieceBytes`, and resolves when the server has ended the connection. */
export function sendStream(port: number, stream: ByteStream, pieceBytes = Infinity): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const bytes = stream.closing ? stream.bytes : Buffer.concat([stream.bytes, lastRequest]);
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    let text = '';
    let sent = 0;
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`${stream.name}: the connection was not ended; got ${JSON.stringify(text.slice(0, 200))}`));
    }, deadline);
    const sendNext = (): void => {
      if (sent >= bytes.length || socket.destroyed) return;
      const piece = bytes.subarray(sent, Math.min(sent + pieceBytes, bytes.length));
      sent += piece.length;
      socket.write(piece, () => setImmediate(sendNext));
    };
    socket.on('connect', sendNext);
    socket.on('data', (piece: Buffer) => {
      text += piece.toString('latin1');
      if (text.length > answerBytesMax) socket.destroy(new Error('too much of an answer'));
    });
    // A server that refuses may reset what it has not read: that is an outcome, not a failure.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      try {
        resolve(outcomeOf(text));
      } catch (error) {
        reject(new Error(`${stream.name}: ${(error as Error).message}`));
      }
    });
  });
}

/** Sends all streams, `concurrency` connections at a time, and gives their outcomes in order. */
export async function sendAll(
  port: number,
  streams: ByteStream[],
  concurrency: number,
  pieceBytes?: (n: number) => number,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = new Array<Outcome>(streams.length);
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let n = next++; n < streams.length; n = next++) outcomes[n] = await sendStream(port, streams[n]!, pieceBytes?.(n));
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return outcomes;
}
