/** How entries end other than by their time: flushing, eviction, the end of their queue (section 5.4). */
import { test, type TestContext } from 'node:test';
import * as assert from 'node:assert/strict';
import {
  anyHost,
  createServer,
  features,
  listening,
  onFreePort,
  serve,
  shutDown,
  unless,
  type Running,
  type TestServer,
} from '../support/engine';
import { freePort } from '../support/free-port.cjs';
import { fetchOnce } from '../support/client';
import { privateRuntime, startChild } from '../support/child';

const cache = unless(features.httpsys, 'node:http has no output cache');

/** A site whose pages are stored until flushed and say how often each was made. */
async function site(t: TestContext, prefix = '/'): Promise<Running & { made: (path: string) => Promise<number> }> {
  const counts = new Map<string, number>();
  const running = await serve(
    t,
    (req, res) => {
      const n = (counts.get(req.url as string) ?? 0) + 1;
      counts.set(req.url as string, n);
      res.cachePolicy = { untilFlushed: true };
      res.setHeader('Content-Type', 'text/plain');
      res.end(String(n));
    },
    {},
    prefix,
  );
  return { ...running, made: async (path) => Number((await running.get(path)).text) };
}

test('CACHE-33: flushing one URL drops its entry only, and tells how many', cache, async (t) => {
  const { server, made } = await site(t, '/f/');
  for (const path of ['/f/a', '/f/b', '/f/a/deep']) assert.equal(await made(path), 1);
  assert.equal(await server.flushCache('/f/a'), 1);
  assert.deepEqual([await made('/f/a'), await made('/f/b'), await made('/f/a/deep')], [2, 1, 1]);
  assert.equal(await server.flushCache('/f/nothing'), 0);
});

test('CACHE-33: a recursive flush drops all below, on segment boundaries', cache, async (t) => {
  const { server, made } = await site(t, '/f/');
  const paths = ['/f/a', '/f/a/', '/f/a/b', '/f/a/b/c', '/f/ab', '/f/a?q', '/f/x'];
  for (const path of paths) assert.equal(await made(path), 1);
  const flushed = await server.flushCache('/f/a', { recursive: true });
  assert.ok(flushed >= 4, String(flushed));
  assert.deepEqual([await made('/f/a/b'), await made('/f/a/b/c'), await made('/f/a/')], [2, 2, 2]);
  assert.deepEqual([await made('/f/ab'), await made('/f/x')], [1, 1]);
});

test('CACHE-33: a recursive flush of the prefix drops everything', cache, async (t) => {
  const { server, made } = await site(t, '/f/');
  for (const path of ['/f/', '/f/1', '/f/2?x']) assert.equal(await made(path), 1);
  assert.equal(await server.flushCache('/f/', { recursive: true }), 3);
  for (const path of ['/f/', '/f/1', '/f/2?x']) assert.equal(await made(path), 2);
});

test('CACHE-33: a full URL flushes the entry of its host', cache, async (t) => {
  const { server, port, request } = await site(t, '/f/');
  const from = async (host: string): Promise<string> => (await request('/f/a', { host })).text;
  const one = `one.example:${port}`;
  const two = `two.example:${port}`;
  assert.equal(await from(one), '1');
  assert.equal(await from(two), '2');
  assert.equal(await server.flushCache(`http://${one}/f/a`), 1);
  assert.equal(await from(two), '2');
  assert.equal(await from(one), '3');
});

test('CACHE-33: a query is part of what is flushed', cache, async (t) => {
  const { server, made } = await site(t, '/f/');
  assert.deepEqual([await made('/f/a?1'), await made('/f/a?2')], [1, 1]);
  assert.equal(await server.flushCache('/f/a?1'), 1);
  assert.deepEqual([await made('/f/a?1'), await made('/f/a?2')], [2, 1]);
});

