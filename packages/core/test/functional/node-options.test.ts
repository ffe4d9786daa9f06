/** node:http's options and properties of a server, one by one. */
import { test } from 'node:test';
import * as assert from 'node:assert/strict';
import * as http from 'node:http';
import type * as net from 'node:net';
import { createServer, features, listening, onFreePort, serve, shutDown, unless, type TestServerOptions } from '../support/engine';
import { RawClient } from '../support/client';
import { sameAsNode } from '../support/differences';
import { eventually, nextEvent } from '../support/poll';
import { withoutPort } from '../support/wine';

const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
const nodeHas = (version: number): boolean => Number(process.versions.node.split('.')[0]) >= version;

function invalid(options: object, code: string): void {
  assert.throws(() => createServer(options as TestServerOptions), { code }, JSON.stringify(options));
}

test('options of a wrong type or out of range throw as node:http does', () => {
  invalid({ maxHeaderSize: 'x' }, 'ERR_INVALID_ARG_TYPE');
  invalid({ maxHeaderSize: -1 }, 'ERR_OUT_OF_RANGE');
  invalid({ requestTimeout: -1 }, 'ERR_OUT_OF_RANGE');
  invalid({ headersTimeout: 10, requestTimeout: 5 }, 'ERR_OUT_OF_RANGE');
  invalid({ keepAliveTimeout: 'x' }, 'ERR_INVALID_ARG_TYPE');
  invalid({ connectionsCheckingInterval: -1 }, 'ERR_OUT_OF_RANGE');
  invalid({ requireHostHeader: 1 }, 'ERR_INVALID_ARG_TYPE');
  invalid({ joinDuplicateHeaders: 1 }, 'ERR_INVALID_ARG_TYPE');
  invalid({ keepAliveInitialDelay: 'x' }, 'ERR_INVALID_ARG_TYPE');
  invalid({ highWaterMark: 'x' }, 'ERR_INVALID_ARG_TYPE');
  invalid({ rejectNonStandardBodyWrites: 1 }, 'ERR_INVALID_ARG_TYPE');
  invalid({ insecureHTTPParser: 1 }, 'ERR_INVALID_ARG_TYPE');
});

test(
  'options that newer versions of Node check are checked',
  unless(features.httpsys || nodeHas(25), 'this Node does not know them'),
  () => {
    invalid({ keepAliveTimeoutBuffer: -1 }, 'ERR_OUT_OF_RANGE');
    invalid({ optimizeEmptyRequests: 1 }, 'ERR_INVALID_ARG_TYPE');
  },
);

test('insecureHTTPParser is refused with a reason', unless(features.httpsys, 'node:http has such a parser'), () => {
  assert.throws(() => createServer({ insecureHTTPParser: true }), { code: 'ERR_HTTPSYS_INSECURE_PARSER', message: /strict/ });
  createServer({ insecureHTTPParser: false });
});

test('noDelay, keepAlive and keepAliveInitialDelay are taken', async (t) => {
  const { get } = await serve(t, (_req, res) => res.end('ok'), { noDelay: false, keepAlive: true, keepAliveInitialDelay: 1000 });
  assert.equal((await get('/')).text, 'ok');
});

test('highWaterMark holds for request, response and socket', async (t) => {
  const { get } = await serve(
    t,
    (req, res) => res.end([req.readableHighWaterMark, res.writableHighWaterMark, req.socket.writableHighWaterMark].join()),
    { highWaterMark: 1000 },
  );
  assert.equal((await get('/')).text, '1000,1000,1000');
});

test('joinDuplicateHeaders joins what else would be dropped', async (t) => {
  const { connect } = await serve(t, (req, res) => res.end(`${req.headers.from}; ${req.headers.age}`), { joinDuplicateHeaders: true });
  const client = await connect();
  const response = await client.exchange('GET / HTTP/1.1\r\nHost: x\r\nFrom: a\r\nfrom: b\r\nAge: 1\r\nAge: 2\r\n\r\n');
  assert.equal(response.text, 'a, b; 1, 2');
});

test('uniqueHeaders joins the values of one field', async (t) => {
  const { get } = await serve(
    t,
    (_req, res) => {
      res.setHeader('x-one', ['a', 'b']);
      res.setHeader('x-two', ['a', 'b']);
      res.end();
    },
    { uniqueHeaders: ['X-One'] },
  );
  const values = (await get('/')).fields.filter(([name]) => name.startsWith('x-')).map((field) => field.join('='));
  assert.deepEqual(values, ['x-one=a; b', 'x-two=a', 'x-two=b']);
});

test('maxHeaderSize: a longer head is 431, also when the limit is below the default', async (t) => {
  const { connect } = await serve(t, (_req, res) => res.end('ok'), { maxHeaderSize: 1024 });
  assert.equal((await (await connect()).exchange(`GET / HTTP/1.1\r\nHost: x\r\na: ${'a'.repeat(800)}\r\n\r\n`)).status, 200);
  assert.equal((await (await connect()).exchange(`GET / HTTP/1.1\r\nHost: x\r\na: ${'a'.repeat(2000)}\r\n\r\n`)).status, 431);
});

