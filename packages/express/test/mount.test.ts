// What an app mounted on a URL prefix must show is what the same app shows on node:http behind app.use('/express', app): each case is asked
// of both, on Express 4 and 5 and on both engines.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import express5 from 'express';
import express4 from 'express4';
import supertest from 'supertest';
import { isHttpsysRequest } from '@httpsys/core';
import { httpsysExpress, type ExpressApplication } from '../src/index';
import { close, listenOn, privateService, request, type Answer, type EngineName } from '../../core/test/support/adapters';

type Express = typeof express5;

const serviceGone = privateService();
after(serviceGone);

/** Shows what routing did to the request, at several depths. */
function makeApp(express: Express) {
  const app = express();
  const show = (req: express5.Request, res: express5.Response) => {
    const { method, url, baseUrl, originalUrl, path, params, query, hostname } = req;
    res.json({ method, url, baseUrl, originalUrl, path, params, query, hostname, app: req.app === app });
  };
  app.get('/', show);
  app.get('/hello', show);
  app.post('/hello', express.json(), (req, res) => void res.status(201).json({ got: req.body as unknown, baseUrl: req.baseUrl }));
  app.get('/users/:id', show);
  app.get('/away', (req, res) => res.redirect('hello?from=away'));
  app.get('/away/base', (req, res) => res.redirect(302, `${req.baseUrl}/hello`));
  app.get('/fails', () => {
    throw new Error('on purpose');
  });
  app.get('/rewritten', (req, res, next) => {
    req.url = '/hello';
    next('route');
  });

  const router = express.Router();
  router.get('/', show);
  router.get('/leaf', show);
  const inner = express.Router({ mergeParams: true });
  inner.get('/leaf', show);
  router.use('/inner/:depth', inner);
  app.use('/router', router);

  const sub = express();
  sub.get('/leaf', (req, res) => void res.json({ url: req.url, baseUrl: req.baseUrl, originalUrl: req.originalUrl, sub: req.app === sub }));
  app.use('/sub', sub);
  // After a sub-app has passed, requests are those of this app again.
  app.get('/sub/passed', show);
  app.set('env', 'test');
  return app;
}

const targets = [
  '/express/',
  '/express',
  '/express?x=1',
  '/express/?x=1',
  '/express/hello',
  '/express/hello?a=1&a=2&b=%2Fc',
  '/express/hello/',
  '/express/users/J%C3%B6rg',
  '/express/away',
  '/express/away/base',
  '/express/fails',
  '/express/rewritten',
  '/express/router',
  '/express/router/leaf?deep=1',
  '/express/router/inner/3/leaf',
  '/express/sub/leaf?x',
  '/express/sub/passed',
  '/express/nowhere',
];

