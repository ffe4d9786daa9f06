import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import * as http from 'node:http';
import express5 from 'express';
import express4 from 'express4';
import supertest from 'supertest';
import { httpsysExpress, kernelCache, type CacheTable } from '../src/index';
import { compileTable } from '../src/cache-table';
import { close, listenOn, privateService, request, type EngineName } from '../../core/test/support/adapters';

type Express = typeof express5;

// No test waits for an entry to expire, so entries live longer than a test file.
const ttl = 600;
const serviceGone = privateService();
after(serviceGone);

/** Each answer carries its number, so an answer that the app did not make shows. */
function makeApp(express: Express) {
  const app = express();
  let count = 0;
  const answer = (req: express5.Request, res: express5.Response) => void res.json({ count: ++count });
  app.get('/cached', kernelCache({ ttl }), answer);
  app.get('/kept', kernelCache({ untilFlushed: true }), answer);
  app.get('/uncached', answer);
  app.get('/file', kernelCache({ ttl }), (req, res, next) => {
    res.type('text').set('X-Count', String(++count));
    res.respondWithFile!(__filename, { offset: 7, length: 6 }, (error) => error && next(error));
  });
  app.get('/table/:id', answer);
  app.get('/failing', kernelCache({ ttl }), (req, res) => void res.status(503).json({ count: ++count }));
  app.get('/throwing', kernelCache({ ttl }), () => {
    throw Object.assign(new Error(`failure ${++count}`), { status: 500 });
  });
  app.get('/missing', kernelCache({ ttl }), (req, res, next) => next());
  app.use((error: Error, req: express5.Request, res: express5.Response, _next: express5.NextFunction) => {
    res.status(500).json({ count, error: error.message });
  });
  app.use((req, res) => void res.status(404).json({ count: ++count }));
  return app;
}

for (const [name, express] of [['Express 4', express4] as const, ['Express 5', express5] as const]) {
  for (const engine of ['embedded', 'service'] as EngineName[]) {
    describe(`${name}, ${engine}`, () => {
      const { server } = httpsysExpress(makeApp(express), { cache: { 'GET /table/:id': { ttl } } });
      let base = '';
      const get = async (path: string) => JSON.parse((await request(base + path)).body) as { count: number };
      after(() => close(server));

      test('kernelCache: the second answer does not come from the app', async () => {
        base = await listenOn(server, '/express/', engine);
        for (const path of ['/cached', '/kept']) {
          const first = await get(path);
          assert.deepEqual(await get(path), first);
          assert.deepEqual(await get(path), first);
        }
      });

      test('a file that the engine sends is stored', async () => {
        const first = await request(`${base}/file`);
        assert.equal(first.body, 'assert');
        const second = await request(`${base}/file`);
        assert.deepEqual([second.body, second.headers['x-count']], ['assert', first.headers['x-count']]);
      });

      test('a route without a policy is answered by the app each time', async () => {
        assert.notDeepEqual(await get('/uncached'), await get('/uncached'));
      });

      test('the table gives a policy to a route that has none', async () => {
        const first = await get('/table/1');
        assert.deepEqual(await get('/table/1'), first);
        assert.notDeepEqual(await get('/table/2'), first);
      });

      test('flushCache lets the app answer again', async () => {
        const first = await get('/kept');
        assert.deepEqual(await get('/kept'), first);
        assert.equal(await server.flushCache(`${base}/kept`), 1);
        assert.notDeepEqual(await get('/kept'), first);
      });

      for (const [path, status] of [['/failing', 503] as const, ['/throwing', 500] as const, ['/missing', 404] as const]) {
        test(`a failure of a cached route is not stored: ${status}`, async () => {
          const first = await request(base + path);
          const second = await request(base + path);
          assert.equal(first.status, status);
          assert.equal(second.status, status);
          assert.notEqual(first.body, second.body);
        });
      }
    });
  }

  test(`${name}: kernelCache and the table do nothing on node:http`, async () => {
    const app = makeApp(express);
    httpsysExpress(app, { cache: { 'GET /table/:id': { ttl } } });
    const server = http.createServer(app);
    for (const path of ['/cached', '/table/1']) {
      const { body } = await supertest(server).get(path).expect(200);
      const again = await supertest(server).get(path).expect(200);
      assert.notDeepEqual(again.body, body);
    }
    await close(server);
  });
}

test('kernelCache refuses a wrong policy when the route is written', () => {
  for (const wrong of [undefined, null, 2, {}, { ttl: '2' }, { ttl: -1 }, { ttl: NaN }, { ttl: 1, untilFlushed: true }]) {
    assert.throws(() => kernelCache(wrong as never), { code: 'ERR_HTTPSYS_CACHE_POLICY' });
  }
});

describe('the cache table', () => {
  const one = { ttl: 1 };
  const two = { ttl: 2 };
  const three = { untilFlushed: true };
  const table = compileTable({
    'GET /a/:id': one,
    'GET /a/b': two,
    'get /files/*': three,
    'GET /v*': one,
    'GET /a/:id/c': three,
    'GET /': two,
  });

  for (const [url, expected] of [
    ['/a/b', two],
    ['/a/b?x=/y', two],
    ['/a/x', one],
    ['/a/', undefined],
    ['/a', undefined],
    ['/A/b', undefined],
    ['/a/b/', undefined],
    ['/a/x/c', three],
    ['/a//c', undefined],
    ['/files/', three],
    ['/files/deep/down.txt', three],
    ['/files', undefined],
    ['/v2', one],
    ['/v2/x', one],
    ['/', two],
    ['/?x', two],
    ['*', undefined],
    ['', undefined],
    [undefined, undefined],
  ] as const) {
    test(`${String(url)} has ${JSON.stringify(expected) ?? 'no policy'}`, () => {
      assert.equal(table.find('GET', url), expected);
    });
  }

  test('other methods have none', () => {
    for (const method of ['HEAD', 'POST', 'get', undefined]) assert.equal(table.find(method, '/a/b'), undefined);
  });

  for (const key of ['/time', 'GET', 'GET time', 'POST /time', 'HEAD /time', 'GET /a*b', 'GET /a/*/b', 'GET /a?x=1', 'GET /a b', '']) {
    test(`the key ${JSON.stringify(key)} is refused by name`, () => {
      assert.throws(
        () => compileTable({ [key]: one }),
        (error: Error) => error instanceof TypeError && error.message.includes(JSON.stringify(key)),
      );
    });
  }

  test('a wrong policy is refused', () => {
    assert.throws(() => compileTable({ 'GET /time': { ttl: -1 } } as CacheTable), { code: 'ERR_HTTPSYS_CACHE_POLICY' });
  });

  test('there is a bound on patterns, and none on exact paths', () => {
    const many = (suffix: string) => Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`GET /${i}${suffix}`, one]));
    assert.throws(() => compileTable(many('/:id')), /1000/);
    assert.equal(compileTable(many('')).find('GET', '/1000'), one);
  });
});
