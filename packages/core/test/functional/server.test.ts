import { test } from 'node:test';
import * as assert from 'node:assert/strict';
import * as http from 'node:http';
import * as net from 'node:net';
import { spawn } from 'node:child_process';
import type { AddressInfo, Socket } from 'node:net';
import {
  anyHost,
  createServer,
  engine,
  engineOption,
  features,
  listen,
  listening,
  loadCore,
  onFreePort,
  serve,
  shutDown,
  unless,
} from '../support/engine';
import { RawClient, fetchOnce } from '../support/client';
import { privateRuntime, startChild } from '../support/child';
import { sameAsNode } from '../support/differences';
import { deferred, eventually, nextEvent, within } from '../support/poll';

const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
const ports = unless(engine !== 'service', 'the service takes URL prefixes, ports go to the embedded engine');

test('classes: a server is an http.Server', () => {
  const server = createServer();
  assert.ok(server instanceof http.Server);
  assert.ok(server instanceof net.Server);
  assert.equal(server.listening, false);
  assert.equal(server.address(), null);
});

test('a class that inherits from Server has methods of its own, whatever their names', async (t) => {
  const called: string[] = [];
  const Base = engine === 'node' ? http.Server : (loadCore().Server as typeof http.Server);
  class Site extends Base {
    start(): void {
      called.push('start');
    }
    open(): void {
      called.push('open');
    }
    queues(): void {
      called.push('queues');
    }
    tune(): void {
      called.push('tune');
    }
  }
  const server = new Site({ ...engineOption } as http.ServerOptions, (_req: http.IncomingMessage, res: http.ServerResponse) =>
    res.end('ok'),
  );
  t.after(() => shutDown(server));
  const port = await listen(server);
  assert.equal((await fetchOnce(port, '/')).text, 'ok');
  const closed = nextEvent(server, 'close');
  server.close();
  await closed;
  assert.deepEqual(called, []);
});

test('listen(0) binds before it returns, as old supertest needs it', ports, async (t) => {
  const server = createServer({}, (_req, res) => res.end('ok'));
  t.after(() => shutDown(server));
  assert.equal(server.listen(0), server);
  const address = server.address() as AddressInfo;
  assert.ok(address.port > 0);
  assert.match(address.family, /^IPv[46]$/);
  assert.equal(server.listening, true);
  assert.equal((await fetchOnce(address.port, '/')).text, 'ok');
});

test('_handle says whether there is a listener, which packages ask before they close a server', ports, async (t) => {
  const server = createServer();
  t.after(() => shutDown(server));
  const handle = (): unknown => (server as unknown as { _handle: unknown })._handle;
  assert.equal(handle(), null);
  server.listen(0);
  assert.ok(handle());
  await nextEvent(server, 'listening');
  const closed = nextEvent(server, 'close');
  server.close();
  await closed;
  assert.equal(handle(), null);
});

