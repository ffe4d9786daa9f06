/** The server object: listening, closing, timeouts, properties. */
import * as http from 'node:http';
import * as net from 'node:net';
import type { AddressInfo } from 'node:net';
import { attempt, describeError, get, getMore, head, type Kit, type Scenario, type Table } from '../scenario';

type Row = [name: string, program: (kit: Kit) => Promise<void>];

const facts = (server: http.Server): string => {
  const address = server.address();
  return `listening ${server.listening}, address ${address === null ? 'null' : JSON.stringify(Object.keys(address))}`;
};

const lifecycle: Row[] = [
  [
    'before, during and after',
    async ({ create, listen, see, next }) => {
      const server = create();
      see(facts(server));
      await listen(server);
      see(facts(server));
      const closed = next(server, 'close');
      see(String(server.close() === server));
      see(facts(server));
      await closed;
      see(facts(server));
    },
  ],
  [
    'listen binds before it returns',
    async ({ create, see, next }) => {
      const server = create();
      see(String(server.listen(0) === server));
      see(facts(server));
      await next(server, 'listening');
      see(facts(server));
    },
  ],
  [
    'the callback of listen is a listener of its event',
    async ({ create, see, next }) => {
      const server = create();
      server.on('listening', () => see('first'));
      server.listen(0, '127.0.0.1', function (this: unknown) {
        see(`callback ${String(this === server)}`);
      });
      server.on('listening', () => see('second'));
      await next(server, 'listening');
    },
  ],
  [
    'close of what is not open',
    async ({ create, see, next }) => {
      const server = create();
      server.close((error) => see(error ? describeError(error) : 'well'));
      await next(server, 'close');
    },
  ],
  [
    'close twice',
    async ({ create, listen, see, next }) => {
      const server = create();
      await listen(server);
      const closed = next(server, 'close');
      server.close((error) => see(`first ${error ? describeError(error) : 'well'}`));
      server.close((error) => see(`second ${error ? describeError(error) : 'well'}`));
      await closed;
    },
  ],
  [
    'listen twice',
    async ({ create, listen, see }) => {
      const server = create();
      await listen(server);
      attempt(see, 'listen', () => server.listen(0) === server);
    },
  ],
  [
    'listen again after close',
    async ({ create, listen, see, next, fetch }) => {
      const server = create({}, (_req, res) => res.end('again'));
      await listen(server);
      const closed = next(server, 'close');
      server.close();
      await closed;
      const port = await listen(server);
      see((await fetch(port)).text);
    },
  ],
  [
    'a server that failed may try again',
    async ({ create, listen, see, next, fetch }) => {
      const port = await listen(create());
      const other = create({}, (_req, res) => res.end('other'));
      other.listen(port, '127.0.0.1');
      await next(other, 'error');
      see((await fetch(await listen(other))).text);
    },
  ],
  [
    'options of listen with foreign keys',
    async ({ create, see, next }) => {
      const server = create();
      server.listen({ port: 0, host: '127.0.0.1', cb: 1, exclusive: false } as net.ListenOptions);
      await next(server, 'listening');
      see(facts(server));
    },
  ],
  [
    'listen by a signal',
    async ({ create, see, next }) => {
      const server = create();
      const controller = new AbortController();
      server.listen({ port: 0, host: '127.0.0.1', signal: controller.signal });
      await next(server, 'listening');
      controller.abort();
      await next(server, 'close');
      see(facts(server));
    },
  ],
  [
    'the address names the family',
    async ({ create, listen, see }) => {
      const server = create();
      await listen(server);
      const { address, family, port } = server.address() as AddressInfo;
      see(`${address} ${family} ${typeof port}`);
    },
  ],
  [
    'IPv6',
    async ({ create, see, next }) => {
      const server = create();
      server.listen(0, '::1');
      await next(server, 'listening');
      const { address, family } = server.address() as AddressInfo;
      see(`${address} ${family}`);
    },
  ],
  [
    'no host at all',
    async ({ create, see, next }) => {
      const server = create();
      server.listen(0);
      await next(server, 'listening');
      const { address, family } = server.address() as AddressInfo;
      see(`${address} ${family}`);
    },
  ],
  [
    'localhost',
    async ({ create, see, next }) => {
      const server = create();
      server.listen(0, 'localhost');
      await next(server, 'listening');
      see((server.address() as AddressInfo).address);
    },
  ],
  [
    'a host that does not exist',
    async ({ create, see, next }) => {
      const server = create();
      server.listen(0, '192.0.2.1');
      const [error] = (await next(server, 'error')) as [NodeJS.ErrnoException];
      see(`${error.code} ${error.syscall}`);
    },
  ],
  [
    'getConnections',
    async ({ create, listen, see, connect, next }) => {
      const server = create();
      const port = await listen(server);
      const connected = next(server, 'connection');
      const socket = await connect(port);
      socket.write(getMore());
      await connected;
      await new Promise<void>((resolve) => server.getConnections((error, count) => resolve(see(`${String(error)} ${count}`))));
    },
  ],
  [
    'ref and unref return the server',
    async ({ create, listen, see }) => {
      const server = create();
      see(`${server.ref() === server} ${server.unref() === server} ${server.ref() === server}`);
      await listen(server);
      see(`${server.unref() === server} ${server.ref() === server}`);
    },
  ],
  [
    'defaults of the properties',
    async ({ create, see }) => {
      const server = create();
      for (const name of [
        'timeout',
        'keepAliveTimeout',
        'requestTimeout',
        'headersTimeout',
        'maxHeadersCount',
        'maxRequestsPerSocket',
        'maxConnections',
        'allowHalfOpen',
        'httpAllowHalfOpen',
        'connectionsCheckingInterval',
        'joinDuplicateHeaders',
        'requireHostHeader',
        'rejectNonStandardBodyWrites',
        'noDelay',
        'keepAlive',
        'pauseOnConnect',
      ]) {
        attempt(see, name, () => (server as unknown as Record<string, unknown>)[name]);
      }
    },
  ],
  [
    'options become properties',
    async ({ create, see }) => {
      const server = create({
        requestTimeout: 5000,
        headersTimeout: 4000,
        keepAliveTimeout: 3000,
        connectionsCheckingInterval: 2000,
        joinDuplicateHeaders: true,
      });
      for (const name of ['requestTimeout', 'headersTimeout', 'keepAliveTimeout', 'connectionsCheckingInterval', 'joinDuplicateHeaders']) {
        attempt(see, name, () => (server as unknown as Record<string, unknown>)[name]);
      }
    },
  ],
  [
    'setTimeout',
    async ({ create, see }) => {
      const server = create();
      see(String(server.setTimeout(1000, () => undefined) === server));
      see(`${server.timeout} ${server.listenerCount('timeout')}`);
    },
  ],
  [
    'a socket that times out',
    async ({ create, listen, see, connect, next }) => {
      const server = create({}, () => undefined);
      server.setTimeout(50, (socket) => {
        see(`timeout ${String((socket as net.Socket).timeout)}`);
        (socket as net.Socket).destroy();
      });
      const socket = await connect(await listen(server));
      socket.resume().write(getMore());
      await next(socket, 'close');
    },
  ],
  [
    'a response that times out',
    async ({ create, listen, see, connect, next }) => {
      const server = create({}, (_req, res) => {
        res.setTimeout(50, () => {
          see('response timeout');
          res.end('late');
        });
      });
      const socket = await connect(await listen(server));
      let text = '';
      socket.on('data', (piece) => (text += String(piece)));
      socket.write(get());
      await next(socket, 'end');
      see(text.split('\r\n')[0] ?? '');
    },
  ],
  [
    'a request that times out',
    async ({ create, listen, see, connect, next }) => {
      const server = create({}, (req, res) => {
        req.setTimeout(50, () => {
          see('request timeout');
          res.end('late');
        });
      });
      const socket = await connect(await listen(server));
      socket.write(head('POST /', 'Content-Length: 5', 'Connection: close') + 'ab');
      socket.resume();
      await next(socket, 'end');
    },
  ],
  [
    'event names and listeners a server starts with',
    async ({ create, see }) => {
      const server = create({}, () => undefined);
      see(
        `${server.listenerCount('request')} ${server.listeners('request').length} ${server.listenerCount('upgrade')} ${server.listenerCount('clientError')} ${server.listenerCount('error')}`,
      );
      see(`${server instanceof http.Server} ${server instanceof net.Server}`);
    },
  ],
  [
    'asyncDispose',
    async ({ create, listen, see }) => {
      const server = create();
      await listen(server);
      server.on('close', () => see('close'));
      const dispose = (server as unknown as Record<symbol, (() => Promise<void>) | undefined>)[
        (Symbol as { asyncDispose?: symbol }).asyncDispose ?? Symbol.for('nodejs.asyncDispose')
      ];
      see(typeof dispose);
      await dispose?.call(server);
      see(facts(server));
    },
  ],
];

