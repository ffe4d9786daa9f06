/** Upgrades: a request that asks for one, 'upgrade', and the socket that a program gets (node:http; RFC 9110 section 7.8). */
import assert from 'node:assert/strict';
import * as http from 'node:http';
import * as net from 'node:net';
import { Duplex } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { serve, type Running, type TestListener, type TestServerOptions } from '../support/engine';
import { sameAsNode } from '../support/differences';
import { deferred, eventually, nextEvent, within } from '../support/poll';

/** Upgraded sockets are the program's to end; those a test leaves end with it, before its server. */
async function serveRaw(t: TestContext, listener?: TestListener, options?: TestServerOptions): Promise<Running> {
  const sockets: net.Socket[] = [];
  t.after(() => sockets.forEach((socket) => socket.destroy()));
  const running = await serve(t, listener, options);
  running.server.on('connection', (socket) => sockets.push(socket));
  return running;
}

const ask = (path = '/', ...fields: string[]): string =>
  [`GET ${path} HTTP/1.1`, 'Host: x', 'Connection: Upgrade', 'Upgrade: echo', ...fields, '', ''].join('\r\n');
const accept = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n';

test('the response of an upgrade goes out as the program wrote it, and then bytes go both ways', async (t) => {
  const { server, connect } = await serveRaw(t);
  server.on('upgrade', (_req, socket: Duplex) => {
    socket.write(accept);
    socket.pipe(socket);
  });
  const client = await connect();
  client.send(ask());
  assert.equal((await client.bytes(accept.length)).toString('latin1'), accept);
  client.send('hello');
  assert.equal((await client.bytes(accept.length + 5)).toString('latin1'), `${accept}hello`);
  client.end();
  assert.equal((await client.closed()).toString('latin1'), `${accept}hello`);
});

test("'upgrade' gets the request, the socket of 'connection', and what the client sent ahead as head", async (t) => {
  const { server, connect } = await serveRaw(t);
  const sockets: unknown[] = [];
  server.on('connection', (socket) => sockets.push(socket));
  const seen = deferred<unknown[]>();
  server.on('upgrade', (req: http.IncomingMessage, socket: net.Socket, head: Buffer) => {
    const raw = socket as net.Socket & { _httpMessage: unknown; server: unknown };
    seen.resolve([
      req.url,
      req.method,
      req.headers.upgrade,
      (req as { upgrade?: boolean }).upgrade,
      req.complete,
      req.socket === socket,
      sockets.length === 1 && sockets[0] === socket,
      socket instanceof net.Socket && socket instanceof Duplex,
      raw._httpMessage ?? null,
      raw.server === server,
      Buffer.isBuffer(head) && head.toString(),
      socket.remoteAddress?.replace('::ffff:', ''),
      socket.readyState,
      socket.readableFlowing,
      socket.destroyed,
      socket.pending,
      socket.connecting,
    ]);
    socket.end(accept);
  });
  const client = await connect();
  client.send(`${ask('/a?b')}ahead`);
  assert.deepEqual(await within(seen.promise, "'upgrade'"), [
    '/a?b',
    'GET',
    'echo',
    true,
    true,
    true,
    true,
    true,
    null,
    true,
    'ahead',
    '127.0.0.1',
    'open',
    null,
    false,
    false,
    false,
  ]);
  client.end();
  assert.equal((await client.closed()).toString('latin1'), accept);
});

test('bytes sent ahead are read again by unshift, in order with those that follow', async (t) => {
  const { server, connect } = await serveRaw(t);
  server.on('upgrade', (_req, socket: Duplex, head: Buffer) => {
    socket.write(accept);
    if (head.length > 0) socket.unshift(head);
    socket.pipe(socket);
  });
  const client = await connect();
  client.send(`${ask()}one,`);
  await client.bytes(accept.length + 4);
  client.send('two');
  assert.equal((await client.bytes(accept.length + 7)).toString('latin1'), `${accept}one,two`);
});

test('the program may read before it answers', async (t) => {
  const { server, connect } = await serveRaw(t);
  server.on('upgrade', (_req, socket: Duplex, head: Buffer) => {
    let text = '';
    socket.on('data', (piece: Buffer) => {
      text += piece.toString();
      if (text === 'key') socket.end(`${accept}${text}`);
    });
    if (head.length > 0) socket.unshift(head);
  });
  const client = await connect();
  client.send(ask());
  client.send('k');
  client.send('ey');
  assert.equal((await client.bytes(accept.length + 3)).toString('latin1'), `${accept}key`);
});