test('maxHeaderSize: a head beyond the default is served when the limit allows it', async (t) => {
  const { connect } = await serve(t, (req, res) => res.end(String(req.headers.a?.length)), { maxHeaderSize: 60_000 });
  const client = await connect();
  assert.equal((await client.exchange(`GET / HTTP/1.1\r\nHost: x\r\na: ${'a'.repeat(50_000)}\r\n\r\n`)).text, '50000');
  assert.equal((await (await connect()).exchange(`GET / HTTP/1.1\r\nHost: x\r\na: ${'a'.repeat(61_000)}\r\n\r\n`)).status, 431);
});

test('maxHeadersCount: fields beyond it are not in `headers`', async (t) => {
  const { server, connect } = await serve(t, (req, res) => res.end(JSON.stringify([req.headers, req.rawHeaders.length])));
  server.maxHeadersCount = 2;
  const response = await (await connect()).exchange('GET / HTTP/1.1\r\nHost: x\r\na: 1\r\nb: 2\r\nc: 3\r\n\r\n');
  assert.equal(withoutPort(response.text), '[{"host":"x","a":"1"},8]');
});

test('requireHostHeader: false takes HTTP/1.1 without Host', async (t) => {
  const { connect } = await serve(t, (req, res) => res.end(String(req.headers.host)), { requireHostHeader: false });
  assert.equal((await (await connect()).exchange('GET / HTTP/1.1\r\n\r\n')).text, 'undefined');
});

test('a port that two servers share requires Host unless both waive it', unless(features.service, 'one server a port'), async (t) => {
  const [lenient, strict] = [false, true].map((requireHostHeader) => createServer({ requireHostHeader }, (_req, res) => res.end('ok')));
  t.after(() => Promise.all([shutDown(lenient), shutDown(strict)]));
  const port = await onFreePort(async (free) => {
    await listening(lenient, `http://*:${free}/a/`);
    return free;
  });
  const statusOf = async (): Promise<number> => {
    const client = await RawClient.connect(port);
    return (await client.exchange('GET /a/ HTTP/1.1\r\n\r\n').finally(() => client.destroy())).status;
  };
  assert.equal(await statusOf(), 200);
  await listening(strict, `http://*:${port}/b/`);
  assert.equal(await statusOf(), 400);
});

test('requireHostHeader is true by default', async (t) => {
  const { connect } = await serve(t, (_req, res) => res.end('ok'));
  const client = await connect();
  assert.equal((await client.exchange('GET / HTTP/1.1\r\n\r\n')).status, 400);
  await client.closed();
});

test("maxRequestsPerSocket: the last one says close, more are 503 with 'dropRequest'", async (t) => {
  const { server, connect } = await serve(t, (_req, res) => res.end('ok'));
  server.maxRequestsPerSocket = 2;
  const dropped: unknown[] = [];
  server.on('dropRequest', (req: http.IncomingMessage, socket: net.Socket) => dropped.push(req.url, socket === req.socket));
  const client = await connect();
  const first = await client.exchange(GET);
  assert.match(String(first.headers['keep-alive']), /^timeout=\d+, max=2$/);
  assert.equal(first.headers.connection, 'keep-alive');
  assert.equal((await client.exchange(GET)).headers.connection, 'close');
  const third = await client.exchange(GET.replace('/ ', '/third '));
  assert.deepEqual([third.status, third.headers.connection], [503, 'close']);
  assert.deepEqual(dropped, ['/third', true]);
});

test("maxConnections, also set while listening: 'drop' tells the client that is turned away", async (t) => {
  const { server, connect } = await serve(t, (_req, res) => res.end('ok'));
  server.maxConnections = 1;
  const drops: { remotePort?: number; localPort?: number; remoteFamily?: string }[] = [];
  server.on('drop', (data) => drops.push(data!));
  const first = await connect();
  assert.equal((await first.exchange(GET)).text, 'ok');
  const outcome = await eventually('a client that is turned away', async () => {
    const client = await connect();
    client.send(GET);
    const bytes = await Promise.race([client.closed(), client.bytes(1)]);
    if (bytes.toString('latin1').startsWith('HTTP/1.1 200')) return void client.destroy();
    return { bytes: bytes.toString('latin1'), port: client.socket.localPort ?? 0 };
  });
  await sameAsNode(
    t,
    'limits.connections',
    () => assert.equal(outcome.bytes, ''),
    () => assert.match(outcome.bytes, /^HTTP\/1\.1 503 /),
  );
  await eventually("'drop'", () => drops.length > 0);
  assert.match(drops[0].remoteFamily!, /^IPv[46]$/);
  assert.equal(typeof drops[0].localPort, 'number');
  assert.equal((await first.exchange(GET)).text, 'ok');
});

