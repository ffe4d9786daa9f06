import { test } from 'node:test';
import * as assert from 'node:assert/strict';
import * as diagnostics from 'node:diagnostics_channel';
import * as http from 'node:http';
import onFinished from 'on-finished';
import { createServer, listen, serve, shutDown } from '../support/engine';
import { fetchOnce } from '../support/client';
import { deferred, eventually, within } from '../support/poll';

const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

test('the events of an ordinary request come once each and in order', async (t) => {
  const log: string[] = [];
  const { server, connect } = await serve(t, (req, res) => {
    log.push('request');
    for (const name of ['end', 'close']) req.on(name, () => log.push(`req ${name}`));
    for (const name of ['finish', 'close']) res.on(name, () => log.push(`res ${name}`));
    req.resume();
    req.on('end', () => res.end('ok'));
  });
  server.on('connection', () => log.push('connection'));
  const client = await connect();
  await client.exchange(GET);
  await eventually('both closes', () => log.includes('req close') && log.includes('res close'));
  assert.equal(log.length, new Set(log).size, log.join());
  assert.deepEqual(log.slice(0, 3), ['connection', 'request', 'req end']);
  assert.ok(log.indexOf('res finish') > log.indexOf('req end'));
  assert.ok(log.indexOf('res close') > log.indexOf('res finish'));
});

test("'close' comes on a request whose body nobody read", async (t) => {
  const log: string[] = [];
  const { connect } = await serve(t, (req, res) => {
    req.on('close', () => log.push('req close'));
    res.on('close', () => log.push('res close'));
    res.end('ok');
  });
  await (await connect()).exchange('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc');
  await eventually('both', () => log.length === 2);
});

test("'connection' is told once per connection, before its first request", async (t) => {
  const log: unknown[] = [];
  const { server, connect } = await serve(t, (req, res) => {
    log.push(req.socket);
    res.end();
  });
  server.on('connection', (socket) => log.push(socket));
  const client = await connect();
  await client.exchange(GET);
  await client.exchange(GET);
  assert.equal(log.length, 3);
  assert.equal(new Set(log).size, 1);
});

test('on-finished tells the end of a request, and not before', async (t) => {
  const log: string[] = [];
  const { connect } = await serve(t, (req, res) => {
    log.push(`res finished at once: ${onFinished.isFinished(res)}`, `req finished at once: ${onFinished.isFinished(req)}`);
    onFinished(res, (error) => log.push(`res ${error}`));
    onFinished(req, (error) => log.push(`req ${error}`));
    req.resume();
    setImmediate(() => res.end('ok'));
  });
  await (await connect()).exchange('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc');
  await eventually('both', () => log.length === 4);
  assert.deepEqual(log.slice(0, 2), ['res finished at once: false', 'req finished at once: false']);
  assert.deepEqual(log.slice(2).sort(), ['req null', 'res null']);
});

test('on-finished tells a disconnect', async (t) => {
  const log: string[] = [];
  let started = false;
  const { connect } = await serve(t, (_req, res) => {
    started = true;
    onFinished(res, () => log.push('finished'));
  });
  const client = await connect();
  client.send(GET);
  await eventually('the request', () => started);
  assert.deepEqual(log, []);
  client.reset();
  await eventually('the end', () => log.length === 1);
});

test('on-finished tells the end of each of several requests on one connection', async (t) => {
  let ended = 0;
  const { connect } = await serve(t, (_req, res) => {
    onFinished(res, () => ended++);
    res.end('ok');
  });
  const client = await connect();
  for (let n = 1; n <= 5; n++) {
    await client.exchange(GET);
    await eventually(`end ${n}`, () => ended === n);
  }
});

test('listeners can be exchanged while the server runs', async (t) => {
  const { server, get } = await serve(t, (_req, res) => res.end('old'));
  assert.equal((await get('/')).text, 'old');
  const old = server.listeners('request').slice();
  assert.equal(old.length, 1, "the server adds no 'request' listener of its own");
  server.removeAllListeners('request');
  server.on('request', (req, res) => {
    if (req.url === '/new') res.end('new');
    else old.forEach((listener) => listener.call(server, req, res));
  });
  assert.equal((await get('/new')).text, 'new');
  assert.equal((await get('/')).text, 'old');
});

test("several 'request' listeners run in order", async (t) => {
  const log: string[] = [];
  const { server, get } = await serve(t, (_req, res) => {
    log.push('first');
    res.end('ok');
  });
  server.on('request', () => log.push('second'));
  await get('/');
  assert.deepEqual(log, ['first', 'second']);
});

test('requests go through an emit set on the instance', async (t) => {
  const seen: string[] = [];
  const { server, get } = await serve(t, (_req, res) => res.end('ok'));
  const emit = server.emit;
  server.emit = function wrapped(this: http.Server, name: string, ...values: unknown[]): boolean {
    if (name === 'request') seen.push('wrapped');
    return (emit as (...all: unknown[]) => boolean).call(this, name, ...values);
  } as never;
  await get('/');
  assert.deepEqual(seen, ['wrapped']);
});