test("CACHE-33: another queue's entries stay", cache, async (t) => {
  await onFreePort(async (port) => {
    const counts = { a: 0, b: 0 };
    const start = async (name: 'a' | 'b'): Promise<TestServer> => {
      const server = createServer({}, (_req, res) => {
        res.cachePolicy = { untilFlushed: true };
        res.setHeader('Content-Type', 'text/plain');
        res.end(String(++counts[name]));
      });
      t.after(() => shutDown(server));
      await listening(server, `http://${anyHost}:${port}/${name}/`);
      return server;
    };
    const a = await start('a');
    await start('b');
    const ask = async (path: string): Promise<string> => (await fetchOnce(port, path)).text;
    assert.deepEqual([await ask('/a/x'), await ask('/b/x')], ['1', '1']);
    assert.equal(await a.flushCache(`http://127.0.0.1:${port}/b/x`).catch(() => 0), 0);
    await a.flushCache('/a/', { recursive: true });
    assert.deepEqual([await ask('/a/x'), await ask('/b/x')], ['2', '1']);
  });
});

test('CACHE-34: the entries of a server that closed are gone', cache, async (t) => {
  await onFreePort(async (port) => {
    let made = 0;
    const server = createServer({}, (_req, res) => {
      res.cachePolicy = { untilFlushed: true };
      res.setHeader('Content-Type', 'text/plain');
      res.end(String(++made));
    });
    t.after(() => shutDown(server));
    const prefix = `http://${anyHost}:${port}/c/`;
    await listening(server, prefix);
    assert.equal((await fetchOnce(port, '/c/x')).text, '1');
    await shutDown(server);
    await listening(server, prefix);
    assert.equal((await fetchOnce(port, '/c/x')).text, '2');
  });
});

test('flushCache of a server that is not listening is ERR_HTTPSYS_NOT_LISTENING', cache, async () => {
  await assert.rejects(async () => createServer().flushCache('/'), { code: 'ERR_HTTPSYS_NOT_LISTENING' });
});

test('flushing the same page again and again while it is asked for', cache, async (t) => {
  const { server, made } = await site(t, '/f/');
  let last = 0;
  for (let n = 0; n < 50; n++) {
    const [value] = await Promise.all([made('/f/a'), server.flushCache('/f/a')]);
    assert.ok(value >= last, `${value} after ${last}`);
    last = value;
  }
  await server.flushCache('/f/a');
  assert.ok((await made('/f/a')) > 1);
});

test('CACHE-15, CACHE-31: the cache is bounded in bytes; what was used longest ago goes first', cache, async (t) => {
  const child = startChild(
    t,
    `
    const made = new Map();
    const server = createServer((req, res) => {
      made.set(req.url, (made.get(req.url) || 0) + 1);
      res.cachePolicy = { untilFlushed: true };
      res.setHeader('Content-Type', 'text/plain');
      res.end(Buffer.alloc(20 * 1024, 'x'));
    });
    const go = async () => {
      const { port } = server.address();
      const agent = new (require('node:http').Agent)({ keepAlive: true, maxSockets: 1 });
      const get = (path) => new Promise((resolve, reject) => {
        require('node:http').get({ host: '127.0.0.1', port, path, agent }, (res) => { res.resume(); res.on('end', resolve); }).on('error', reject);
      });
      for (let n = 0; n < 400; n++) { await get('/p' + n); await get('/hot'); }
      const state = await server.queryState();
      await get('/p0');
      await get('/p399');
      report({ cache: state.cache, cold: made.get('/p0'), recent: made.get('/p399'), hot: made.get('/hot') });
    };
    if (engine === 'service') server.listen('http://*:' + process.env.PORT + '/', go);
    else server.listen(0, '127.0.0.1', go);
  `,
    // A directory of its own: the service it starts has the small cache.
    { HTTPSYS_CACHE_BYTES: String(1024 * 1024), HTTPSYS_RUNTIME_DIR: privateRuntime(t), PORT: String(await freePort()) },
  );
  const result = (await child.report('cache', 20_000)) as unknown as {
    cache: { bytes: number; evictions: number; entries: number };
    cold: number;
    recent: number;
    hot: number;
  };
  assert.ok(result.cache.bytes <= 1024 * 1024, `${result.cache.bytes} bytes`);
  assert.ok(result.cache.evictions > 300, `${result.cache.evictions} evictions`);
  assert.ok(result.cache.entries > 0);
  assert.deepEqual([result.cold, result.recent, result.hot], [2, 1, 1]);
});
