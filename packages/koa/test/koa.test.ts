// Each case runs on Koa 2 and 3, on both engines.
import assert from 'node:assert/strict';
import * as http from 'node:http';
import { PassThrough } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import Koa3 from 'koa';
import Koa2 from 'koa2';
import supertest from 'supertest';
import { createServer, isHttpsysRequest } from '@httpsys/core';
import { httpsysKoa, kernelCache, type KoaApplication } from '../src/index';
import { close, listenOn, privateService, request, type EngineName } from '../../core/test/support/adapters';

// No test waits for an entry to expire, so entries live longer than a test file.
const ttl = 600;
const serviceGone = privateService();
after(serviceGone);

type Handler = (ctx: Koa3.Context, next: Koa3.Next) => unknown;

function makeApp(Koa: typeof Koa3) {
  const app = new Koa();
  app.silent = true;
  let count = 0;
  const shielded = (policy: Parameters<typeof kernelCache>[0], handler: Handler): Handler => {
    const middleware = kernelCache(policy);
    return (ctx) => middleware(ctx, async () => void (await handler(ctx, async () => undefined)));
  };
  const counted: Handler = (ctx) => (ctx.body = { count: ++count });
  const routes: Record<string, Handler> = {
    '/hello': (ctx) => {
      const { path, url, originalUrl, mountPath, query, href } = ctx;
      ctx.body = { path, url, originalUrl, mountPath, query, href, ours: isHttpsysRequest(ctx.req) };
    },
    '/echo': (ctx) => (ctx.body = ctx.req.pipe(new PassThrough())),
    '/uncached': counted,
    '/cached': shielded({ ttl }, counted),
    '/kept': shielded({ untilFlushed: true }, counted),
    '/assigned': (ctx) => {
      ctx.kernelCache = { ttl };
      assert.deepEqual(ctx.kernelCache, isHttpsysRequest(ctx.req) ? { ttl } : null);
      counted(ctx, async () => undefined);
    },
    '/withdrawn': shielded({ ttl }, (ctx) => {
      ctx.kernelCache = null;
      counted(ctx, async () => undefined);
    }),
    '/invalid': (ctx) => (ctx.kernelCache = { ttl: -1 }),
    '/failing': shielded({ ttl }, (ctx) => {
      ctx.status = 503;
      counted(ctx, async () => undefined);
    }),
    '/throwing': shielded({ ttl }, (ctx) => ctx.throw(500, `failure ${++count}`, { expose: true })),
    '/late': shielded({ ttl }, counted),
    '/streamed': shielded({ ttl }, (ctx) => {
      const body = new PassThrough();
      body.end(JSON.stringify({ count: ++count }));
      ctx.body = body;
    }),
    '/own': (ctx) => {
      ctx.respond = false;
      ctx.res.writeHead(200, { 'Content-Type': 'text/plain' }).end('own');
    },
  };
  app.use(async (ctx, next) => {
    await next();
    if (ctx.path === '/late') ctx.throw(500, `failure ${count}`, { expose: true });
  });
  app.use(async (ctx, next) => routes[ctx.path]?.(ctx, next));
  return app;
}