test('an upgrade after earlier requests of the connection', async (t) => {
  const { server, connect } = await serveRaw(t, (req, res) => res.end(req.url));
  server.on('upgrade', (_req, socket: Duplex) => {
    socket.write(accept);
    socket.pipe(socket);
  });
  const client = await connect();
  const get = 'GET /1 HTTP/1.1\r\nHost: x\r\n\r\n';
  assert.equal((await client.exchange(get)).text, '/1');
  assert.equal((await client.exchange(get)).text, '/1');
  client.send(`${get}${ask()}`);
  assert.equal((await client.response()).text, '/1');
  assert.equal((await client.bytes(accept.length)).toString('latin1'), accept);
  client.send('x');
  await client.bytes(accept.length + 1);
});

test('what looks like a request behind an upgrade is none', async (t) => {
  let requests = 0;
  const { server, connect } = await serveRaw(t, (_req, res) => {
    requests++;
    res.end();
  });
  let upgrades = 0;
  server.on('upgrade', (_req, socket: Duplex, head: Buffer) => {
    upgrades++;
    socket.write(accept);
    socket.write(head);
    socket.pipe(socket);
  });
  const client = await connect();
  const more = `${ask('/second')}GET / HTTP/1.1\r\nHost: x\r\n\r\n`;
  client.send(ask() + more);
  assert.equal((await client.bytes(accept.length + more.length)).toString('latin1'), accept + more);
  assert.deepEqual([requests, upgrades], [0, 1]);
});

for (const status of ['400 Bad Request', '401 Unauthorized', '200 OK']) {
  test(`${status} written as text and ended is what the client gets, and the connection ends`, async (t) => {
    const { server, connect } = await serveRaw(t);
    const text = `HTTP/1.1 ${status}\r\nContent-Length: 4\r\nX-A: b\r\n\r\nnope`;
    server.on('upgrade', (_req, socket: Duplex) => void socket.end(text));
    const client = await connect();
    client.send(ask());
    assert.equal((await client.closed()).toString('latin1'), text);
  });
}

test('a response written and the socket destroyed in the same turn reaches the client (engine.io)', async (t) => {
  const { server, connect } = await serveRaw(t);
  const text = 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno';
  server.on('upgrade', (_req, socket: Duplex) => {
    socket.write(text);
    socket.destroy();
  });
  const client = await connect();
  client.send(ask());
  assert.equal((await client.closed()).toString('latin1'), text);
  assert.equal(client.error, null);
});

test('the head may be written in pieces, with interim responses before it', async (t) => {
  const { server, connect } = await serveRaw(t);
  const text = `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${accept}data`;
  server.on('upgrade', (_req, socket: Duplex) => {
    for (const one of text) socket.write(one);
    socket.end();
  });
  const client = await connect();
  client.send(ask());
  assert.equal((await client.bytes(text.length)).toString('latin1'), text);
  client.end();
  await client.closed();
});

test('a ServerResponse assigned to the socket rejects an upgrade (@fastify/websocket)', async (t) => {
  const { server, connect } = await serveRaw(t);
  server.on('upgrade', (req: http.IncomingMessage, socket: net.Socket) => {
    const response = new http.ServerResponse(req);
    response.assignSocket(socket);
    response.statusCode = 404;
    response.end('not here', () => socket.destroySoon());
  });
  const client = await connect();
  client.send(ask());
  const response = await client.response();
  assert.equal(response.status, 404);
  assert.equal(response.text, 'not here');
  await client.closed();
});

test('a client that ends its side reads on: half-open', async (t) => {
  const { server, connect } = await serveRaw(t);
  server.on('upgrade', (_req, socket: Duplex) => {
    socket.write(accept);
    let text = '';
    socket.on('data', (piece: Buffer) => (text += piece.toString()));
    socket.on('end', () => setImmediate(() => socket.end(`got ${text}`)));
  });
  const client = await connect();
  client.send(ask());
  await client.bytes(accept.length);
  client.send('all');
  client.end();
  assert.equal((await client.closed()).toString('latin1'), `${accept}got all`);
});

test("'end' comes to a program that never reads", async (t) => {
  const { server, connect } = await serveRaw(t);
  server.on('upgrade', (_req, socket: Duplex) => {
    socket.write(accept);
    socket.on('end', () => socket.end('bye'));
  });
  const client = await connect();
  client.send(ask());
  await client.bytes(accept.length);
  client.end();
  assert.equal((await client.closed()).toString('latin1'), `${accept}bye`);
});

