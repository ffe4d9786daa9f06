/** When an entry is served, and how (http-server-api.md section 5.3). */
import { test, type TestContext } from 'node:test';
import * as assert from 'node:assert/strict';
import { features, serve, unless, type Running, type TestListener, type TestServerOptions } from '../support/engine';
import { all } from '../support/client';
import { eventually, pace } from '../support/poll';

const cache = unless(features.httpsys, 'node:http has no output cache');

/** A server of one stored page that says how often it was made. */
async function page(
  t: TestContext,
  change: TestListener = () => undefined,
  options: TestServerOptions = {},
  prefix = '/',
): Promise<Running & { calls: () => number }> {
  let calls = 0;
  const running = await serve(
    t,
    (req, res) => {
      calls++;
      req.resume();
      res.cachePolicy = { ttl: 60 };
      res.setHeader('Content-Type', 'text/plain');
      change(req, res);
      if (!res.writableEnded) res.end(`made ${calls}`);
    },
    options,
    prefix,
  );
  return { ...running, calls: () => calls };
}

test('CACHE-20: a hit never reaches the application', cache, async (t) => {
  const { get, calls } = await page(t);
  const first = await get('/x');
  for (let n = 0; n < 20; n++) assert.equal((await get('/x')).text, first.text);
  assert.equal(calls(), 1);
});

test('CACHE-20: hits on one kept connection, pipelined with misses', cache, async (t) => {
  const { connect, calls } = await page(t);
  const client = await connect();
  const ask = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
  await client.exchange(ask('/x'));
  client.send(ask('/x') + ask('/y') + ask('/x') + ask('/x') + ask('/y'));
  const texts: string[] = [];
  for (let n = 0; n < 5; n++) texts.push((await client.response()).text);
  assert.deepEqual(texts, ['made 1', 'made 2', 'made 1', 'made 1', 'made 2']);
  assert.equal(calls(), 2);
});

for (const method of ['HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PURGE']) {
  test(`CACHE-21: ${method} is not served from the cache, and leaves the entry`, cache, async (t) => {
    const { get, request, calls } = await page(t);
    await get('/x');
    await request('/x', { method, ...(method === 'HEAD' ? {} : { body: '' }) });
    assert.equal(calls(), 2);
    assert.equal((await get('/x')).text, 'made 1');
    assert.equal(calls(), 2);
  });
}

test('CACHE-22: entries are kept per host', cache, async (t) => {
  const { request, calls, port } = await page(t);
  await request('/x', { host: `one.example:${port}` });
  await request('/x', { host: `two.example:${port}` });
  assert.equal(calls(), 2);
  await request('/x', { host: `ONE.example:${port}` });
  assert.equal(calls(), 2);
});

test('CACHE-22: the digits of an escape have no case', cache, async (t) => {
  const { get, calls } = await page(t);
  await get('/%e2%82%ac');
  assert.equal((await get('/%E2%82%AC')).text, 'made 1');
  assert.equal(calls(), 1);
});

test('CACHE-22: a path that applications may read in another way neither uses nor makes an entry', cache, async (t) => {
  const { get } = await page(t, (req, res) => res.end(req.url));
  await get('/a/b');
  for (const path of ['/%61/b', '/a/./b', '/a/c/../b', '/a//b', '/a%2Fb', '/a\\b']) assert.equal((await get(path)).text, path);
  assert.equal((await get('/a/b')).text, '/a/b');
});

test('CACHE-23: a query makes another entry', cache, async (t) => {
  const { get, calls } = await page(t);
  assert.equal((await get('/x')).text, 'made 1');
  assert.equal((await get('/x?y')).text, 'made 2');
  assert.equal((await get('/x?Y')).text, 'made 3');
  assert.equal((await get('/x?y')).text, 'made 2');
  assert.equal((await get('/x')).text, 'made 1');
  assert.equal(calls(), 3);
});

