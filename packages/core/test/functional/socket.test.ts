import { test } from 'node:test';
import * as assert from 'node:assert/strict';
import * as net from 'node:net';
import * as http from 'node:http';
import { serve, type TestRequest, type TestResponse } from '../support/engine';
import { deferred, eventually, nextEvent, within } from '../support/poll';

const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

/** What `look` sees of the socket inside a listener. */
async function seen<T>(t: Parameters<typeof serve>[0], look: (socket: net.Socket, req: TestRequest, res: TestResponse) => T): Promise<T> {
  const result = deferred<T>();
  const { connect } = await serve(t, (req, res) => {
    try {
      result.resolve(look(req.socket, req, res));
    } catch (error) {
      result.reject(error);
    }
    res.end('ok');
  });
  await (await connect()).exchange(GET);
  return within(result.promise, 'the listener');
}

test('addresses and ports of both ends', async (t) => {
  const result = deferred<Record<string, unknown>>();
  const { connect, port } = await serve(t, ({ socket }, res) => {
    result.resolve({
      remoteAddress: socket.remoteAddress,
      remotePort: socket.remotePort,
      remoteFamily: socket.remoteFamily,
      localAddress: socket.localAddress,
      localPort: socket.localPort,
      address: socket.address(),
    });
    res.end();
  });
  const client = await connect();
  await client.exchange(GET);
  const found = await within(result.promise, 'the listener');
  assert.match(String(found.remoteAddress), /^(::ffff:)?127\.0\.0\.1$/);
  assert.match(String(found.localAddress), /^(::ffff:)?127\.0\.0\.1$/);
  assert.match(String(found.remoteFamily), /^IPv[46]$/);
  assert.equal(found.remotePort, client.socket.localPort);
  assert.equal(found.localPort, port);
  assert.equal((found.address as net.AddressInfo).port, port);
});

test('addresses stay readable after the connection has closed, as log lines need them', async (t) => {
  const { server, connect } = await serve(t, (_req, res) => res.end());
  const connection = nextEvent(server, 'connection');
  const client = await connect();
  await client.exchange(GET);
  const [socket] = (await connection) as [net.Socket];
  const { remoteAddress, remotePort } = socket;
  const closed = nextEvent(socket, 'close');
  client.destroy();
  await closed;
  assert.ok(remoteAddress);
  assert.ok(remotePort);
});

test('it is a net.Socket of the server, plain, readable and writable', async (t) => {
  const result = deferred<unknown>();
  const { server, connect } = await serve(t, ({ socket }, res) => {
    const facade = socket as net.Socket & { encrypted?: boolean; authorized?: boolean; server?: http.Server };
    result.resolve([
      socket instanceof net.Socket,
      facade.server === server,
      facade.encrypted ?? false,
      socket.readable,
      socket.writable,
      socket.destroyed,
      socket.errored ?? null,
    ]);
    res.end();
  });
  await (await connect()).exchange(GET);
  assert.deepEqual(await within(result.promise, 'the listener'), [true, true, false, true, true, false, null]);
});

test('setNoDelay, setKeepAlive, setTimeout, ref and unref return the socket', async (t) => {
  const results = await seen(t, (socket) => [
    socket.setNoDelay(true) === socket,
    socket.setKeepAlive(true, 1000) === socket,
    socket.setTimeout(10_000) === socket,
    socket.unref() === socket,
    socket.ref() === socket,
  ]);
  assert.deepEqual(results, [true, true, true, true, true]);
});

test('_httpMessage is the response under way, and null while idle', async (t) => {
  const busy: unknown[] = [];
  const { server, connect } = await serve(t, (req, res) => {
    busy.push((req.socket as unknown as { _httpMessage: unknown })._httpMessage === res);
    res.end('ok');
  });
  const connection = nextEvent(server, 'connection');
  const client = await connect();
  await client.exchange(GET);
  const [socket] = (await connection) as [{ _httpMessage: unknown }];
  await eventually('an idle socket', () => socket._httpMessage === null);
  assert.deepEqual(busy, [true]);
});

test('res.socket is null once the response is done', async (t) => {
  const result = deferred<TestResponse>();
  const { connect } = await serve(t, (_req, res) => {
    assert.ok(res.socket);
    result.resolve(res);
    res.end('ok');
  });
  await (await connect()).exchange(GET);
  const res = await within(result.promise, 'the listener');
  await eventually('a detached socket', () => res.socket === null);
});

test('destroy() in the middle of a response cuts the connection', async (t) => {
  const { connect } = await serve(t, (req, res) => {
    res.write('part');
    setTimeout(() => req.socket.destroy(), 10);
  });
  const client = await connect();
  client.send(GET);
  assert.ok(!(await client.closed()).toString('latin1').endsWith('0\r\n\r\n'));
});

