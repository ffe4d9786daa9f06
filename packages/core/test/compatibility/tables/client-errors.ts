/** 'clientError': codes, texts, what the error carries, and what the program may do with the socket. */
import type * as http from 'node:http';
import type * as net from 'node:net';
import { describeError, get, getMore, head, post, type Scenario, type See, type Table } from '../scenario';

type Problem = Error & { code?: string; reason?: string; bytesParsed?: number; rawPacket?: Buffer };
type Answer = (socket: net.Socket, see: See, error: Problem) => void;

const page: Answer = (socket) => void socket.end('HTTP/1.1 499 Mine\r\nContent-Length: 4\r\nConnection: close\r\n\r\nmine');

/** A server that notes its malformed clients and answers them. */
const hearing = (answer: Answer = page): Pick<Scenario, 'setup' | 'app'> => ({
  setup: (server, see) => {
    server.on('clientError', (error: Problem, socket) => {
      see(`clientError ${error.code} ${error.constructor.name}`);
      see(
        `writable ${(socket as net.Socket).writable}, packet ${error.rawPacket === undefined ? 'none' : 'there'}, parsed ${typeof error.bytesParsed}`,
      );
      answer(socket as net.Socket, see, error);
    });
  },
  app: (req, res, see) => {
    see(`request ${req.url}`);
    req.on('error', (error) => see(`request error ${describeError(error)}`));
    req.resume();
    req.on('end', () => res.end(req.url));
  },
});

/** What answers the request under way of each server. */
const lateAnswers = new WeakMap<http.Server, () => void>();

const malformed: [string, string][] = [
  ['no request line', 'garbage\r\n\r\n'],
  ['a control character in the method', 'G\x01T / HTTP/1.1\r\n\r\n'],
  ['a field name with a space', 'GET / HTTP/1.1\r\nHost: a\r\nX A: b\r\n\r\n'],
  ['a field without a colon', 'GET / HTTP/1.1\r\nHost: a\r\nXA\r\n\r\n'],
  ['a Content-Length that is no number', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n'],
  ['two Content-Lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'],
  ['a length and chunks', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n'],
  ['a head that is too long', `GET / HTTP/1.1\r\nHost: a\r\nX-A: ${'x'.repeat(20_000)}\r\n\r\n`],
  ['a chunk size that is no number', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n'],
  ['a version that does not exist', 'GET / HTTP/2.5\r\nHost: a\r\n\r\n'],
];

const acts: Scenario[] = [
  { name: 'the socket is destroyed', ...hearing((socket) => void socket.destroy()), client: ['garbage\r\n\r\n'], anyEnd: true },
  {
    name: 'the answer is written in pieces',
    ...hearing((socket) => {
      socket.write('HTTP/1.1 499 Mine\r\n');
      socket.write('Connection: close\r\n');
      setImmediate(() => socket.end('\r\n'));
    }),
    client: ['garbage\r\n\r\n'],
  },
  {
    name: 'the answer is binary',
    ...hearing((socket) => void socket.end(Buffer.from('HTTP/1.1 499 \xe4\r\nConnection: close\r\n\r\n', 'latin1'))),
    client: ['garbage\r\n\r\n'],
  },
  {
    name: 'what Fastify does: write, then destroy',
    ...hearing((socket, _see, error) => {
      socket.write('HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\n{}');
      socket.destroy(error);
    }),
    client: ['garbage\r\n\r\n'],
    anyEnd: true,
  },
  {
    name: 'events of the socket',
    ...hearing((socket, see) => {
      for (const event of ['finish', 'close']) socket.on(event, () => see(`socket ${event}`));
      page(socket, see, new Error());
    }),
    client: ['garbage\r\n\r\n', { await: 'mine' }, 'FIN'],
    until: ['socket close'],
  },
  {
    name: 'two listeners',
    setup: (server, see) => {
      server.on('clientError', () => see('first'));
      server.on('clientError', (_error, socket) => {
        see('second');
        socket.destroy();
      });
    },
    client: ['garbage\r\n\r\n'],
    anyEnd: true,
  },
  {
    name: 'a malformed request behind a good one',
    ...hearing(),
    client: [getMore('/1'), { await: '/1' }, 'garbage\r\n\r\n'],
  },
  { name: 'a good one is none', ...hearing(), client: [get('/fine')] },
  {
    name: 'the client ends in its head',
    ...hearing(),
    client: ['GET / HT', 'FIN'],
  },
  {
    name: 'the client ends in its body',
    ...hearing(),
    client: [head('POST /', 'Content-Length: 5') + 'ab', { seen: 'request' }, 'FIN'],
    until: ['request error'],
    unordered: true,
  },
  {
    name: 'the client ends in its body, and the response of its request answers',
    setup: (server) => server.on('clientError', () => lateAnswers.get(server)!()),
    app: (req, res, see) => {
      see('request');
      req.resume();
      lateAnswers.set((req.socket as unknown as { server: http.Server }).server, () => {
        res.writeHead(400, { Connection: 'close', 'X-Late': '1' });
        res.write('la');
        res.end('te');
      });
    },
    events: ['res'],
    client: [head('POST /', 'Content-Length: 5') + 'ab', { seen: 'request' }, 'FIN'],
    until: ['res close'],
  },
  {
    name: 'the client resets in its body',
    ...hearing((_socket, see) => see('nothing to do')),
    client: [head('POST /', 'Content-Length: 5') + 'ab', { seen: 'request' }, 'RST'],
    until: ['request error', 'clientError'],
    unordered: true,
  },
  {
    name: 'the client resets while it waits',
    ...hearing((_socket, see) => see('nothing to do')),
    app: (_req, res, see) => {
      see('request');
      res.on('close', () => see('response close'));
    },
    client: [getMore(), { seen: 'request' }, 'RST'],
    until: ['response close', 'clientError'],
    unordered: true,
  },
  { name: 'a body is read as always', ...hearing(), client: [post('abc')] },
];

export const clientErrors: Table = {
  subject: 'clientError',
  scenarios: [...malformed.map(([name, bytes]): Scenario => ({ name, ...hearing(), client: [bytes] })), ...acts],
};
