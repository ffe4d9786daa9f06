/** Those who look on: perf_hooks, async_hooks, AsyncLocalStorage, diagnostics_channel, captureRejections. */
import { test } from 'node:test';
import * as assert from 'node:assert/strict';
import { AsyncLocalStorage, createHook, executionAsyncResource } from 'node:async_hooks';
import * as diagnostics from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import { PerformanceObserver, type PerformanceEntry } from 'node:perf_hooks';
import { createServer, listen, serve, shutDown, type TestListener } from '../support/engine';
import { RawClient, fetchOnce } from '../support/client';
import { deferred, eventually } from '../support/poll';
import { withoutPort } from '../support/wine';

const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

interface HttpDetail {
  req: { method: string; url: string; headers: Record<string, string> };
  res: { statusCode: number; statusMessage: string; headers: Record<string, unknown> };
}

for (const [how, listener] of [
  ['end', (_req, res) => res.end('ok')],
  ['writes', (_req, res) => (res.write('o'), res.end('k'))],
] as [string, TestListener][]) {
  test(`perf_hooks: an 'http' entry for a response by ${how}`, async (t) => {
    const entries: (PerformanceEntry & { detail?: unknown })[] = [];
    const observer = new PerformanceObserver((list) => entries.push(...list.getEntries()));
    observer.observe({ entryTypes: ['http'] });
    t.after(() => observer.disconnect());
    const { connect } = await serve(t, (req, res) => {
      res.setHeader('x-a', 'b');
      listener(req, res);
    });
    assert.equal((await (await connect()).exchange(GET.replace('/ ', '/path '))).text, 'ok');
    await eventually('the entry', () => entries.length > 0);
    assert.equal(entries.length, 1);
    const { name, entryType, duration } = entries[0];
    assert.deepEqual([name, entryType, duration >= 0], ['HttpRequest', 'http', true]);
    assert.deepEqual(JSON.parse(withoutPort(JSON.stringify(entries[0].detail))) as HttpDetail, {
      req: { method: 'GET', url: '/path', headers: { host: 'x' } },
      res: { statusCode: 200, statusMessage: 'OK', headers: { 'x-a': 'b' } },
    });
  });
}

test('async_hooks: listeners run in a resource of type HTTPINCOMINGMESSAGE, which is destroyed', async (t) => {
  const types = new Map<number, string>();
  const destroyed: string[] = [];
  const hook = createHook({
    init: (id, type) => type === 'HTTPINCOMINGMESSAGE' && types.set(id, type),
    destroy: (id) => types.has(id) && destroyed.push(types.get(id)!),
  }).enable();
  t.after(() => hook.disable());
  let resource: object | null = null;
  const { connect } = await serve(t, (_req, res) => {
    resource = executionAsyncResource();
    res.end('ok');
  });
  const client = await connect();
  assert.equal((await client.exchange(GET)).text, 'ok');
  assert.ok(resource !== null);
  assert.ok(types.size > 0);
  client.destroy();
  await eventually("the resource's end", () => destroyed.length > 0);
});

test('AsyncLocalStorage: what one request enters is kept through its events and not seen by another connection', async (t) => {
  const storage = new AsyncLocalStorage<string>();
  const { port } = await serve(t, (req, res) => {
    assert.equal(storage.getStore(), undefined);
    storage.run(req.url!, () => {
      setImmediate(() => void Promise.resolve().then(() => res.end(storage.getStore())));
    });
  });
  const texts = await Promise.all(
    [...Array(20).keys()].map(async (n) => (await fetchOnce(port, `/${n}`, { method: 'POST', body: 'x' })).text),
  );
  assert.deepEqual(
    texts,
    [...Array(20).keys()].map((n) => `/${n}`),
  );
});

/** From Node 24 on the store belongs to the call that entered it, not to the connection's resource, also on node:http. */
const resourcesKeepStores = Number(process.versions.node.split('.')[0]) < 24;

test(
  "AsyncLocalStorage.enterWith in a listener holds for the body's pieces, its end and its trailers",
  {
    skip: resourcesKeepStores ? false : 'from Node 24 on it ends with the call',
  },
  async (t) => {
    const storage = new AsyncLocalStorage<string>();
    const seen: [string, string | undefined][] = [];
    const came = deferred<void>();
    const { connect } = await serve(t, (req, res) => {
      storage.enterWith('this one');
      req.on('data', (piece: Buffer) => seen.push([piece.toString(), storage.getStore()]));
      req.on('end', () => {
        seen.push([req.trailers['x-sum']!, storage.getStore()]);
        res.end('ok');
      });
      came.resolve();
    });
    const client = await connect();
    client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
    await came.promise;
    client.send('1\r\na\r\n');
    await eventually('the piece', () => seen.length === 1);
    client.send('0\r\nX-Sum: 1\r\n\r\n');
    assert.equal((await client.response()).text, 'ok');
    assert.deepEqual(seen, [
      ['a', 'this one'],
      ['1', 'this one'],
    ]);
    client.destroy();
  },
);

test('diagnostics_channel: start, created and finish of each exchange', async (t) => {
  const names = ['http.server.request.start', 'http.server.response.finish'];
  // Node tells of the response itself from 23.2 on.
  const log: [string, string[]][] = [];
  for (const name of names) {
    const listener = (message: unknown): void => void log.push([name, Object.keys(message as object).sort()]);
    diagnostics.subscribe(name, listener);
    t.after(() => diagnostics.unsubscribe(name, listener));
  }
  const { get } = await serve(t, (_req, res) => res.end('ok'));
  assert.equal((await get('/')).text, 'ok');
  await eventually('both', () => log.length === 2);
  const keys = ['request', 'response', 'server', 'socket'];
  assert.deepEqual(
    log,
    names.map((name) => [name, keys]),
  );
});

test('captureRejections: an async listener that rejects is 500, its fields dropped; begun, the connection ends', async (t) => {
  const before = EventEmitter.captureRejections;
  EventEmitter.captureRejections = true;
  let server;
  try {
    server = createServer({}, (async (req, res) => {
      res.setHeader('x-secret', 'y');
      if (req.url === '/begun') res.write('a');
      await Promise.resolve();
      throw new Error('the handler failed');
    }) as TestListener);
  } finally {
    EventEmitter.captureRejections = before;
  }
  const running = server;
  t.after(() => shutDown(running));
  const port = await listen(server);
  const failed = await fetchOnce(port, '/');
  assert.deepEqual([failed.status, failed.text, failed.headers['x-secret']], [500, 'Internal Server Error', undefined]);
  const client = await RawClient.connect(port);
  client.send(GET.replace('/ ', '/begun '));
  await client.closed();
  client.destroy();
});
