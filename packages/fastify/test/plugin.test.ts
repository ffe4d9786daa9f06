import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, describe, test } from 'node:test';
import Fastify, { type FastifyInstance } from 'fastify';
import { httpsysFastify } from '../src/index';
import defaultExport from '../src/index';
import { privateService, request, type EngineName } from '../../core/test/support/adapters';
import { freePort } from '../../core/test/support/free-port.cjs';

// No test waits for an entry to expire, so entries live longer than a test file.
const ttl = 600;
const serviceGone = privateService();
after(serviceGone);

async function makeApp(engine: EngineName) {
  const port = await freePort();
  const app = Fastify();
  await app.register(httpsysFastify, { prefix: `http://*:${port}/fastify/`, engine });
  let count = 0;
  app.get('/hello', async (req) => ({ url: req.url, originalUrl: req.originalUrl, query: req.query, raw: req.raw.url }));
  app.post('/hello', async (req) => ({ got: req.body }));
  app.get('/cached', { config: { kernelCache: { ttl } } }, async () => ({ count: ++count }));
  app.get('/uncached', async () => ({ count: ++count }));
  app.get(
    '/hooked',
    { config: { kernelCache: { untilFlushed: true } }, onSend: async (req, reply) => void reply.header('x-own', 'yes') },
    async () => ({
      count: ++count,
    }),
  );
  app.get('/failing', { config: { kernelCache: { ttl } } }, async () => {
    throw new Error(`failure ${++count}`);
  });
  await app.register(
    async (inner) => {
      inner.get('/leaf', async (req) => ({ url: req.url }));
    },
    { prefix: '/inner' },
  );
  return { app, base: `http://127.0.0.1:${port}/fastify`, prefix: `http://*:${port}/fastify/` };
}

for (const engine of ['embedded', 'service'] as EngineName[]) {
  describe(engine, () => {
    let app: FastifyInstance;
    let base = '';
    const json = async (path: string) => JSON.parse((await request(base + path)).body) as Record<string, unknown>;
    after(() => app.close());

    test('listenHttpsys serves the routes relative to the prefix', async () => {
      const made = await makeApp(engine);
      ({ app, base } = made);
      assert.deepEqual(await app.listenHttpsys(), [made.prefix]);
      assert.deepEqual(await json('/hello?x=1'), {
        url: '/hello?x=1',
        originalUrl: '/fastify/hello?x=1',
        query: { x: '1' },
        raw: '/hello?x=1',
      });
      assert.deepEqual(await json('/inner/leaf'), { url: '/inner/leaf' });
    });

    test("Fastify's own answers work: 404, a posted body, a bad one, HEAD", async () => {
      assert.equal((await request(`${base}/nowhere`)).status, 404);
      const headers = { 'content-type': 'application/json' };
      const posted = await request(`${base}/hello`, { method: 'POST', headers, body: '{"a":1}' });
      assert.deepEqual(JSON.parse(posted.body), { got: { a: 1 } });
      assert.equal((await request(`${base}/hello`, { method: 'POST', headers, body: '{"a":' })).status, 400);
      const head = await request(`${base}/hello`, { method: 'HEAD' });
      assert.deepEqual([head.status, head.body], [200, '']);
    });

    test('config.kernelCache: the second answer does not come from the app', async () => {
      const first = await json('/cached');
      assert.deepEqual(await json('/cached'), first);
      assert.notDeepEqual(await json('/uncached'), await json('/uncached'));
    });

    test("config.kernelCache stands beside the route's own onSend, and flushCache lets the app answer again", async () => {
      const first = await request(`${base}/hooked`);
      assert.equal(first.headers['x-own'], 'yes');
      assert.equal((await request(`${base}/hooked`)).body, first.body);
      assert.equal(await app.httpsysServer.flushCache(`${base}/hooked`), 1);
      assert.notEqual((await request(`${base}/hooked`)).body, first.body);
    });

    test('a failure of a cached route is not stored', async () => {
      const first = await request(`${base}/failing`);
      assert.equal(first.status, 500);
      assert.notEqual((await request(`${base}/failing`)).body, first.body);
    });

    test('inject() is untouched', async () => {
      const { app: injected } = await makeApp(engine);
      const first = await injected.inject('/cached');
      assert.deepEqual(first.json(), { count: 1 });
      assert.deepEqual((await injected.inject('/cached')).json(), { count: 2 });
      assert.equal((await injected.inject('/hello')).json().originalUrl, '/hello');
      await injected.close();
    });

    test('app.close() closes the server after what is in flight was answered, and frees the prefix', async () => {
      const made = await makeApp(engine);
      const order: string[] = [];
      made.app.addHook('onClose', async () => void order.push('onClose'));
      const entered = new Promise<void>((resolve) => {
        made.app.get('/slow', async () => {
          resolve();
          await once(made.app.httpsysServer, 'test:go');
          order.push('answered');
          return 'slow';
        });
      });
      await made.app.listenHttpsys();
      const answer = request(`${made.base}/slow`);
      await entered;
      const closed = made.app.close();
      setImmediate(() => made.app.httpsysServer.emit('test:go'));
      assert.equal((await answer).body, 'slow');
      await closed;
      assert.deepEqual(order, ['answered', 'onClose']);
      assert.equal(made.app.httpsysServer.listening, false);

      const next = Fastify();
      await next.register(httpsysFastify, { prefix: made.prefix, engine });
      await next.listenHttpsys();
      await next.close();
    });

    test('a taken prefix is an EADDRINUSE of listenHttpsys', async () => {
      const made = await makeApp(engine);
      await made.app.listenHttpsys();
      const second = Fastify();
      await second.register(httpsysFastify, { prefix: made.prefix, engine });
      await assert.rejects(second.listenHttpsys(), { code: 'EADDRINUSE' });
      await second.close();
      await made.app.close();
    });
  });
}

test('several prefixes reach one app', async () => {
  const port = await freePort();
  const app = Fastify();
  await app.register(httpsysFastify, { prefixes: [`http://*:${port}/a/`, `http://*:${port}/b/c/`] });
  app.get('/where', async (req) => req.originalUrl);
  await app.listenHttpsys();
  for (const folder of ['/a', '/b/c']) {
    assert.equal((await request(`http://127.0.0.1:${port}${folder}/where`)).body, `${folder}/where`);
  }
  await app.close();
});

test('an app that never listens can be closed', async () => {
  const { app } = await makeApp('service');
  await app.close();
});

test('listenHttpsys without a prefix, and with a malformed one, says what is wrong', async () => {
  const without = Fastify();
  await without.register(httpsysFastify);
  await assert.rejects(without.listenHttpsys(), { name: 'TypeError', message: /prefix/ });
  await without.close();
  const app = Fastify();
  await app.register(httpsysFastify, { prefix: 'http://*/no-port/' });
  await assert.rejects(app.listenHttpsys(), { code: 'ERR_HTTPSYS_PREFIX_INVALID' });
  await app.close();
});

test('a wrong policy is refused when the route is added', async () => {
  const app = Fastify();
  await app.register(httpsysFastify, { prefix: 'http://*:1/x/' });
  assert.throws(() => app.get('/', { config: { kernelCache: { ttl: -1 } } }, async () => ''), { code: 'ERR_HTTPSYS_CACHE_POLICY' });
  await app.close();
});

test('the plugin is exported by name and as the default', () => {
  assert.equal(defaultExport, httpsysFastify);
});
