/** What the options of a server allow, and what becomes of a client that goes beyond them. */
import type * as net from 'node:net';
import { attempt, describeError, get, getMore, head, readAndAnswer, type App, type Scenario, type Table } from '../scenario';

const echo: App = (req, res) => void res.end(req.url);
const quick = { headersTimeout: 200, requestTimeout: 200, connectionsCheckingInterval: 30 };
const line = (length: number): string => get('/', `X-A: ${'x'.repeat(length)}`);

const hosts: Scenario[] = [true, false].flatMap((requireHostHeader): Scenario[] => [
  {
    name: `requireHostHeader ${requireHostHeader}: HTTP/1.1 without Host`,
    options: { requireHostHeader },
    app: echo,
    client: ['GET /a HTTP/1.1\r\nConnection: close\r\n\r\n'],
  },
  {
    name: `requireHostHeader ${requireHostHeader}: HTTP/1.0 without Host`,
    options: { requireHostHeader },
    app: echo,
    client: ['GET /a HTTP/1.0\r\n\r\n'],
  },
  {
    name: `requireHostHeader ${requireHostHeader}: an empty Host`,
    options: { requireHostHeader },
    app: echo,
    client: ['GET /a HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n'],
  },
]);

const idle: Scenario[] = [
  {
    name: 'keepAliveTimeout: the connection ends by itself',
    options: { keepAliveTimeout: 1000 },
    app: echo,
    client: [getMore('/1'), { await: '/1' }],
  },
  {
    name: 'keepAliveTimeout that is longer than the next request takes',
    options: { keepAliveTimeout: 9000 },
    app: echo,
    client: [getMore('/1'), { await: '/1' }, get('/2')],
  },
  { name: 'keepAliveTimeout 0', options: { keepAliveTimeout: 0 }, app: echo, client: [getMore('/1'), { await: '/1' }, get('/2')] },
  {
    name: 'keepAliveTimeout set behind listen',
    options: { keepAliveTimeout: 6000 },
    setup: (server) => void server.on('listening', () => (server.keepAliveTimeout = 7000)),
    app: echo,
    client: [getMore('/1'), { await: '/1' }, get('/2')],
  },
  ...[1, 2, 3].map((count): Scenario => ({
    name: `maxRequestsPerSocket ${count}, one after the other`,
    setup: (server, see) => {
      server.maxRequestsPerSocket = count;
      server.on('dropRequest', (req) => see(`dropRequest ${req.url}`));
    },
    app: echo,
    client: [getMore('/1'), { await: '/1' }, getMore('/2'), { await: 2 }, getMore('/3'), { await: 3 }, 'FIN'],
  })),
  {
    name: 'maxRequestsPerSocket, a client that closes',
    setup: (server) => void (server.maxRequestsPerSocket = 2),
    app: echo,
    client: [getMore('/1'), { await: '/1' }, get('/2')],
  },
  {
    name: 'maxRequestsPerSocket, HTTP/1.0',
    setup: (server) => void (server.maxRequestsPerSocket = 1),
    app: echo,
    client: ['GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n', { await: '/1' }, 'FIN'],
  },
];

const timeouts: Scenario[] = [
  { name: 'headersTimeout: half a head', options: quick, client: ['GET / HTTP/1.1\r\nHo'] },
  { name: 'headersTimeout behind a request', options: quick, app: echo, client: [getMore('/1'), { await: '/1' }, 'GET / HT'] },
  {
    name: 'requestTimeout: half a body',
    options: quick,
    app: (req, _res, see) => {
      req.on('error', (error) => see(`error ${describeError(error)}`));
      req.resume();
    },
    client: [head('POST /', 'Content-Length: 10') + 'half'],
    until: ['error'],
  },
  {
    name: "requestTimeout: half a body, and a listener of 'clientError'",
    options: quick,
    setup: (server, see) => {
      server.on('clientError', (error, socket) => {
        see(describeError(error));
        socket.end('HTTP/1.1 408 Mine\r\nConnection: close\r\n\r\n');
      });
    },
    app: (req) => void req.on('error', () => undefined).resume(),
    client: [head('POST /', 'Content-Length: 10') + 'half'],
  },
  {
    name: 'requestTimeout: the request is answered before',
    options: { ...quick, requestTimeout: 2000, headersTimeout: 2000 },
    app: (req, res) => void req.once('data', () => res.end('early')),
    client: [head('POST /', 'Content-Length: 10', 'Connection: close') + 'half', { await: 'early' }, ' other', 'FIN'],
    anyEnd: true,
  },
  {
    name: "'timeout' of socket, request, response and server, in order",
    setup: (server, see) => {
      server.setTimeout(60, (socket) => {
        see('server timeout');
        (socket as unknown as net.Socket).destroy();
      });
    },
    app: (req, res, see) => {
      req.on('timeout', () => see('request timeout'));
      res.on('timeout', () => see('response timeout'));
      req.socket.on('timeout', () => see('socket timeout'));
    },
    client: [head('POST /', 'Content-Length: 5') + 'ab'],
  },
  {
    name: "'timeout' when nobody listens",
    setup: (server) => void server.setTimeout(60),
    app: (_req, res, see) => void res.on('close', () => see('response close')),
    client: [getMore()],
    until: ['response close'],
  },
  {
    name: "'timeout' between requests",
    setup: (server, see) =>
      void server.setTimeout(60, (socket) => {
        see('server timeout');
        (socket as unknown as net.Socket).destroy();
      }),
    options: { keepAliveTimeout: 0 },
    app: echo,
    client: [getMore('/1'), { await: '/1' }],
  },
];