const bypass: [what: string, headers: Record<string, string>][] = [
  ['Authorization', { Authorization: 'Bearer t' }],
  ['Translate: f', { Translate: 'f' }],
  ['an Expect other than 100-continue', { Expect: 'magic' }],
];

for (const [what, headers] of bypass) {
  test(`CACHE-24: a request with ${what} goes to the application`, cache, async (t) => {
    const { server, get, calls } = await page(t);
    server.on('checkExpectation', (req, res) => server.emit('request', req, res));
    await get('/x');
    await get('/x', headers);
    assert.equal(calls(), 2);
    assert.equal((await get('/x')).text, 'made 1', 'and does not replace the entry');
  });
}

test('CACHE-24: a GET with a body goes to the application', cache, async (t) => {
  const { get, request, calls } = await page(t);
  await get('/x');
  await request('/x', { body: 'body' });
  assert.equal(calls(), 2);
});

const served: Record<string, string>[] = [
  { 'Cache-Control': 'no-cache' },
  { 'Cache-Control': 'max-age=0' },
  { Pragma: 'no-cache' },
  { Accept: 'image/png' },
  { 'Accept-Encoding': 'gzip' },
  { Cookie: 'session=1' },
  { 'User-Agent': 'other' },
  { Expect: '100-continue' },
];

for (const headers of served) {
  test(`CACHE-25: ${JSON.stringify(headers)} is served from the cache`, cache, async (t) => {
    const { get, calls } = await page(t);
    await get('/x');
    assert.equal((await get('/x', headers)).text, 'made 1');
    assert.equal(calls(), 1);
  });
}

test('CACHE-28: stored fields are replayed, Date is fresh, no Age is added', cache, async (t) => {
  const { get } = await page(t, (_req, res) => {
    res.setHeader('X-One', '1');
    res.setHeader('x-Two', ['a', 'b']);
    res.statusMessage = 'Very fine';
  });
  const first = await get('/x');
  const later = await eventually('another second', async () => {
    const response = await get('/x');
    await pace(50);
    return response.headers.date !== first.headers.date ? response : null;
  });
  assert.equal(later.text, 'made 1');
  assert.equal(later.reason, 'Very fine');
  assert.equal(later.headers['x-one'], '1');
  assert.deepEqual(all(later, 'x-two'), ['a', 'b']);
  assert.equal(later.headers.age, undefined);
  assert.equal(all(later, 'content-length').length, 1);
  assert.equal(all(later, 'content-type').length, 1);
});