for (const [name, express] of [['Express 4', express4] as const, ['Express 5', express5] as const]) {
  for (const engine of ['embedded', 'service'] as EngineName[]) {
    describe(`${name}, ${engine}`, () => {
      const ours = httpsysExpress(makeApp(express));
      const theirs = http.createServer(express().use('/express', makeApp(express)));
      let oursUrl = '';
      let theirsUrl = '';

      before(async () => {
        oursUrl = new URL(await listenOn(ours.server, '/express/', engine)).origin;
        theirs.listen(0, '127.0.0.1');
        await once(theirs, 'listening');
        theirsUrl = `http://127.0.0.1:${(theirs.address() as AddressInfo).port}`;
      });
      after(async () => {
        await close(ours.server);
        await close(theirs);
      });

      for (const target of targets) {
        test(`${target} is routed as behind app.use`, async () => {
          const [given, expected] = await Promise.all([request(oursUrl, { target }), request(theirsUrl, { target })]);
          assert.deepEqual(comparable(given), comparable(expected));
        });
      }

      test('an absolute-form target is routed as behind app.use', async () => {
        const target = 'http://example.test/express/hello?x=1';
        const [given, expected] = await Promise.all([request(oursUrl, { target }), request(theirsUrl, { target })]);
        const pick = (answer: Answer) => {
          const { baseUrl, path, originalUrl, query } = JSON.parse(answer.body) as Record<string, unknown>;
          return { baseUrl, path, originalUrl, query };
        };
        assert.deepEqual(pick(given), pick(expected));
      });

      test('a posted body reaches the body parser', async () => {
        const answer = await request(`${oursUrl}/express/hello`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: '{"a":[1,2]}',
        });
        assert.equal(answer.status, 201);
        assert.deepEqual(JSON.parse(answer.body), { got: { a: [1, 2] }, baseUrl: '/express' });
      });
    });
  }

  describe(`${name}, message classes`, () => {
    test('requests and responses are born with the prototypes that Express sets, and are known as ours', async () => {
      const app = makeApp(express);
      const seen: boolean[] = [];
      app.get('/classes', (req, res) => {
        seen.push(Object.getPrototypeOf(req) === app.request, Object.getPrototypeOf(res) === app.response);
        seen.push(isHttpsysRequest(req), req instanceof http.IncomingMessage, res instanceof http.ServerResponse);
        res.end();
      });
      const { server } = httpsysExpress(app);
      server.prependListener('request', (req, res) => {
        seen.push(Object.getPrototypeOf(req) === app.request, Object.getPrototypeOf(res) === app.response);
      });
      await supertest(server).get('/classes').expect(200);
      assert.deepEqual(seen, Array(7).fill(true));
      await close(server);
    });

    test('what is added to express.request and app.response later is seen', async () => {
      const app = makeApp(express);
      const { server } = httpsysExpress(app);
      Object.defineProperty(app.response, 'shout', {
        value(this: express5.Response, text: string) {
          this.send(text.toUpperCase());
        },
      });
      app.get('/shout', (req, res) => (res as unknown as { shout(text: string): void }).shout('hi'));
      await supertest(server).get('/shout').expect(200, 'HI');
      await close(server);
    });

    test('the app still runs on node:http, and on a second server of ours', async () => {
      const app = makeApp(express);
      const first = httpsysExpress(app).server;
      const second = httpsysExpress(app).server;
      const plain = http.createServer(app);
      for (const server of [first, plain, second, first]) {
        const { body } = await supertest(server).get('/hello?x=1').expect(200);
        assert.equal(body.url, '/hello?x=1');
        assert.equal(body.baseUrl, '');
        await supertest(server).post('/hello').send({ a: 1 }).expect(201);
      }
      for (const server of [first, plain, second]) await close(server);
    });
  });
}

test('httpsysExpress refuses what is not an Express app', () => {
  for (const wrong of [undefined, null, {}, () => undefined, http.createServer()]) {
    assert.throws(() => httpsysExpress(wrong as unknown as ExpressApplication), TypeError);
  }
});

test('listen(0) has bound the port when it returns, as older versions of supertest expect', async () => {
  const { server } = httpsysExpress(makeApp(express5));
  const { port } = server.listen(0).address() as AddressInfo;
  assert.ok(port > 0);
  assert.equal((await request(`http://127.0.0.1:${port}/hello`)).status, 200);
  await close(server);
});

test('listen and close of the wrapper are those of the server', async () => {
  const wrapper = httpsysExpress(makeApp(express5));
  const listening = await new Promise((resolve) => wrapper.listen(0, () => resolve(wrapper.server.listening)));
  assert.equal(listening, true);
  await new Promise((resolve) => wrapper.close(resolve));
  assert.equal(wrapper.server.listening, false);
});

/** What two servers must agree on: all but date, connection handling, and addresses in pages. */
function comparable(answer: Answer) {
  const { status, headers, body } = answer;
  const { date: _date, connection: _connection, 'keep-alive': _keepAlive, ...rest } = headers;
  return { status, headers: rest, body: body.replaceAll(/ {4}at .*|<br> &nbsp;.*/g, '') };
}