const heads: Scenario[] = [
  { name: 'maxHeaderSize 1000: a head below', options: { maxHeaderSize: 1000 }, app: echo, client: [line(800)] },
  { name: 'maxHeaderSize 1000: a head beyond', options: { maxHeaderSize: 1000 }, app: echo, client: [line(1100)] },
  { name: 'maxHeaderSize 40000: a head below', options: { maxHeaderSize: 40_000 }, app: echo, client: [line(30_000)] },
  { name: 'maxHeaderSize 40000: a head beyond', options: { maxHeaderSize: 40_000 }, app: echo, client: [line(50_000)] },
  {
    name: "maxHeaderSize and 'clientError'",
    options: { maxHeaderSize: 1000 },
    setup: (server, see) => {
      server.on('clientError', (error, socket) => {
        see(describeError(error));
        socket.end('HTTP/1.1 431 Mine\r\nConnection: close\r\n\r\n');
      });
    },
    client: [line(1100)],
  },
];

const connections: Scenario[] = [
  {
    name: "maxConnections: 'drop' of the one beyond",
    program: async ({ create, listen, connect, see, next }) => {
      const server = create({}, (_req, res) => res.end());
      server.maxConnections = 1;
      const port = await listen(server);
      const first = await connect(port);
      first.write(getMore());
      await next(first, 'data');
      const dropped = next(server, 'drop');
      const second = await connect(port);
      second.resume().write(get());
      const [data] = (await dropped) as [Record<string, unknown>];
      see(`${Object.keys(data).sort().join()} ${String(data.localFamily)}`);
      await next(second, 'close');
      first.write(get());
      await next(first, 'close');
    },
  },
];

const marks: Scenario[] = [1000, 100_000].map((highWaterMark) => ({
  name: `highWaterMark ${highWaterMark}`,
  options: { highWaterMark },
  app: (req, res, see) => {
    see(`request ${req.readableHighWaterMark}, response ${res.writableHighWaterMark}, socket ${req.socket.writableHighWaterMark}`);
    see(`write ${res.write('x'.repeat(2000))}, needs drain ${res.writableNeedDrain}`);
    const end = (): void => void res.end();
    if (res.writableNeedDrain) {
      res.once('drain', () => {
        see('drain');
        end();
      });
    } else end();
  },
}));

const bad: [string, object][] = [
  ['requestTimeout', { requestTimeout: -1 }],
  ['requestTimeout as text', { requestTimeout: '1' }],
  ['headersTimeout', { headersTimeout: -1 }],
  ['headersTimeout beyond requestTimeout', { headersTimeout: 2000, requestTimeout: 1000 }],
  ['keepAliveTimeout', { keepAliveTimeout: -1 }],
  ['connectionsCheckingInterval', { connectionsCheckingInterval: -1 }],
  ['maxHeaderSize', { maxHeaderSize: -1 }],
  ['maxHeaderSize as text', { maxHeaderSize: '1' }],
  ['requireHostHeader', { requireHostHeader: 1 }],
  ['joinDuplicateHeaders', { joinDuplicateHeaders: 'yes' }],
  ['noDelay', { noDelay: 'yes' }],
  ['highWaterMark', { highWaterMark: -1 }],
  ['rejectNonStandardBodyWrites', { rejectNonStandardBodyWrites: 1 }],
  ['uniqueHeaders', { uniqueHeaders: 'a' }],
  ['IncomingMessage', { IncomingMessage: 1 }],
];

export const limits: Table = {
  subject: 'limits and timeouts',
  scenarios: [
    ...hosts,
    ...idle,
    ...timeouts,
    ...heads,
    ...connections,
    ...marks,
    ...bad.map(([name, options]): Scenario => ({
      name: `a bad option: ${name}`,
      program: async ({ create, see }) => attempt(see, name, () => create(options) !== null),
    })),
    {
      name: 'a body that is read within its limits',
      options: { requestTimeout: 5000 },
      app: readAndAnswer,
      client: [head('POST /', 'Connection: close', 'Content-Length: 3') + 'abc'],
    },
  ],
};