test('CACHE-28: connection fields are those of each client', cache, async (t) => {
  const { get, connect, port } = await page(t);
  assert.equal((await get('/x')).headers.connection, 'close');
  const client = await connect();
  const kept = await client.exchange(`GET /x HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
  assert.equal(kept.text, 'made 1');
  assert.equal(kept.headers.connection, 'keep-alive');
  assert.equal((await client.exchange(`GET /x HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`)).text, 'made 1');
});

test('CACHE-30: HTTP/1.0 clients are served with their connection rules', cache, async (t) => {
  const { connect, calls, port } = await page(t);
  const host = `Host: 127.0.0.1:${port}`;
  const client = await connect();
  await client.exchange(`GET /x HTTP/1.1\r\n${host}\r\n\r\n`);
  const old = await client.exchange(`GET /x HTTP/1.0\r\n${host}\r\n\r\n`);
  assert.equal(old.text, 'made 1');
  await client.closed();
  assert.equal(calls(), 1);
});

test('CACHE-32: an entry ends with its time to live', cache, async (t) => {
  const { get, calls } = await page(t, (_req, res) => (res.cachePolicy = { ttl: 1 }));
  assert.equal((await get('/x')).text, 'made 1');
  await eventually('a new entry', async () => (await get('/x')).text === 'made 2');
  assert.equal((await get('/x')).text, 'made 2');
  assert.equal(calls(), 2);
});

test('an entry without a time to live outlasts one with', cache, async (t) => {
  const { get } = await page(t, (req, res) => (res.cachePolicy = req.url === '/kept' ? { untilFlushed: true } : { ttl: 1 }));
  const kept = await get('/kept');
  const short = await get('/short');
  await eventually('the short one to end', async () => (await get('/short')).text !== short.text);
  assert.equal((await get('/kept')).text, kept.text);
});

test('hits are counted by queryState', cache, async (t) => {
  const { server, get } = await page(t);
  const hits = async (): Promise<number> => ((await server.queryState()) as { cache: { hits: number } }).cache.hits;
  await get('/x');
  const before = await hits();
  for (let n = 0; n < 7; n++) await get('/x');
  assert.equal((await hits()) - before, 7);
});

test('single flight: while an entry is renewed, one request goes to the application and the rest wait for it', cache, async (t) => {
  const waiting: (() => void)[] = [];
  let calls = 0;
  const { get } = await serve(t, (_req, res) => {
    calls++;
    const n = calls;
    const finish = (): void => {
      res.cachePolicy = { ttl: 1 };
      res.setHeader('Content-Type', 'text/plain');
      res.end(`made ${n}`);
    };
    if (n === 1) finish();
    else waiting.push(finish);
  });
  await get('/x');
  const requests: Promise<{ text: string }>[] = [];
  await eventually('the end of the first entry', () => {
    requests.push(get('/x'));
    return pace(30).then(() => waiting.length > 0);
  });
  for (let n = 0; n < 10; n++) requests.push(get('/x'));
  await pace(100);
  assert.equal(calls, 2, 'one renewal is with the application');
  waiting[0]?.();
  const texts = new Set((await Promise.all(requests)).map((response) => response.text));
  assert.ok(
    [...texts].every((text) => text === 'made 1' || text === 'made 2'),
    [...texts].join(),
  );
  assert.ok(texts.has('made 2'));
  assert.equal(calls, 2);
});

test('single flight: when the renewal is not stored, those who wait are answered all the same', cache, async (t) => {
  const waiting: (() => void)[] = [];
  let calls = 0;
  const { get } = await serve(t, (_req, res) => {
    const n = ++calls;
    if (n === 1) {
      res.cachePolicy = { ttl: 1 };
      res.setHeader('Content-Type', 'text/plain');
      res.end('made 1');
    } else waiting.push(() => res.end(`made ${n}`));
  });
  await get('/x');
  const requests: Promise<{ text: string }>[] = [];
  await eventually('the end of the entry', () => {
    requests.push(get('/x'));
    return pace(30).then(() => waiting.length > 0);
  });
  for (let n = 0; n < 5; n++) requests.push(get('/x'));
  const all = Promise.all(requests);
  let done = false;
  void all.then(() => (done = true));
  await eventually('all answers', () => {
    waiting.splice(0).forEach((finish) => finish());
    return done;
  });
  assert.ok((await all).every((response) => /^made \d+$/.test(response.text)));
});

test('single flight: when the application aborts the renewal, those who wait are answered all the same', cache, async (t) => {
  let calls = 0;
  let held: (() => void) | undefined;
  const { get } = await serve(t, (_req, res) => {
    const n = ++calls;
    if (n === 2) {
      held = () => res.destroy();
      return;
    }
    res.cachePolicy = { ttl: 1 };
    res.setHeader('Content-Type', 'text/plain');
    res.end(`made ${n}`);
  });
  await get('/x');
  const requests: Promise<unknown>[] = [];
  await eventually('the end of the entry', () => {
    requests.push(get('/x').catch((error: Error) => error));
    return pace(30).then(() => held);
  });
  for (let n = 0; n < 5; n++) requests.push(get('/x').catch((error: Error) => error));
  held?.();
  const results = await Promise.all(requests);
  assert.ok(results.filter((result) => result instanceof Error).length <= 1, 'only the renewal itself may fail');
});