test("destroy(error): 'error' and 'close' are told once", async (t) => {
  const log: string[] = [];
  const { connect } = await serve(t, ({ socket }) => {
    socket.on('error', (error) => log.push(error.message));
    socket.on('close', (hadError) => log.push(`close ${hadError}`));
    socket.destroy(new Error('enough'));
  });
  const client = await connect();
  client.send(GET);
  await client.closed();
  await eventually('both events', () => log.length === 2);
  assert.deepEqual(log, ['enough', 'close true']);
});

test('destroySoon() lets the response finish first', async (t) => {
  const { connect } = await serve(t, (req, res) => {
    res.end('whole');
    req.socket.destroySoon();
  });
  const client = await connect();
  assert.equal((await client.exchange(GET)).text, 'whole');
  await client.closed();
});

test('end() on an idle connection closes it', async (t) => {
  const { server, connect } = await serve(t, (_req, res) => res.end('ok'));
  const connection = nextEvent(server, 'connection');
  const client = await connect();
  await client.exchange(GET);
  const [socket] = (await connection) as [net.Socket];
  socket.end();
  await client.closed();
  client.end();
  await eventually('a destroyed socket', () => socket.destroyed);
});

test("setTimeout(ms, cb) tells 'timeout' of a connection without life, once", async (t) => {
  const told = deferred();
  let calls = 0;
  const { connect } = await serve(t, ({ socket }) => {
    socket.setTimeout(40, () => {
      calls++;
      told.resolve();
      socket.destroy();
    });
  });
  const client = await connect();
  client.send(GET);
  await within(told.promise, "'timeout'");
  await client.closed();
  assert.equal(calls, 1);
});

test('setTimeout(0) takes it back', async (t) => {
  const { connect } = await serve(t, ({ socket }, res) => {
    socket.setTimeout(20);
    socket.setTimeout(0);
    setTimeout(() => res.end(`listeners ${socket.listenerCount('timeout') >= 0}`), 80);
  });
  assert.equal((await (await connect()).exchange(GET)).status, 200);
});

test('expandos and identity: a socket is a Map key from its first to its last request', async (t) => {
  const counts = new Map<net.Socket, number>();
  const { connect } = await serve(t, ({ socket }, res) => {
    const marked = socket as net.Socket & { _meta?: number };
    marked._meta = (marked._meta ?? 0) + 1;
    counts.set(socket, (counts.get(socket) ?? 0) + 1);
    res.end(`${marked._meta} ${counts.get(socket)}`);
  });
  const client = await connect();
  assert.equal((await client.exchange(GET)).text, '1 1');
  assert.equal((await client.exchange(GET)).text, '2 2');
});

test('bytesWritten grows', async (t) => {
  const { server, connect } = await serve(t, (_req, res) => res.end('x'.repeat(1000)));
  const connection = nextEvent(server, 'connection');
  const client = await connect();
  await client.exchange(GET);
  const [socket] = (await connection) as [net.Socket];
  await eventually('the bytes', () => socket.bytesWritten >= 1000);
});

test("'close' is told exactly once, whoever ends the connection", async (t) => {
  for (const side of ['client', 'server'] as const) {
    let closes = 0;
    const { server, connect } = await serve(t, (_req, res) => res.end('ok'));
    const connection = nextEvent(server, 'connection');
    const client = await connect();
    await client.exchange(GET);
    const [socket] = (await connection) as [net.Socket];
    socket.on('close', () => closes++);
    const closed = nextEvent(socket, 'close');
    if (side === 'client') client.destroy();
    else socket.destroy();
    await closed;
    socket.destroy();
    await client.closed();
    assert.equal(closes, 1, side);
  }
});

test('the way http-terminator tells idle from busy works', async (t) => {
  const sockets = new Set<net.Socket>();
  let answer: (() => void) | undefined;
  const { server, connect } = await serve(t, (req, res) => {
    if (req.url === '/busy') answer = () => res.end('busy');
    else res.end('ok');
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const idle = await connect();
  await idle.exchange(GET);
  const busy = await connect();
  busy.send(GET.replace('/', '/busy'));
  await eventually('the busy request', () => answer);
  for (const socket of sockets) {
    const facade = socket as net.Socket & { server?: http.Server; _httpMessage?: http.ServerResponse | null };
    assert.ok(facade.server instanceof http.Server);
    if (facade._httpMessage) facade._httpMessage.setHeader('Connection', 'close');
    else socket.destroy();
  }
  await idle.closed();
  answer?.();
  assert.equal((await busy.response()).headers.connection, 'close');
  await busy.closed();
  busy.end();
  await eventually('no sockets', () => sockets.size === 0);
});