const clientErrors: Scenario[] = [
  ['a malformed request line', 'garbage\r\n\r\n'],
  ['a bad method', 'GE\x01T / HTTP/1.1\r\n\r\n'],
  ['a bad version', 'GET / HTTP/9.9\r\nHost: a\r\n\r\n'],
  ['a bad field name', 'GET / HTTP/1.1\r\nHost: a\r\nX A: b\r\n\r\n'],
  ['a bad Content-Length', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n'],
  ['two Content-Lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'],
  ['a length and chunks', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n'],
  ['a head that is too long', `GET / HTTP/1.1\r\nHost: a\r\nX-A: ${'x'.repeat(20_000)}\r\n\r\n`],
  ['a bad chunk size', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n'],
].map(([name, bytes]): Scenario => ({
  name: `nobody listens: ${name}`,
  app: (req) => void req.on('error', () => undefined),
  client: [bytes!],
}));

export const servers: Table = {
  subject: 'servers',
  scenarios: [
    ...lifecycle.map(([name, program]) => ({ name, program })),
    ...clientErrors,
    {
      name: 'headersTimeout',
      options: { headersTimeout: 100, requestTimeout: 100, connectionsCheckingInterval: 30 },
      client: ['GET / HT'],
    },
    {
      name: 'maxHeadersCount',
      setup: (server) => void (server.maxHeadersCount = 3),
      app: (req, res, see) => {
        see(JSON.stringify(req.rawHeaders));
        res.end();
      },
      client: [get('/', 'A: 1', 'B: 2', 'C: 3', 'D: 4')],
    },
    {
      name: 'uniqueHeaders',
      options: { uniqueHeaders: ['x-a', 'X-B'] },
      app: (_req, res) => {
        res.setHeader('X-A', ['1', '2']);
        res.setHeader('X-B', ['1', '2']);
        res.setHeader('X-C', ['1', '2']);
        res.end();
      },
    },
  ],
};
