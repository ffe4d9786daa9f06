/** What a review has found once, so that it does not come back. Everything here holds on node:http too, unless it says otherwise. */
import { test } from 'node:test';
import * as assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import * as http from 'node:http';
import { finished } from 'node:stream';
import { RawClient, fetchOnce } from '../support/client';
import { startChild } from '../support/child';
import { createServer, engine, features, listen, loadCore, onFreePort, serve, shutDown, unless } from '../support/engine';
import { deferred, eventually, pace, within } from '../support/poll';

const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
const ours = unless(features.httpsys, "node:http does otherwise, and this is not node:http's API");

test("'close' of a server is told to a listener that was added behind close()", async () => {
  const server = createServer({}, (_req, res) => res.end('ok'));
  await listen(server);
  const closed = deferred();
  let returned = false;
  server.close(() => assert.ok(returned, 'the callback came from inside close()'));
  server.on('close', () => closed.resolve());
  returned = true;
  await within(closed.promise, "'close'");
});

test("'finish' is told once, also when its listener is added behind end()", async (t) => {
  for (const streamed of [false, true]) {
    const log: string[] = [];
    const { get } = await serve(t, (_req, res) => {
      if (streamed) res.write('a');
      res.end('b');
      res.on('finish', () => log.push('finish'));
      res.on('close', () => log.push('close'));
    });
    await get('/');
    await eventually("'close'", () => log.includes('close'));
    assert.deepEqual(log, ['finish', 'close'], streamed ? 'streamed' : 'at once');
  }
});

test("at 'finish' the response is detached from its socket, which can be ended there", async (t) => {
  for (const streamed of [false, true]) {
    const seen: unknown[] = [];
    const { connect } = await serve(t, (req, res) => {
      const { socket } = req;
      res.on('finish', () => {
        seen.push(res.socket);
        socket.end();
      });
      if (streamed) res.write('a');
      res.end('b');
    });
    const client = await connect();
    client.send(GET);
    assert.match((await client.closed()).toString(), /b/);
    assert.deepEqual(seen, [null]);
  }
});

const throwing = `
  const server = createServer((req, res) => {
    setImmediate(() => {
      res.end(req.url);
      if (req.url.endsWith('throws')) res.on('finish', () => { throw new Error('from finish'); });
    });
  });
  process.on('uncaughtException', (error) => report({ caught: error.message }));
  listenAndReport(server, process.env.PREFIX || undefined);
`;

test("a listener of 'finish' that throws keeps no answer back and is not called again", async (t) => {
  await onFreePort(async (free) => {
    const child = startChild(t, throwing, { PREFIX: engine === 'service' ? `http://*:${free}/` : '' });
    const { address } = await child.report('listening');
    const port = engine === 'service' ? free : (address as { port: number }).port;
    const clients = await Promise.all(Array.from({ length: 4 }, () => RawClient.connect(port)));
    t.after(() => clients.forEach((client) => client.destroy()));
    clients.forEach((client, n) => client.send(`GET ${n === 1 ? '/throws' : '/fine'} HTTP/1.1\r\nHost: x\r\n\r\n`));
    const answers = await Promise.all(clients.map((client) => client.response()));
    assert.deepEqual(
      answers.map((answer) => answer.text),
      ['/fine', '/throws', '/fine', '/fine'],
    );
    assert.equal((await child.report('caught')).caught, 'from finish');
    assert.equal((await (clients[0] as RawClient).exchange(GET)).text, '/');
    await assert.rejects(child.report('caught', 50), /timed out/);
  });
});

test("'prefinish' comes for a response that is whole in one end()", async (t) => {
  const log: string[] = [];
  const { get } = await serve(t, (_req, res) => {
    res.on('prefinish', () => log.push('prefinish'));
    res.on('finish', () => log.push('finish'));
    res.end('ok');
  });
  await get('/');
  await eventually('both', () => log.length === 2);
  assert.deepEqual(log, ['prefinish', 'finish']);
});

test('an emit that an agent puts on http.ServerResponse.prototype sees finish and close without any listener', async (t) => {
  const { get } = await serve(t, (_req, res) => res.end('ok'));
  const prototype = http.ServerResponse.prototype as unknown as Record<string, unknown>;
  const original = http.ServerResponse.prototype.emit;
  const seen: string[] = [];
  prototype.emit = function patched(this: http.ServerResponse, name: string, ...values: unknown[]): boolean {
    seen.push(name);
    return (original as (...all: unknown[]) => boolean).call(this, name, ...values);
  };
  try {
    await get('/');
    await eventually("'close'", () => seen.includes('close'));
  } finally {
    delete prototype.emit;
  }
  assert.deepEqual(
    seen.filter((name) => name !== 'socket'),
    ['prefinish', 'finish', 'close'],
  );
});