test('keepAliveTimeout may be changed while listening', async (t) => {
  const { server, get, connect } = await serve(t, (_req, res) => res.end('ok'));
  assert.equal((await get('/')).text, 'ok');
  server.keepAliveTimeout = 77_000;
  assert.equal(server.keepAliveTimeout, 77_000);
  await eventually('the new timeout', async () => (await (await connect()).exchange(GET)).headers['keep-alive'] === 'timeout=77');
});

test('keepAliveTimeout: 0 says nothing of a timeout', async (t) => {
  const { connect } = await serve(t, (_req, res) => res.end('ok'), { keepAliveTimeout: 0 });
  const response = await (await connect()).exchange(GET);
  assert.deepEqual([response.headers.connection, response.headers['keep-alive']], ['keep-alive', undefined]);
});

test('keepAliveTimeout of parts of a second is told in whole ones', async (t) => {
  const { connect } = await serve(t, (_req, res) => res.end('ok'), { keepAliveTimeout: 1500 });
  assert.equal((await (await connect()).exchange(GET)).headers['keep-alive'], 'timeout=1');
});

test('requestTimeout: a request whose body drips is given up with 408', async (t) => {
  const options = { headersTimeout: 300, requestTimeout: 300, connectionsCheckingInterval: 50 };
  const { connect } = await serve(t, (req) => req.on('error', () => undefined).resume(), options);
  const client = await connect();
  client.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n');
  const dripping = client.drip('x'.repeat(90_000));
  assert.equal((await client.response()).status, 408);
  client.destroy();
  await dripping;
});

test('requestTimeout does not count while the application works', async (t) => {
  const options = { headersTimeout: 200, requestTimeout: 200, connectionsCheckingInterval: 50 };
  const { request } = await serve(t, (req, res) => void req.on('end', () => setTimeout(() => res.end('late'), 600)).resume(), options);
  assert.equal((await request('/', { method: 'POST', body: 'x' })).text, 'late');
});

test('strictContentLength: a mismatch throws', async (t) => {
  const codes: unknown[] = [];
  const { connect } = await serve(t, (req, res) => {
    (res as unknown as { strictContentLength: boolean }).strictContentLength = true;
    res.setHeader('Content-Length', req.url === '/less' ? 5 : 2);
    try {
      if (req.url === '/less') res.write('abc');
      res.end(req.url === '/less' ? '' : 'abc');
    } catch (error) {
      codes.push((error as NodeJS.ErrnoException).code);
      req.socket.destroy();
    }
  });
  for (const url of ['/less', '/more']) {
    const client = await connect();
    client.send(GET.replace('/ ', `${url} `));
    await client.closed();
  }
  assert.deepEqual(codes, ['ERR_HTTP_CONTENT_LENGTH_MISMATCH', 'ERR_HTTP_CONTENT_LENGTH_MISMATCH']);
});

test('rejectNonStandardBodyWrites: a body where there is none throws', async (t) => {
  const codes: unknown[] = [];
  const { get, request } = await serve(
    t,
    (req, res) => {
      if (req.method !== 'HEAD') res.statusCode = 204;
      for (const call of [() => res.write('x'), () => res.end('x')]) {
        assert.throws(call, (error: NodeJS.ErrnoException) => codes.push(error.code) > 0);
      }
      res.end();
    },
    { rejectNonStandardBodyWrites: true },
  );
  assert.equal((await get('/')).status, 204);
  assert.equal((await request('/', { method: 'HEAD' })).status, 200);
  assert.deepEqual(codes, Array(4).fill('ERR_HTTP_BODY_NOT_ALLOWED'));
});

test(
  'optimizeEmptyRequests: a request without a body has ended',
  unless(features.httpsys || nodeHas(25), 'this Node has no such option'),
  async (t) => {
    const options = { optimizeEmptyRequests: true } as TestServerOptions;
    const events: string[] = [];
    const { get, request } = await serve(
      t,
      (req, res) => {
        for (const name of ['data', 'end', 'close']) req.on(name, () => events.push(`${req.method} ${name}`));
        const { readableEnded } = req;
        if (req.method === 'GET') res.end(String(readableEnded));
        else req.on('end', () => res.end(String(readableEnded)));
      },
      options,
    );
    assert.equal((await get('/')).text, 'true');
    assert.equal((await request('/', { method: 'POST', body: 'x' })).text, 'false');
    assert.deepEqual(events.slice(0, 2), ['POST data', 'POST end']);
  },
);

test('http.maxHeaderSize is a number, and `listening` tells the state', async (t) => {
  assert.equal(typeof http.maxHeaderSize, 'number');
  const { server } = await serve(t);
  assert.equal(server.listening, true);
  const closed = nextEvent(server, 'close');
  server.close();
  assert.equal(server.listening, false);
  await closed;
});