test('a program that ends its side reads on: half-open', async (t) => {
  const { server, connect } = await serveRaw(t);
  const got = deferred<string>();
  server.on('upgrade', (_req, socket: Duplex) => {
    socket.end(accept);
    let text = '';
    socket.on('data', (piece: Buffer) => (text += piece.toString()));
    socket.on('end', () => got.resolve(text));
  });
  const client = await connect();
  client.send(ask());
  await client.closed();
  client.send('after the end');
  client.end();
  assert.equal(await within(got.promise, 'the rest'), 'after the end');
});

test("events at the end of an upgraded socket: 'end', 'finish', 'close' once, without an error", async (t) => {
  const { server, connect } = await serveRaw(t);
  const events: string[] = [];
  const done = deferred();
  server.on('upgrade', (_req, socket: net.Socket) => {
    for (const event of ['end', 'finish', 'error']) socket.on(event, () => events.push(event));
    socket.on('close', (hadError: boolean) => {
      events.push(`close ${hadError}`);
      setImmediate(done.resolve);
    });
    socket.resume();
    socket.on('end', () => socket.end());
    socket.write(accept);
  });
  const client = await connect();
  client.send(ask());
  await client.bytes(accept.length);
  client.end();
  await within(done.promise, "'close'");
  assert.deepEqual(events, ['end', 'finish', 'close false']);
});

test('a client that resets: ECONNRESET on the socket, then close', async (t) => {
  const { server, connect } = await serveRaw(t);
  const events: string[] = [];
  const done = deferred();
  server.on('upgrade', (_req, socket: net.Socket) => {
    socket.on('error', (error: NodeJS.ErrnoException) => events.push(`${error.code} ${error.syscall}`));
    socket.on('close', (hadError: boolean) => {
      events.push(`close ${hadError}`);
      done.resolve();
    });
    socket.resume();
    socket.write(accept);
  });
  const client = await connect();
  client.send(ask());
  await client.bytes(accept.length);
  client.reset();
  await within(done.promise, "'close'");
  assert.deepEqual(events, ['ECONNRESET read', 'close true']);
});

test('resetAndDestroy resets the client', async (t) => {
  const { server, connect } = await serveRaw(t);
  server.on('upgrade', (_req, socket: net.Socket) => {
    socket.write(accept);
    socket.on('data', () => socket.resetAndDestroy());
  });
  const client = await connect();
  client.send(ask());
  await client.bytes(accept.length);
  client.send('x');
  await client.closed();
  await eventually('the reset', () => client.error?.code === 'ECONNRESET');
});

test('bytesRead and bytesWritten count what an upgraded socket carried', async (t) => {
  const { server, connect } = await serveRaw(t);
  const done = deferred<number[]>();
  server.on('upgrade', (_req, socket: net.Socket) => {
    const before = [socket.bytesRead, socket.bytesWritten];
    socket.write(accept);
    socket.cork();
    socket.write('queued');
    const corked = socket.bytesWritten - before[1]!;
    socket.uncork();
    socket.on('data', (piece: Buffer) => {
      if (piece.toString() === 'xyz') done.resolve([corked, socket.bytesWritten - before[1]!, socket.bytesRead - before[0]!]);
    });
  });
  const client = await connect();
  client.send(ask());
  await client.bytes(accept.length + 6);
  client.send('xyz');
  assert.deepEqual(await within(done.promise, 'the counters'), [accept.length + 6, accept.length + 6, 3]);
});

test("setTimeout of an upgraded socket emits 'timeout' and closes nothing", async (t) => {
  const { server, connect } = await serveRaw(t);
  const events: string[] = [];
  server.on('upgrade', (_req, socket: net.Socket) => {
    socket.write(accept);
    assert.equal(socket.setNoDelay(true), socket);
    assert.equal(socket.setKeepAlive(true, 1000), socket);
    assert.equal(socket.ref().unref().ref(), socket);
    socket.setTimeout(30, () => {
      events.push('timeout');
      socket.setTimeout(0);
      socket.end('idle');
    });
  });
  const client = await connect();
  client.send(ask());
  assert.equal((await client.closed()).toString('latin1'), `${accept}idle`);
  assert.deepEqual(events, ['timeout']);
});