test("a body whose 'data' listener is added behind end() still comes", async (t) => {
  const log: string[] = [];
  const { connect } = await serve(t, (req, res) => {
    res.end('ok');
    req.on('data', (piece: Buffer) => log.push(piece.toString()));
    req.on('end', () => log.push('end'));
  });
  await (await connect()).exchange('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc');
  await eventually("'end'", () => log.includes('end'));
  assert.deepEqual(log, ['abc', 'end']);
});

test('stream.finished(req) settles when it is asked after the answer', async (t) => {
  const settled = deferred<unknown>();
  const { get } = await serve(t, (req, res) => {
    res.end('ok');
    res.on('close', () => undefined);
    setTimeout(() => finished(req, (error) => settled.resolve(error)), 10);
  });
  const quiet = deferred<unknown>();
  const second = await serve(t, (req, res) => {
    res.end('ok');
    setTimeout(() => finished(req, (error) => quiet.resolve(error)), 10);
  });
  await Promise.all([get('/'), second.get('/')]);
  assert.equal(await within(settled.promise, 'finished(req)'), undefined);
  assert.equal(await within(quiet.promise, 'finished(req) of a request nobody listened to'), undefined);
});

test("destroy() tells nobody before it returns, then 'aborted', the response's and the socket's 'close'", async (t) => {
  const log: string[] = [];
  const { connect } = await serve(t, (req, res) => {
    req.on('aborted', () => log.push('aborted'));
    req.on('error', () => log.push('request error'));
    req.on('close', () => log.push('request close'));
    res.on('close', () => log.push('response close'));
    req.socket.on('close', () => log.push('socket close'));
    res.destroy();
    log.push('returned');
  });
  (await connect()).send(GET);
  await eventually('all', () => log.includes('request close'));
  assert.deepEqual(log, ['returned', 'aborted', 'response close', 'socket close', 'request error', 'request close']);
});

test("a response whose end did not leave is not told 'finish' when the client vanishes", ours, async (t) => {
  const log: string[] = [];
  let response: http.ServerResponse | null = null;
  const { connect } = await serve(t, (_req, res) => {
    response = res;
    res.on('finish', () => log.push('finish'));
    res.on('close', () => log.push('close'));
    res.end(Buffer.alloc(32 * 1024 * 1024));
  });
  const client = await connect();
  client.socket.pause();
  client.send(GET);
  await eventually('the request', () => response !== null);
  client.reset();
  await eventually("'close'", () => log.includes('close'));
  await pace(0);
  assert.deepEqual(log, ['close']);
  assert.equal((response as unknown as http.ServerResponse).writableFinished, false);
});

test('resetAndDestroy() of a connection is no error', async (t) => {
  const log: unknown[] = [];
  const { server, connect } = await serve(t, (req) => {
    req.socket.on('close', (hadError) => log.push(hadError));
    req.socket.resetAndDestroy();
  });
  server.on('clientError', (error) => log.push(error));
  const client = await connect();
  client.send(GET);
  await client.closed();
  await eventually("'close'", () => log.length > 0);
  assert.deepEqual(log, [false]);
});

