/** When a response is stored (http-server-api.md section 5.1 and 5.2). */
import { test, type TestContext } from 'node:test';
import * as assert from 'node:assert/strict';
import { engine, features, serve, unless, type Running, type TestListener, type TestServerOptions } from '../support/engine';
import { freePort } from '../support/free-port.cjs';
import { startChild } from '../support/child';
import { RawClient, fetchOnce, type RawResponse } from '../support/client';
import { eventually } from '../support/poll';

const cache = unless(features.httpsys, 'node:http has no output cache');

interface Site extends Running {
  /** Requests the application has seen. */
  calls: () => number;
}

/** A server whose listener counts. */
async function site(t: TestContext, listener: TestListener, options: TestServerOptions = {}): Promise<Site> {
  let calls = 0;
  const running = await serve(
    t,
    (req, res) => {
      calls++;
      listener(req, res);
    },
    options,
  );
  return { ...running, calls: () => calls };
}

/** Whether two requests in a row cost one call of the application. */
async function isStored(
  t: TestContext,
  listener: TestListener,
  headers: Record<string, string> = {},
  options: TestServerOptions = {},
): Promise<boolean> {
  const { get, calls } = await site(t, listener, options);
  const first = await get('/x', headers);
  const second = await get('/x');
  assert.equal(first.status, second.status);
  return calls() === 1;
}

/** A response that is stored but for what `change` does to it. */
const answer =
  (change: TestListener = () => undefined): TestListener =>
  (req, res) => {
    res.cachePolicy = { ttl: 60 };
    res.setHeader('Content-Type', 'text/plain');
    change(req, res);
    if (!res.writableEnded) res.end('stored');
  };

test('CACHE-1: a policy with a time to live is stored, without a policy it is not', cache, async (t) => {
  assert.equal(await isStored(t, answer()), true);
  assert.equal(
    await isStored(
      t,
      answer((_req, res) => (res.cachePolicy = { untilFlushed: true })),
    ),
    true,
  );
  assert.equal(await isStored(t, (_req, res) => void (res.setHeader('Content-Type', 'text/plain'), res.end('plain'))), false);
});

test('CACHE-1: a time to live below one second stores nothing', cache, async (t) => {
  assert.equal(
    await isStored(
      t,
      answer((_req, res) => (res.cachePolicy = { ttl: 0 })),
    ),
    false,
  );
  assert.equal(
    await isStored(
      t,
      answer((_req, res) => (res.cachePolicy = { ttl: 0.5 })),
    ),
    false,
  );
});

test('CACHE-2: only a whole response is stored', cache, async (t) => {
  assert.equal(
    await isStored(
      t,
      answer((_req, res) => void (res.write('sto'), setImmediate(() => res.end('red')))),
    ),
    false,
  );
  assert.equal(
    await isStored(
      t,
      answer((_req, res) => void (res.flushHeaders(), setImmediate(() => res.end('stored')))),
    ),
    false,
  );
});

const wholeEnds: [what: string, finish: TestListener][] = [
  ['end(text)', (_req, res) => void res.end('stored')],
  ['end(Buffer)', (_req, res) => void res.end(Buffer.from('stored'))],
  ['end(text, encoding), as Express calls it', (_req, res) => void res.end('stored', 'utf8')],
  ['end(text, callback)', (_req, res) => void res.end('stored', () => undefined)],
  ['end(text, encoding, callback)', (_req, res) => void res.end('c3RvcmVk', 'base64', () => undefined)],
  ['end(text, null, null), as Fastify calls it', (_req, res) => void res.end('stored', null as never, null as never)],
  ['writeHead, then end', (_req, res) => void (res.writeHead(200, { 'Content-Type': 'text/html' }), res.end('stored'))],
  [
    'a replaced writeHead, as on-headers does it',
    (_req, res) => {
      const original = res.writeHead;
      res.writeHead = ((...values: unknown[]) => Reflect.apply(original, res, values) as unknown) as never;
      res.end('stored');
    },
  ],
  [
    'a replaced end',
    (_req, res) => {
      const original = res.end;
      res.end = ((...values: unknown[]) => Reflect.apply(original, res, values) as unknown) as never;
      res.end('stored');
    },
  ],
];

for (const [what, finish] of wholeEnds) {
  test(`CACHE-2: the whole response of ${what} is stored`, cache, async (t) => {
    const { get, calls } = await site(t, answer(finish));
    for (let n = 0; n < 2; n++) assert.equal((await get('/x')).text, 'stored');
    assert.equal(calls(), 1);
  });
}

test('CACHE-3: only GET is stored', cache, async (t) => {
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
    const { request, get, calls } = await site(t, answer());
    await request('/x', { method, body: '' });
    await get('/x');
    assert.equal(calls(), 2, method);
  }
});