test(
  'a server that is sent to another process is refused, for its listener is no handle',
  unless(engine === 'embedded', 'node:http sends it; the service has no port'),
  async (t) => {
    const server = createServer();
    t.after(() => shutDown(server));
    await listening(server, 0);
    const child = spawn(process.execPath, ['-e', 'process.on("message", () => {})'], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    t.after(() => child.kill());
    const error = await new Promise<Error | null>((resolve) => child.send('server', server, resolve));
    assert.equal((error as NodeJS.ErrnoException | null)?.code, 'EBADF');
  },
);

const forms: [name: string, target: (port: number) => unknown[]][] = [
  ['(port, cb)', (port) => [port]],
  ['(port, host, cb)', (port) => [port, '127.0.0.1']],
  ['(port, null, cb)', (port) => [port, null]],
  ['(port, host, backlog, cb)', (port) => [port, '127.0.0.1', 64]],
  ['(port, backlog, cb)', (port) => [port, 64]],
  ['(port as a string, cb)', (port) => [String(port)]],
  ['({ port })', (port) => [{ port }]],
  ['({ port, host, backlog, foreign keys })', (port) => [{ port, host: '127.0.0.1', backlog: 10, cb: 1, strange: {} }]],
  ["(port, 'localhost')", (port) => [port, 'localhost']],
];

for (const [name, target] of forms) {
  test(`listen${name}`, ports, async (t) => {
    await onFreePort(async (port) => {
      const server = createServer({}, (_req, res) => res.end('ok'));
      t.after(() => shutDown(server));
      await listening(server, ...target(port));
      const address = server.address() as AddressInfo;
      assert.equal(address.port, port);
      const where = address.address === '::1' ? '::1' : '127.0.0.1';
      assert.equal((await fetchOnce(port, '/', { address: where })).text, 'ok');
    });
  });
}

test('listen without a port finds a free one', ports, async (t) => {
  const server = createServer({}, (_req, res) => res.end('ok'));
  t.after(() => shutDown(server));
  await listening(server);
  assert.equal((await fetchOnce((server.address() as AddressInfo).port, '/')).text, 'ok');
});

test('an address that is given is the only one bound', ports, async (t) => {
  const server = createServer({}, (_req, res) => res.end('ok'));
  t.after(() => shutDown(server));
  await listening(server, 0, '127.0.0.1');
  const address = server.address() as AddressInfo;
  assert.deepEqual({ ...address, port: 0 }, { address: '127.0.0.1', family: 'IPv4', port: 0 });
  await assert.rejects(RawClient.connect(address.port, '127.0.0.2'), { code: 'ECONNREFUSED' });
});

test('invalid ports throw ERR_SOCKET_BAD_PORT', () => {
  for (const port of [-1, 65_536, 1.5, Number.NaN]) {
    const server = createServer();
    assert.throws(() => server.listen(port), { code: 'ERR_SOCKET_BAD_PORT' }, String(port));
    assert.equal(server.listening, false);
  }
});

test('listen twice is ERR_SERVER_ALREADY_LISTEN', async (t) => {
  const { server, port } = await serve(t, (_req, res) => res.end('ok'));
  assert.throws(() => server.listen(0), { code: 'ERR_SERVER_ALREADY_LISTEN' });
  assert.equal((await fetchOnce(port, '/')).text, 'ok');
});

test("a taken port is 'error' EADDRINUSE, and the server may listen elsewhere afterwards", async (t) => {
  const holder = net.createServer();
  await listening(holder as http.Server, 0);
  t.after(() => holder.close());
  const { port } = holder.address() as AddressInfo;
  const server = createServer({}, (_req, res) => res.end('ok'));
  t.after(() => shutDown(server));
  const error = nextEvent(server, 'error');
  server.listen(engine === 'service' ? (`http://*:${port}/` as never) : port);
  const [failure] = (await error) as [NodeJS.ErrnoException & { port?: number }];
  assert.equal(failure.code, 'EADDRINUSE');
  assert.equal(failure.syscall, 'listen');
  assert.equal(server.listening, false);
  const other = await listen(server);
  assert.equal((await fetchOnce(other, '/')).text, 'ok');
});

test("an address that is not this machine's is EADDRNOTAVAIL", ports, async () => {
  const server = createServer();
  const error = nextEvent(server, 'error');
  server.listen(0, '203.0.113.7');
  assert.equal(((await error)[0] as NodeJS.ErrnoException).code, 'EADDRNOTAVAIL');
});

test('close of a server that is not open tells ERR_SERVER_NOT_RUNNING', async () => {
  const server = createServer();
  const code = await within(
    new Promise((resolve) => server.close((error) => resolve((error as NodeJS.ErrnoException).code))),
    'the callback',
  );
  assert.equal(code, 'ERR_SERVER_NOT_RUNNING');
});

test('close twice tells ERR_SERVER_NOT_RUNNING the second time', async () => {
  const server = createServer();
  await listen(server);
  const results: unknown[] = [];
  await within(
    new Promise<void>((resolve) => {
      server.close((error) => results.push(error ?? null));
      server.close((error) => {
        results.push((error as NodeJS.ErrnoException).code);
        if (results.length === 2) resolve();
      });
      server.on('close', () => results.length === 2 && resolve());
    }),
    'both callbacks',
  );
  assert.deepEqual(results.map(String).sort(), ['ERR_SERVER_NOT_RUNNING', 'null']);
});

test('close refuses new connections, finishes what is under way, then calls back', async (t) => {
  let answer: (() => void) | undefined;
  const server = createServer({}, (_req, res) => (answer = () => res.end('finished')));
  const port = await listen(server);
  t.after(() => server.closeAllConnections());
  const client = await RawClient.connect(port);
  client.send(GET);
  await eventually('the request', () => answer);
  let closed = false;
  server.close(() => (closed = true));
  assert.equal(server.listening, false);
  assert.equal(server.address(), null);
  await eventually('no more connections', async () => {
    const late = await RawClient.connect(port).catch((error: NodeJS.ErrnoException) => error);
    if (late instanceof Error) return late.code === 'ECONNREFUSED' || late.code === 'ECONNRESET';
    late.destroy();
    return false;
  });
  assert.equal(closed, false);
  answer?.();
  const response = await client.response();
  assert.equal(response.text, 'finished');
  await client.closed();
  await eventually('the callback', () => closed);
});

test('close ends idle keep-alive connections', async () => {
  const server = createServer({}, (_req, res) => res.end('ok'));
  const port = await listen(server);
  const client = await RawClient.connect(port);
  await client.exchange(GET);
  const closed = nextEvent(server, 'close');
  server.close();
  await client.closed();
  await closed;
});

test('the server may listen again after close', async () => {
  const server = createServer({}, (_req, res) => res.end('ok'));
  for (let round = 0; round < 3; round++) {
    const port = await listen(server);
    assert.equal((await fetchOnce(port, '/')).text, 'ok');
    await shutDown(server);
    assert.equal(server.listening, false);
  }
});

test('closeIdleConnections ends the idle ones only', async (t) => {
  let answer: (() => void) | undefined;
  const { server, connect } = await serve(t, (req, res) => {
    if (req.url === '/busy') answer = () => res.end('busy');
    else res.end('ok');
  });
  const idle = await connect();
  const busy = await connect();
  await idle.exchange(GET);
  busy.send(GET.replace('/', '/busy'));
  await eventually('the busy request', () => answer);
  server.closeIdleConnections();
  await idle.closed();
  answer?.();
  assert.equal((await busy.response()).text, 'busy');
});

test('closeAllConnections ends busy ones as well', async (t) => {
  let started = false;
  let closed = false;
  const { server, connect } = await serve(t, (_req, res) => {
    started = true;
    res.on('close', () => (closed = true));
  });
  const client = await connect();
  client.send(GET);
  await eventually('the request', () => started);
  server.closeAllConnections();
  await client.closed();
  await eventually("'close' of the response", () => closed);
  assert.equal(server.listening, true);
});

test('getConnections counts', async (t) => {
  const { server, connect } = await serve(t, (_req, res) => res.end('ok'));
  const count = (): Promise<number> =>
    new Promise((resolve, reject) => server.getConnections((error, n) => (error ? reject(error) : resolve(n))));
  assert.equal(await count(), 0);
  const clients = [await connect(), await connect(), await connect()];
  for (const client of clients) await client.exchange(GET);
  assert.equal(await count(), 3);
  clients[0]?.destroy();
  await eventually('two connections', async () => (await count()) === 2);
});

test("'connection' tells the same object that requests have as socket", async (t) => {
  const seen = new Set<Socket>();
  const { server, connect } = await serve(t, (req, res) => res.end(String(seen.has(req.socket))));
  server.on('connection', (socket) => seen.add(socket));
  assert.equal((await (await connect()).exchange(GET)).text, 'true');
  assert.equal((await (await connect()).exchange(GET)).text, 'true');
  assert.equal(seen.size, 2);
});

test('setTimeout and the properties of node:http are there', () => {
  const server = createServer({ keepAliveTimeout: 1234, requestTimeout: 5678, headersTimeout: 4000 });
  assert.equal(server.keepAliveTimeout, 1234);
  assert.equal(server.requestTimeout, 5678);
  assert.equal(server.headersTimeout, 4000);
  assert.equal(typeof server.timeout, 'number');
  assert.equal(server.maxRequestsPerSocket, 0);
  assert.ok('maxHeadersCount' in server);
  assert.equal(
    server.setTimeout(77, () => undefined),
    server,
  );
  assert.equal(server.timeout, 77);
  assert.equal(server.listenerCount('timeout'), 1);
});

test("setTimeout: a socket without life tells 'timeout' of the server", async (t) => {
  const { server, connect } = await serve(t, () => undefined);
  const told = nextEvent(server, 'timeout');
  server.setTimeout(40);
  const client = await connect();
  client.send(GET);
  const [socket] = (await told) as [Socket];
  assert.equal(typeof socket.destroy, 'function');
  socket.destroy();
  await client.closed();
});

test('setTimeout without a listener closes the connection', async (t) => {
  const { server, connect } = await serve(t, () => undefined);
  server.setTimeout(40);
  const client = await connect();
  client.send(GET);
  await client.closed();
});

test('maxRequestsPerSocket: the last response says close', async (t) => {
  const { server, connect } = await serve(t, (_req, res) => res.end('ok'));
  server.maxRequestsPerSocket = 2;
  const client = await connect();
  const first = await client.exchange(GET);
  const second = await client.exchange(GET);
  assert.deepEqual([first.headers.connection, second.headers.connection], ['keep-alive', 'close']);
});

test('a server holds its process; unref lets it go', async (t) => {
  const code = (extra: string): string => `
    const server = createServer((req, res) => res.end('ok'));
    const go = (error) => {
      report({ up: true });
      letGo();
      ${extra}
    };
    ${engine === 'service' ? 'server.listen(`http://*:${process.env.PORT}/`, go);' : 'server.listen(0, "127.0.0.1", go);'}
  `;
  await onFreePort(async (port) => {
    const free = startChild(t, code('server.unref();'), { PORT: String(port) });
    await free.report('up');
    assert.deepEqual(await free.exited(), { code: 0, signal: null });
  });
  await onFreePort(async (port) => {
    const held = startChild(t, code('server.unref(); server.ref(); setTimeout(() => server.close(), 300).unref();'), {
      PORT: String(port),
    });
    await held.report('up');
    assert.deepEqual(await held.exited(), { code: 0, signal: null });
  });
  await onFreePort(async (port) => {
    const closing = startChild(t, code('server.unref(); server.close(() => process.exit(7));'), { PORT: String(port) });
    await closing.report('up');
    assert.deepEqual(await closing.exited(), { code: 7, signal: null }, 'closing is waited for');
  });
});

test('a signal of listen({ signal }) closes the server', ports, async () => {
  const controller = new AbortController();
  const server = createServer({}, (_req, res) => res.end('ok'));
  await listening(server, { port: 0, signal: controller.signal });
  const closed = nextEvent(server, 'close');
  controller.abort();
  await closed;
  assert.equal(server.listening, false);
});

test('free-form properties and an EventEmitter of many listeners', async (t) => {
  const { server, get } = await serve(t, (_req, res) => res.end('ok'));
  const free = server as unknown as { stop: () => string; _pendingSockets: Map<unknown, unknown> };
  free.stop = () => 'stopped';
  free._pendingSockets = new Map();
  assert.equal(free.stop(), 'stopped');
  assert.equal((await get('/')).text, 'ok');
});

test('the listening property cannot be assigned', () => {
  const server = createServer();
  assert.equal(Reflect.set(server, 'listening', true), false);
  assert.equal(server.listening, false);
});

test('address() of a prefix names the port', unless(features.httpsys, 'node:http has no prefixes'), async (t) => {
  const server = createServer({}, (_req, res) => res.end('ok'));
  t.after(() => shutDown(server));
  const port = await listen(server, '/address/');
  const address = server.address() as AddressInfo;
  assert.equal(address.port, port);
  assert.match(address.family, /^IPv[46]$/);
});

test('a listen error without a listener is thrown where node:http throws it', async (t) => {
  const child = startChild(
    t,
    `
    const holder = require('node:net').createServer().listen(0, '127.0.0.1', () => {
      process.on('uncaughtException', (error) => report({ uncaught: error.code }));
      createServer(() => {}).listen(${engine === 'service' ? '`http://127.0.0.1:${holder.address().port}/`' : "holder.address().port, '127.0.0.1'"});
    });
  `,
  );
  assert.equal((await child.report('uncaught')).uncaught, 'EADDRINUSE');
});

test('many servers in one process, each with its own port', async (t) => {
  const servers = await Promise.all(Array.from({ length: 8 }, (_unused, n) => serve(t, (_req, res) => res.end(`server ${n}`))));
  const answers = await Promise.all(servers.map(({ get }) => get('/')));
  assert.deepEqual(
    answers.map((answer) => answer.text),
    servers.map((_unused, n) => `server ${n}`),
  );
});

test('keepAliveTimeout closes an idle connection', async (t) => {
  const { connect } = await serve(t, (_req, res) => res.end('ok'), { keepAliveTimeout: 100 });
  const client = await connect();
  const response = await client.exchange(GET);
  const closed = client.closed(4000).then(
    () => 'closed',
    () => 'open',
  );
  await sameAsNode(
    t,
    'server.keep-alive-timeout',
    async () => assert.equal(await closed, 'closed'),
    () => assert.equal(response.status, 200),
  );
});

test('HTTPSYS_ENGINE chooses where the program does not', unless(features.httpsys, 'node:http has one engine'), async (t) => {
  const code = `
    const server = core().createServer((req, res) => server.queryState().then((state) => res.end(String(state.pid === process.pid || state.pid === undefined))));
    server.on('error', (error) => report({ port: 0, error: error.message }));
    server.listen(Number(process.env.PORT), () => report({ port: server.address().port }));
  `;
  for (const name of ['embedded', 'service']) {
    await onFreePort(async (free) => {
      const child = startChild(t, code, { HTTPSYS_ENGINE: name, PORT: String(free), HTTPSYS_RUNTIME_DIR: privateRuntime(t) });
      const { port, error } = await child.report('port');
      assert.equal(port, free, String(error));
      assert.equal((await fetchOnce(free, '/')).text, String(name === 'embedded'));
    });
  }
  const child = startChild(t, `try { core().createServer().listen(0); } catch (error) { report({ code: error.code }); }`, {
    HTTPSYS_ENGINE: 'kernel',
  });
  assert.equal((await child.report('code')).code, 'ERR_HTTPSYS_ENGINE');
});

test('listen() right after close(): the same address serves again, and the old requests are finished', async (t) => {
  const late = deferred();
  const { server, port, connect } = await serve(t, (req, res) => {
    if (req.url === '/late') void late.promise.then(() => res.end('late'));
    else res.end('now');
  });
  const client = await connect();
  client.send('GET /late HTTP/1.1\r\nHost: x\r\n\r\n');
  await nextEvent(server, 'request');
  let closes = 0;
  server.on('close', () => closes++);
  server.close();
  assert.equal(server.listening, false);
  const again = engine === 'node' || engine === 'embedded' ? [port, '127.0.0.1'] : [`http://${anyHost}:${port}/`];
  await listening(server, ...again);
  assert.equal((await fetchOnce(port, '/')).text, 'now');
  late.resolve();
  assert.equal((await client.response()).text, 'late');
  assert.equal(closes, 0);
  await shutDown(server);
  assert.equal(closes, 1);
});