test('close waits for upgraded connections, which closeAllConnections passes by', async (t) => {
  const { server, connect } = await serveRaw(t);
  const upgraded = deferred<net.Socket>();
  server.on('upgrade', (_req, socket: net.Socket) => {
    socket.write(accept);
    socket.resume();
    upgraded.resolve(socket);
  });
  const client = await connect();
  client.send(ask());
  await client.bytes(accept.length);
  const socket = await upgraded.promise;
  let closed = false;
  server.close(() => (closed = true));
  server.closeAllConnections();
  server.closeIdleConnections();
  client.send('x');
  await nextEvent(socket, 'data');
  socket.write('still here');
  await client.bytes(accept.length + 10);
  assert.deepEqual([closed, socket.destroyed], [false, false]);
  socket.destroy();
  await eventually("the server's close", () => closed);
  await client.closed();
});

test('1,000 upgraded connections end cleanly', { timeout: 60_000 }, async (t) => {
  const { server, port } = await serveRaw(t);
  let open = 0;
  server.on('upgrade', (_req, socket: net.Socket) => {
    open++;
    socket.on('close', () => open--);
    socket.on('error', () => undefined);
    socket.write(accept);
    socket.on('data', (piece: Buffer) => socket.write(piece));
    socket.on('end', () => socket.end());
  });
  const count = 1000;
  let greeted = 0;
  const clients = Array.from({ length: count }, () => {
    const socket = net.connect(port, '127.0.0.1');
    socket.write(ask());
    let bytes = 0;
    socket.on('data', (piece) => {
      if (bytes < accept.length && bytes + piece.length >= accept.length) greeted++;
      bytes += piece.length;
    });
    return socket;
  });
  t.after(() => clients.forEach((socket) => socket.destroy()));
  await eventually('all upgrades', () => greeted === count && open === count, 30_000);
  const ended = clients.map((socket) => nextEvent(socket, 'close', 30_000));
  clients.forEach((socket) => socket.end('bye'));
  const outcomes = await Promise.all(ended);
  assert.ok(outcomes.every(([hadError]) => hadError === false));
  await eventually('all sockets closed', () => open === 0);
});

test('a malformed Connection field makes an upgrade an ordinary request', async (t) => {
  const { server, connect } = await serveRaw(t, (_req, res) => res.end('ordinary'));
  server.on('upgrade', (_req, socket: Duplex) => void socket.end(accept));
  const client = await connect();
  client.send('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgraded, "upgrade"\r\nUpgrade: echo\r\n\r\n');
  assert.equal((await client.response()).text, 'ordinary');
  client.send('GET / HTTP/1.1\r\nHost: x\r\nUpgrade: echo\r\n\r\n');
  assert.equal((await client.response()).text, 'ordinary');
});

test('bytes that are no HTTP response are an error of the socket (upgrade.no-response)', async (t) => {
  const { server, connect } = await serveRaw(t);
  const outcome = deferred<string>();
  server.on('upgrade', (_req, socket: net.Socket) => {
    socket.on('error', (error: NodeJS.ErrnoException) => outcome.resolve(error.code ?? ''));
    socket.write('SSH-2.0-x\r\n', (error) => {
      if (!error) outcome.resolve('sent');
    });
  });
  const client = await connect();
  client.send(ask());
  const result = await within(outcome.promise, 'an outcome');
  await sameAsNode(
    t,
    'upgrade.no-response',
    () => assert.equal(result, 'sent'),
    () => assert.equal(result, 'ERR_HTTPSYS_RAW_RESPONSE'),
  );
});

test('the body of a request that asks for an upgrade is its body; the protocol begins behind it (upgrade.body)', async (t) => {
  const { server, connect } = await serveRaw(t);
  const seen = deferred<string[]>();
  server.on('upgrade', (req: http.IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.write(accept);
    let body = '';
    let rest = '';
    req.on('data', (piece: Buffer) => (body += piece.toString()));
    socket.on('data', (piece: Buffer) => {
      rest += piece.toString();
      if (rest.endsWith('end')) seen.resolve([body, rest]);
    });
    if (head.length > 0) socket.unshift(head);
  });
  const client = await connect();
  client.send(ask('/', 'Content-Length: 4').replace('GET', 'POST'));
  client.send('bodyend');
  const result = await within(seen.promise, 'all bytes');
  await sameAsNode(
    t,
    'upgrade.body',
    () => assert.deepEqual(result, ['', 'bodyend']),
    () => assert.deepEqual(result, ['body', 'end']),
  );
});