test('CACHE-3: HEAD is not stored', cache, async (t) => {
  const { request, get, calls } = await site(t, answer());
  await request('/x', { method: 'HEAD' });
  assert.equal((await get('/x')).text, 'stored');
  assert.equal(calls(), 2);
});

test('CACHE-4: a GET with a body is not stored', cache, async (t) => {
  const { request, get, calls } = await site(
    t,
    answer((req) => void req.resume()),
  );
  await request('/x', { body: 'body' });
  await get('/x');
  assert.equal(calls(), 2);
});

test('CACHE-5: HTTP/1.0 requests are stored and served', cache, async (t) => {
  const { port, get, calls } = await site(t, answer());
  const old = async (): Promise<RawResponse> => {
    const client = await RawClient.connect(port);
    const response = await client.exchange('GET /x HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n');
    await client.closed();
    client.destroy();
    return response;
  };
  assert.equal((await old()).text, 'stored');
  assert.equal((await old()).text, 'stored');
  assert.equal(calls(), 1);
  await get('/x');
});

const refusing: [rule: string, what: string, headers: Record<string, string>][] = [
  ['CACHE-6', 'Translate: f', { Translate: 'f' }],
  ['CACHE-7', 'an Expect other than 100-continue', { Expect: 'something' }],
  ['CACHE-8', 'Authorization', { Authorization: 'Basic eDp5' }],
  ['CACHE-9', 'Range', { Range: 'bytes=0-1' }],
  ['CACHE-9', 'If-Range', { 'If-Range': '"tag"', Range: 'bytes=0-1' }],
];

for (const [rule, what, headers] of refusing) {
  test(`${rule}: a request with ${what} is not stored`, cache, async (t) => {
    const { server, get, calls } = await site(t, answer());
    server.on('checkExpectation', (req, res) => server.emit('request', req, res));
    await get('/x', headers);
    await get('/x');
    assert.equal(calls(), 2);
  });
}

test('CACHE-10: a response beyond 256 KiB is not stored, one below is', cache, async (t) => {
  const big = Buffer.alloc(300 * 1024, 'b');
  const small = Buffer.alloc(200 * 1024, 's');
  const { get, calls } = await site(
    t,
    answer((req, res) => void res.end(req.url === '/big' ? big : small)),
  );
  for (let n = 0; n < 2; n++) assert.ok((await get('/big')).body.equals(big));
  assert.equal(calls(), 2);
  for (let n = 0; n < 2; n++) assert.ok((await get('/small')).body.equals(small));
  assert.equal(calls(), 3);
});

test('CACHE-10: cacheEntryBytes moves the limit, both ways', cache, async (t) => {
  const big = Buffer.alloc(1024 * 1024, 'b');
  const more = await site(
    t,
    answer((_req, res) => void res.end(big)),
    { cacheEntryBytes: 2 * 1024 * 1024 },
  );
  for (let n = 0; n < 2; n++) assert.ok((await more.get('/big')).body.equals(big));
  assert.equal(more.calls(), 1);
  const less = await site(
    t,
    answer((_req, res) => void res.end('x'.repeat(2000))),
    { cacheEntryBytes: 1000 },
  );
  await less.get('/x');
  await less.get('/x');
  assert.equal(less.calls(), 2);
});

test('CACHE-11: a response without Content-Type is not stored', cache, async (t) => {
  assert.equal(
    await isStored(
      t,
      answer((_req, res) => void res.removeHeader('Content-Type')),
    ),
    false,
  );
});

for (const status of [200, 201, 301, 404, 410, 500, 503]) {
  test(`CACHE-12: status ${status} is stored`, cache, async (t) => {
    const { get, calls } = await site(
      t,
      answer((_req, res) => void (res.statusCode = status)),
    );
    assert.equal((await get('/x')).status, status);
    const again = await get('/x');
    assert.equal(again.status, status);
    assert.equal(again.text, 'stored');
    assert.equal(calls(), 1);
  });
}

for (const status of [206, 304]) {
  test(`CACHE-12: status ${status} is not stored`, cache, async (t) => {
    assert.equal(
      await isStored(
        t,
        answer((_req, res) => void (res.statusCode = status)),
      ),
      false,
    );
  });
}

test('CACHE-13: a response with an invalid Last-Modified is not stored', cache, async (t) => {
  assert.equal(
    await isStored(
      t,
      answer((_req, res) => void res.setHeader('Last-Modified', 'yesterday')),
    ),
    false,
  );
  assert.equal(
    await isStored(
      t,
      answer((_req, res) => void res.setHeader('Last-Modified', 'Thu, 01 Jan 2026 00:00:00 GMT')),
    ),
    true,
  );
});

test('CACHE-17: an empty body with a Content-Type is stored', cache, async (t) => {
  assert.equal(
    await isStored(
      t,
      answer((_req, res) => void res.end()),
    ),
    true,
  );
});