test('the status line is fixed by writeHead', async (t) => {
  const { connect } = await serve(t, (req, res) => {
    res.writeHead(201, 'Made', { 'X-A': '1' });
    res.statusCode = 500;
    res.statusMessage = 'a\r\nX-Injected: 1';
    if (req.url === '/stream') res.write('a');
    res.end('b');
  });
  for (const path of ['/', '/stream']) {
    const answer = await (await connect()).exchange(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
    assert.equal(answer.status, 201);
    assert.equal(answer.reason, 'Made');
    assert.equal(answer.headers['x-injected'], undefined);
  }
});

test('a status message of any type and length harms nobody', async (t) => {
  const messages: unknown[] = [5, undefined, null, 'x'.repeat(70_000)];
  const { connect } = await serve(t, (req, res) => {
    res.statusMessage = messages[Number(req.url?.slice(1))] as string;
    res.end('ok');
  });
  const client = await connect();
  for (let n = 0; n < messages.length; n++) {
    const answer = await client.exchange(`GET /${n} HTTP/1.1\r\nHost: x\r\n\r\n`);
    assert.equal(answer.status, 200, String(n));
    assert.equal(answer.text, 'ok', String(n));
  }
});

test('an unknown encoding throws, and the response can still be ended', ours, async (t) => {
  const codes: unknown[] = [];
  const { get } = await serve(t, (_req, res) => {
    try {
      res.write('ab', 'nonsense' as BufferEncoding);
    } catch (error) {
      codes.push((error as NodeJS.ErrnoException).code);
    }
    res.end();
  });
  const answer = await get('/');
  assert.equal(answer.status, 200);
  assert.deepEqual(codes, ['ERR_UNKNOWN_ENCODING']);
});

test("the encoding 'buffer' of a string is UTF-8", async (t) => {
  const { get } = await serve(t, (_req, res) => res.end('é', 'buffer' as BufferEncoding));
  assert.equal((await get('/')).body.toString('utf8'), 'é');
});

test('rejectNonStandardBodyWrites holds for a body given to end()', async (t) => {
  const codes: unknown[] = [];
  const { connect } = await serve(
    t,
    (req, res) => {
      res.statusCode = Number(req.url?.slice(1));
      try {
        res.end('body');
      } catch (error) {
        codes.push((error as NodeJS.ErrnoException).code);
        res.end();
      }
    },
    { rejectNonStandardBodyWrites: true },
  );
  const client = await connect();
  assert.equal((await client.exchange('GET /204 HTTP/1.1\r\nHost: x\r\n\r\n')).status, 204);
  assert.equal((await client.exchange('GET /304 HTTP/1.1\r\nHost: x\r\n\r\n')).status, 304);
  assert.equal((await client.exchange('HEAD /200 HTTP/1.1\r\nHost: x\r\n\r\n', { head: true })).status, 200);
  assert.equal((await client.exchange('GET /200 HTTP/1.1\r\nHost: x\r\n\r\n')).text, 'body');
  assert.deepEqual(codes, new Array(3).fill('ERR_HTTP_BODY_NOT_ALLOWED'));
});

test('writeHead takes null for a value, as setHeader does', async (t) => {
  const { get } = await serve(t, (_req, res) => {
    res.writeHead(200, { 'X-A': null } as never);
    res.end('ok');
  });
  assert.equal((await get('/')).headers['x-a'], 'null');
});

test('a response is not stored when any of several Cache-Control fields forbids it', ours, async (t) => {
  let runs = 0;
  const { get } = await serve(t, (req, res) => {
    runs++;
    res.cachePolicy = { ttl: 60 };
    if (req.url === '/pairs') {
      const pairs = [
        ['Content-Type', 'text/plain'],
        ['Cache-Control', 'private'],
        ['Cache-Control', 'max-age=1'],
      ];
      res.writeHead(200, pairs as never).end('ok');
      return;
    }
    res.setHeader('Content-Type', 'text/plain');
    if (req.url === '/set') res.setHeader('Cache-Control', ['public', 'private']);
    else if (req.url === '/append') res.appendHeader('Cache-Control', 'public').appendHeader('Cache-Control', 'no-store');
    res.end('ok');
  });
  for (const path of ['/set', '/append', '/pairs']) {
    runs = 0;
    await get(path);
    await get(path);
    assert.equal(runs, 2, path);
  }
});

test('a cache policy set after a swap of prototypes takes effect, and a wrong one throws', ours, async (t) => {
  const swapped = Object.create(http.ServerResponse.prototype) as object;
  let runs = 0;
  const codes: unknown[] = [];
  const { get } = await serve(t, (req, res) => {
    runs++;
    Object.setPrototypeOf(res, swapped);
    res.setHeader('Content-Type', 'text/plain');
    res.cachePolicy = req.url === '/wrong' ? ({ ttl: 'long' } as never) : { ttl: 60 };
    try {
      res.end('ok');
    } catch (error) {
      codes.push((error as NodeJS.ErrnoException).code);
      res.cachePolicy = undefined as never;
      res.end('ok');
    }
  });
  await get('/');
  await get('/');
  assert.equal(runs, 1);
  await get('/wrong');
  assert.deepEqual(codes, ['ERR_HTTPSYS_CACHE_POLICY']);
});

test(
  'maxConcurrentRequests bounds what this process is given, also below the usual credit',
  unless(engine === 'embedded', 'one channel, so that the bound is exact'),
  async (t) => {
    let under = 0;
    let most = 0;
    const { port } = await serve(
      t,
      (_req, res) => {
        most = Math.max(most, ++under);
        setImmediate(() => {
          under--;
          res.end('ok');
        });
      },
      { maxConcurrentRequests: 3 } as never,
    );
    const clients = await Promise.all(Array.from({ length: 40 }, () => RawClient.connect(port)));
    t.after(() => clients.forEach((client) => client.destroy()));
    for (let round = 0; round < 3; round++) {
      const answers = await Promise.all(clients.map((client) => client.exchange(GET)));
      assert.ok(answers.every((answer) => answer.text === 'ok'));
    }
    assert.equal(most, 3);
  },
);

test("connections destroyed in their 'connection' event cost the server nothing", async (t) => {
  let refuse = true;
  const { server, port, get } = await serve(t, (_req, res) => res.end('ok'));
  server.on('connection', (socket) => {
    if (refuse) socket.destroy();
  });
  // More than the credit for requests.
  for (let n = 0; n < 30; n++) {
    const clients = await Promise.all(Array.from({ length: 20 }, () => RawClient.connect(port)));
    clients.forEach((client) => client.send(GET));
    await Promise.all(clients.map((client) => client.closed()));
    clients.forEach((client) => client.destroy());
  }
  refuse = false;
  assert.equal((await get('/')).text, 'ok');
});

test('AsyncLocalStorage.enterWith in one listener is not seen by the requests of other connections', async (t) => {
  const storage = new AsyncLocalStorage<string>();
  const seen = new Map<string, unknown[]>();
  const { connect } = await serve(t, (req, res) => {
    const path = req.url ?? '';
    seen.set(path, [storage.getStore()]);
    storage.enterWith(path);
    req.on('data', () => {
      seen.get(path)?.push(storage.getStore());
      storage.enterWith(`${path} in a 'data' listener`);
    });
    req.on('end', () => setImmediate(() => res.end('ok')));
  });
  const clients = await Promise.all([connect(), connect(), connect(), connect()]);
  const request = (n: number): string => `POST /${n} HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc`;
  clients.forEach((client, n) => client.send(request(n)));
  await eventually('every request', () => seen.size === 4);
  clients.forEach((client) => client.send('def'));
  await Promise.all(clients.map((client) => client.response()));
  const late = await connect();
  late.send(request(4));
  await eventually('the late one', () => seen.size === 5);
  late.send('def');
  await late.response();
  for (const [path, values] of seen) {
    assert.equal(values[0], undefined, path);
    for (const value of values.slice(1)) assert.ok(value === undefined || String(value).startsWith(path), `${path}: ${String(value)}`);
  }
});

test('a header block or trailers of many megabytes harm their own response only', ours, async (t) => {
  const held: http.ServerResponse[] = [];
  const { connect, get } = await serve(t, (req, res) => {
    if (req.url === '/held') held.push(res);
    else if (req.url === '/trailers') {
      res.setHeader('Trailer', 'X-Long');
      res.write('a');
      res.addTrailers({ 'X-Long': 'v'.repeat(20_000_000) });
      res.end();
    } else res.setHeader('X-Long', 'v'.repeat(20_000_000)).end('ok');
  });
  const other = await connect();
  other.send('GET /held HTTP/1.1\r\nHost: x\r\n\r\n');
  await eventually('the held request', () => held.length === 1);
  assert.equal((await get('/')).status, 500);
  const client = await connect();
  client.send('GET /trailers HTTP/1.1\r\nHost: x\r\n\r\n');
  assert.doesNotMatch((await client.closed()).toString('latin1'), /X-Long: v/);
  held[0]?.end('still here');
  assert.equal((await other.response()).text, 'still here');
});

test('http().Server makes servers with and without new', async (t) => {
  const module = (engine === 'node' ? http : (loadCore().http as () => typeof http)()) as unknown as {
    Server: ((listener: http.RequestListener) => http.Server) & (new (listener: http.RequestListener) => http.Server);
  };
  const called = module.Server((_req, res) => res.end('called'));
  const made = new module.Server((_req, res) => res.end('made'));
  for (const server of [called, made]) {
    assert.ok(server instanceof module.Server);
    assert.ok(server instanceof http.Server);
    if (engine !== 'service') {
      t.after(() => shutDown(server));
      const port = await listen(server);
      assert.equal((await fetchOnce(port, '/')).text, server === called ? 'called' : 'made');
    }
  }
});

test(
  'QUEUE-9: two thousand requests at once are all answered by a program on its own port',
  { skip: engine === 'service' && 'the queue of the service is bounded by queueLength' },
  async (t) => {
    const { connect } = await serve(t, (_req, res) => res.end('here'));
    const clients = await Promise.all(Array.from({ length: 2000 }, () => connect()));
    for (const client of clients) client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    const answers = await Promise.all(clients.map((client) => client.response({ ms: 30_000 })));
    assert.deepEqual([...new Set(answers.map((answer) => answer.status))], [200]);
  },
);