for (const [name, Koa] of [['Koa 2', Koa2] as const, ['Koa 3', Koa3] as const]) {
  for (const engine of ['embedded', 'service'] as EngineName[]) {
    describe(`${name}, ${engine}`, () => {
      const { server } = httpsysKoa(makeApp(Koa));
      let base = '';
      const json = async (path: string) => JSON.parse((await request(base + path)).body) as Record<string, unknown>;
      before(async () => {
        base = await listenOn(server, '/koa/', engine);
      });
      after(() => close(server));

      test('the app is mounted as by koa-mount', async () => {
        assert.deepEqual(await json('/hello?x=1'), {
          path: '/hello',
          url: '/hello?x=1',
          originalUrl: '/koa/hello?x=1',
          mountPath: '/koa',
          query: { x: '1' },
          href: `${base}/hello?x=1`,
          ours: true,
        });
        assert.equal((await request(`${base}/nowhere`)).status, 404);
      });

      test('bodies stream in and out, and ctx.respond = false hands the response over', async () => {
        const body = 'x'.repeat(100_000);
        assert.equal((await request(`${base}/echo`, { method: 'POST', body })).body, body);
        assert.equal((await request(`${base}/own`)).body, 'own');
      });

      for (const path of ['/cached', '/kept', '/assigned']) {
        test(`${path}: the second answer does not come from the app, until it is flushed`, async () => {
          const first = await json(path);
          assert.deepEqual(await json(path), first);
          assert.equal(await server.flushCache(base + path), 1);
          assert.notDeepEqual(await json(path), first);
        });
      }

      for (const path of ['/uncached', '/withdrawn', '/streamed']) {
        test(`${path} is answered by the app each time`, async () => {
          assert.notDeepEqual(await json(path), await json(path));
        });
      }

      for (const [path, status] of [['/failing', 503] as const, ['/throwing', 500] as const, ['/late', 500] as const]) {
        test(`${path}: a failure of a cached route is not stored`, async () => {
          const first = await request(base + path);
          assert.equal(first.status, status);
          assert.notEqual((await request(base + path)).body, first.body);
        });
      }

      test('ctx.kernelCache refuses a wrong policy', async () => {
        assert.equal((await request(`${base}/invalid`)).status, 500);
      });
    });
  }

  describe(`${name}, other servers`, () => {
    test('core hosts app.callback(), and kernelCache works there', async () => {
      const server = createServer(makeApp(Koa).callback());
      const base = await listenOn(server, '/', 'embedded');
      const first = (await request(`${base}/cached`)).body;
      assert.equal((await request(`${base}/cached`)).body, first);
      await close(server);
    });

    test('supertest takes the server of httpsysKoa', async () => {
      const { server } = httpsysKoa(makeApp(Koa));
      const { body } = await supertest(server).get('/hello?x=1').expect(200);
      assert.deepEqual([body.path, body.originalUrl, body.mountPath], ['/hello', '/hello?x=1', undefined]);
      await close(server);
    });

    test('on node:http nothing is mounted and nothing is cached', async () => {
      const app = makeApp(Koa);
      httpsysKoa(app);
      const server = http.createServer(app.callback());
      const { body } = await supertest(server).get('/hello').expect(200);
      assert.deepEqual([body.ours, body.path], [false, '/hello']);
      for (const path of ['/cached', '/assigned']) {
        const first = await supertest(server).get(path).expect(200);
        const second = await supertest(server).get(path).expect(200);
        assert.notDeepEqual(second.body, first.body);
      }
      await close(server);
    });

    test('one app on two servers is mounted once on each', async () => {
      const app = makeApp(Koa);
      const servers = [httpsysKoa(app).server, httpsysKoa(app).server];
      for (const [index, server] of servers.entries()) {
        const base = await listenOn(server, `/same/${index}/same/`, 'embedded');
        const answer = JSON.parse((await request(`${base}/hello`)).body) as Record<string, unknown>;
        assert.deepEqual([answer.path, answer.mountPath], ['/hello', `/same/${index}/same`]);
      }
      for (const server of servers) await close(server);
    });
  });
}

test('httpsysKoa refuses what is not a Koa app', () => {
  for (const wrong of [undefined, null, {}, () => undefined, new Koa3().callback()]) {
    assert.throws(() => httpsysKoa(wrong as unknown as KoaApplication), TypeError);
  }
});

test('kernelCache refuses a wrong policy when the middleware is made', () => {
  for (const wrong of [undefined, null, 2, {}, { ttl: '2' }, { ttl: -1 }]) {
    assert.throws(() => kernelCache(wrong as never), { code: 'ERR_HTTPSYS_CACHE_POLICY' });
  }
});