const notPreventing: [what: string, headers: Record<string, string>, response: TestListener][] = [
  ['Cache-Control: no-cache of the request', { 'Cache-Control': 'no-cache' }, () => undefined],
  ['Pragma: no-cache of the request', { Pragma: 'no-cache' }, () => undefined],
  ['a Cookie of the request', { Cookie: 'a=1' }, () => undefined],
  ['Age of the response', {}, (_req, res) => void res.setHeader('Age', '7')],
  ['ETag of the response', {}, (_req, res) => void res.setHeader('ETag', '"v1"')],
  ['Connection: close of the response', {}, (_req, res) => void res.setHeader('Connection', 'close')],
  ['an own Content-Length', {}, (_req, res) => void res.setHeader('Content-Length', '6')],
];

for (const [what, headers, change] of notPreventing) {
  test(`5.2: ${what} does not prevent storing`, cache, async (t) => {
    assert.equal(await isStored(t, answer(change), headers), true);
  });
}

const private_: [what: string, change: TestListener][] = [
  ['Set-Cookie', (_req, res) => void res.setHeader('Set-Cookie', 'a=1')],
  ['Vary', (_req, res) => void res.setHeader('Vary', 'Accept-Language')],
  ['Cache-Control: private', (_req, res) => void res.setHeader('Cache-Control', 'max-age=5, private')],
  ['Cache-Control: no-store', (_req, res) => void res.setHeader('Cache-Control', 'no-store')],
];

for (const [what, change] of private_) {
  test(`a policy for ${what} is refused, with one warning; force stores all the same`, cache, async (t) => {
    const warnings: Error[] = [];
    const note = (warning: Error): void => void warnings.push(warning);
    process.on('warning', note);
    t.after(() => process.removeListener('warning', note));
    const { get, calls } = await site(t, answer(change));
    for (let n = 0; n < 3; n++) await get('/x');
    assert.equal(calls(), 3);
    await eventually('the warning', () => warnings.length > 0);
    const ours = warnings.filter((warning) => (warning as NodeJS.ErrnoException).code === 'HTTPSYS_CACHE_REFUSED');
    assert.equal(ours.length, 1, String(ours));
    assert.equal(
      await isStored(
        t,
        answer((req, res) => void (change(req, res), (res.cachePolicy = { ttl: 60, force: true } as never))),
      ),
      true,
    );
  });
}

test('an invalid policy throws ERR_HTTPSYS_CACHE_POLICY', cache, async (t) => {
  const codes: unknown[] = [];
  const { get } = await site(t, (_req, res) => {
    for (const policy of [{}, { ttl: 'x' }, { ttl: -1 }, { ttl: 1, untilFlushed: true }, 5]) {
      try {
        res.cachePolicy = policy as never;
        codes.push('none');
      } catch (error) {
        codes.push((error as NodeJS.ErrnoException).code);
      }
    }
    res.end();
  });
  await get('/');
  assert.deepEqual(
    codes,
    Array.from({ length: 5 }, () => 'ERR_HTTPSYS_CACHE_POLICY'),
  );
});

test('a policy of the server goes for every response that sets none', cache, async (t) => {
  const { get, calls } = await site(
    t,
    (req, res) => {
      res.setHeader('Content-Type', 'text/plain');
      if (req.url === '/never') res.cachePolicy = null as never;
      res.end('by default');
    },
    { cachePolicy: { ttl: 60 } } as never,
  );
  for (let n = 0; n < 2; n++) await get('/always');
  assert.equal(calls(), 1);
  for (let n = 0; n < 2; n++) await get('/never');
  assert.equal(calls(), 3);
});

test("res.cacheDuration is the original package's name for the time to live", cache, async (t) => {
  const { get, calls } = await site(t, (_req, res) => {
    (res as unknown as { cacheDuration: number }).cacheDuration = 60;
    res.setHeader('Content-Type', 'text/plain');
    res.end('stored');
  });
  for (let n = 0; n < 2; n++) await get('/x');
  assert.equal(calls(), 1);
});

test('HTTPSYS_CACHE_DURATION is the policy of programs that cannot be edited', cache, async (t) => {
  const child = startChild(
    t,
    `
    let calls = 0;
    const server = createServer((req, res) => { res.setHeader('Content-Type', 'text/plain'); res.end(String(++calls)); });
    listenAndReport(server, process.env.PREFIX || undefined);
  `,
    { HTTPSYS_CACHE_DURATION: '60', PREFIX: engine === 'service' ? `http://*:${await freePort()}/` : '' },
  );
  const { address } = (await child.report('listening')) as { address: { port: number } };
  const texts: string[] = [];
  for (let n = 0; n < 3; n++) texts.push((await fetchOnce(address.port, '/x')).text);
  assert.deepEqual(texts, ['1', '1', '1']);
});