test('requests go through http.Server.prototype.emit, where APM agents hook in', async (t) => {
  const { get } = await serve(t, (_req, res) => res.end('ok'));
  const prototype = http.Server.prototype as unknown as Record<string, unknown>;
  const original = http.Server.prototype.emit;
  const seen: string[] = [];
  prototype.emit = function patched(this: http.Server, name: string, ...values: unknown[]): boolean {
    if (name === 'request') seen.push('patched');
    return (original as (...all: unknown[]) => boolean).call(this, name, ...values);
  };
  try {
    await get('/');
  } finally {
    delete prototype.emit;
  }
  assert.deepEqual(seen, ['patched']);
});

test('http.ServerResponse.prototype.end and writeHead are really called', async (t) => {
  const { get } = await serve(t, (_req, res) => res.end('ok'));
  const prototype = http.ServerResponse.prototype as unknown as Record<string, unknown>;
  const { end, writeHead } = http.ServerResponse.prototype;
  const inherited = !Object.hasOwn(prototype, 'end');
  const seen: string[] = [];
  prototype.end = function patched(this: unknown, ...values: unknown[]): unknown {
    seen.push('end');
    return (end as (...all: unknown[]) => unknown).apply(this, values);
  };
  prototype.writeHead = function patched(this: unknown, ...values: unknown[]): unknown {
    seen.push('writeHead');
    return (writeHead as (...all: unknown[]) => unknown).apply(this, values);
  };
  try {
    await get('/');
  } finally {
    if (inherited) delete prototype.end;
    else prototype.end = end;
    prototype.writeHead = writeHead;
  }
  assert.ok(seen.includes('end'), 'end');
  assert.ok(seen.includes('writeHead'), 'writeHead');
});

test('diagnostics_channel: http.server.request.start and http.server.response.finish', async (t) => {
  const log: [string, string[]][] = [];
  const note = (message: unknown, name: string | symbol): void => void log.push([String(name), Object.keys(message as object).sort()]);
  for (const name of ['http.server.request.start', 'http.server.response.finish']) {
    diagnostics.subscribe(name, note);
    t.after(() => diagnostics.unsubscribe(name, note));
  }
  const { get } = await serve(t, (_req, res) => res.end('ok'));
  await get('/');
  await eventually('both messages', () => log.length === 2);
  const keys = ['request', 'response', 'server', 'socket'];
  assert.deepEqual(log, [
    ['http.server.request.start', keys],
    ['http.server.response.finish', keys],
  ]);
});

test('message classes given as options are used', async (t) => {
  class Request extends http.IncomingMessage {
    get mine(): string {
      return 'request';
    }
  }
  class Response extends http.ServerResponse {
    get mine(): string {
      return 'response';
    }
  }
  const { get } = await serve(t, (req, res) => res.end(`${(req as unknown as Request).mine} ${(res as unknown as Response).mine}`), {
    IncomingMessage: Request as never,
    ServerResponse: Response as never,
  });
  assert.equal((await get('/')).text, 'request response');
});

test('a swapped prototype, as Express does it, keeps requests and responses working', async (t) => {
  const requestPrototype = Object.create(http.IncomingMessage.prototype) as object;
  const responsePrototype = Object.create(http.ServerResponse.prototype) as object;
  const { connect } = await serve(t, (req, res) => {
    Object.setPrototypeOf(req, requestPrototype);
    Object.setPrototypeOf(res, responsePrototype);
    let body = '';
    req.on('data', (piece: Buffer) => (body += piece.toString()));
    req.on('end', () => {
      res.setHeader('X-Swapped', '1');
      if (req.url === '/stream') res.write('streamed ');
      res.end(body);
    });
  });
  const client = await connect();
  const body = 'b'.repeat(200_000);
  const whole = await client.exchange(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  assert.equal(whole.text, body);
  assert.equal(whole.headers['x-swapped'], '1');
  const streamed = await client.exchange(`POST /stream HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody`);
  assert.equal(streamed.text, 'streamed body');
});

test("a server's own 'listening' and 'close' are told once", async () => {
  const log: string[] = [];
  const server = createServer({}, (_req, res) => res.end('ok'));
  server.on('listening', () => log.push('listening'));
  server.on('close', () => log.push('close'));
  const port = await listen(server);
  await fetchOnce(port, '/');
  await shutDown(server);
  assert.deepEqual(log, ['listening', 'close']);
});

test('setTimeout of a response tells a slow application', async (t) => {
  const timedOut = deferred();
  const { connect } = await serve(t, (_req, res) => {
    res.setTimeout(30, () => {
      timedOut.resolve();
      res.end('late');
    });
  });
  const client = await connect();
  assert.equal((await client.exchange(GET)).text, 'late');
  await within(timedOut.promise, "'timeout'");
});

test('async disposal closes the server', async () => {
  const server = createServer({}, (_req, res) => res.end('ok'));
  await listen(server);
  const dispose = (server as unknown as Record<symbol, (() => Promise<void>) | undefined>)[Symbol.for('nodejs.asyncDispose')];
  assert.equal(typeof dispose, 'function');
  await dispose?.call(server);
  assert.equal(server.listening, false);
});
