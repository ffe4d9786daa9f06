/**
 * Published packages on the engine under test, used as their own documentation does. All of it is what node:http does as well:
 * HTTPSYS_TEST_ENGINE=node runs the same tests against the oracle.
 */
import { test, type TestContext } from 'node:test';
import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import * as zlib from 'node:zlib';
import type * as http from 'node:http';
import express from 'express';
import Fastify from 'fastify';
import Koa from 'koa';
import supertest from 'supertest';
import { createServer, engine, serve, shutDown, unless, type Running } from '../support/engine';
import type { RawResponse } from '../support/client';
import { eventually } from '../support/poll';

type Middleware = (request: unknown, response: unknown, next: (error?: unknown) => void) => void;

const loadPackage = createRequire(__filename);
/** A middleware package without types of its own. */
const middleware = (name: string, ...options: unknown[]): Middleware =>
  (loadPackage(name) as (...all: unknown[]) => Middleware)(...options);

const file = fs.readFileSync(__filename);
const ports = unless(engine !== 'service', 'supertest and fastify.listen bind ports');

/** Runs a listener behind one middleware. */
function behind(
  t: TestContext,
  before: Middleware,
  listener: (req: http.IncomingMessage, res: http.ServerResponse) => void,
): Promise<Running> {
  return serve(t, (req, res) => before(req, res, () => listener(req, res)));
}

function expressApp(): express.Express {
  const app = express();
  app.set('env', 'test');
  for (const [name, ...options] of [['helmet'], ['cors'], ['compression', { threshold: 100 }], ['cookie-parser']] as [
    string,
    ...unknown[],
  ][]) {
    app.use(middleware(name, ...options) as express.RequestHandler);
  }
  app.use(express.json({ limit: 1000 }));
  app.get('/', (_req, res) => res.send('hello'));
  app.get('/json', (req, res) => res.json({ host: req.hostname, protocol: req.protocol, cookies: req.cookies as unknown }));
  app.post('/echo', (req, res) => res.status(201).json(req.body));
  app.get('/file', (_req, res) => res.sendFile(__filename));
  app.get('/text', (_req, res) => res.type('text').send(file.toString()));
  app.get('/throw', () => {
    throw new Error('by the handler');
  });
  app.get('/cookie', (_req, res) => res.cookie('a', '1').cookie('b', '2').redirect('/'));
  const sub = express();
  sub.get('/page', (req, res) => res.send(`sub ${req.baseUrl}`));
  app.use('/sub', sub);
  return app;
}

for (const [how, wrap] of [
  ['as the listener', (app: express.Express) => app],
  ['called by a listener', (app: express.Express) => (req: http.IncomingMessage, res: http.ServerResponse) => app(req, res)],
] as [string, (app: express.Express) => (req: http.IncomingMessage, res: http.ServerResponse) => void][]) {
  test(`Express ${how}: bodies, files, ranges, errors, sub-applications, and the usual middleware`, async (t) => {
    const { get, request } = await serve(t, wrap(expressApp()));
    const home = await get('/');
    assert.equal(home.text, 'hello');
    assert.equal(home.headers['x-frame-options'], 'SAMEORIGIN');
    assert.equal(home.headers['access-control-allow-origin'], '*');
    assert.equal((await get('/', { 'If-None-Match': String(home.headers.etag) })).status, 304);
    const json = JSON.parse((await get('/json', { Cookie: 'c=3' })).text) as Record<string, unknown>;
    assert.equal(json.protocol, 'http');
    assert.deepEqual(json.cookies, { c: '3' });
    const headers = { 'Content-Type': 'application/json' };
    const echo = await request('/echo', { method: 'POST', headers, body: '{"a":[1]}' });
    assert.equal(echo.status, 201);
    assert.equal(echo.text, '{"a":[1]}');
    assert.equal((await request('/echo', { method: 'POST', headers, body: '{bad' })).status, 400);
    assert.equal((await request('/echo', { method: 'POST', headers, body: `"${'x'.repeat(300_000)}"` })).status, 413);
    assert.deepEqual((await get('/file')).body, file);
    const part = await get('/file', { Range: 'bytes=3-9' });
    assert.equal(part.status, 206);
    assert.deepEqual(part.body, file.subarray(3, 10));
    assert.equal((await get('/file', { Range: 'bytes=99999999-' })).status, 416);
    const head = await request('/file', { method: 'HEAD' });
    assert.equal(head.headers['content-length'], String(file.length));
    assert.equal((await get('/throw')).status, 500);
    const moved = await get('/cookie');
    assert.equal(moved.status, 302);
    assert.deepEqual(
      moved.fields.filter(([name]) => name.toLowerCase() === 'set-cookie').map(([, value]) => value),
      ['a=1; Path=/', 'b=2; Path=/'],
    );
    assert.equal((await get('/sub/page')).text, 'sub /sub');
    // finalhandler answers when the body that nobody read has ended.
    assert.equal((await request('/nothing', { method: 'POST', body: 'x'.repeat(200_000) })).status, 404);
    const zipped = await get('/text', { 'Accept-Encoding': 'gzip' });
    assert.equal(zipped.headers['content-encoding'], 'gzip');
    assert.deepEqual(zlib.gunzipSync(zipped.body), file);
  });
}

test('what an application adds to express.response later is seen by requests', async (t) => {
  const app = express();
  app.get('/', (_req, res) => (res as unknown as { sendTwice(text: string): void }).sendTwice('ab'));
  const { get } = await serve(t, app);
  const shared = express.response as unknown as Record<string, unknown>;
  shared.sendTwice = function sendTwice(this: express.Response, text: string): void {
    this.send(text + text);
  };
  t.after(() => delete shared.sendTwice);
  assert.equal((await get('/')).text, 'abab');
});

for (const how of ['end', 'write', 'pipe', 'flush']) {
  test(`compression: a body sent by ${how} arrives whole`, async (t) => {
    const body = 'compressible '.repeat(2000);
    const { get, request } = await behind(t, middleware('compression'), (_req, res) => {
      res.setHeader('Content-Type', 'text/plain');
      res.setHeader('Content-Length', body.length);
      if (how === 'end') res.end(body);
      else {
        res.write(body.slice(0, 5000));
        if (how === 'flush') (res as unknown as { flush(): void }).flush();
        setImmediate(() => res.end(body.slice(5000)));
      }
    });
    const zipped = await get('/', { 'Accept-Encoding': 'gzip' });
    assert.equal(zipped.headers['content-length'], undefined);
    assert.equal(zlib.gunzipSync(zipped.body).toString(), body);
    assert.equal((await get('/')).text, body);
    assert.equal((await request('/', { method: 'HEAD', headers: { 'Accept-Encoding': 'gzip' } })).status, 200);
  });
}

test('express-session keeps a session, and saves it before the last byte of a body of known length', async (t) => {
  const session = middleware('express-session', { secret: 'for a test', resave: false, saveUninitialized: true });
  const { get } = await behind(t, session, (req, res) => {
    const { session: kept } = req as unknown as { session: { count?: number } };
    kept.count = (kept.count ?? 0) + 1;
    const text = `visit ${kept.count}`;
    res.setHeader('Content-Length', text.length);
    res.end(text);
  });
  const first = await get('/');
  assert.equal(first.text, 'visit 1');
  const cookie = String(first.fields.find(([name]) => name.toLowerCase() === 'set-cookie')?.[1]).split(';')[0] as string;
  assert.equal((await get('/', { Cookie: cookie })).text, 'visit 2');
});

test('morgan logs status, length and client of each request once', async (t) => {
  const lines: string[] = [];
  const stream = { write: (line: string): void => void lines.push(line.trim()) };
  const log = middleware('morgan', ':method :url :status :res[content-length] HTTP/:http-version :remote-addr', { stream });
  const { get } = await behind(t, log, (_req, res) => {
    res.setHeader('Content-Length', 2);
    res.end('ok');
  });
  await get('/a');
  await get('/b');
  await eventually('both lines', () => lines.length >= 2);
  const expected = ['GET /a 200 2 HTTP/1.1', 'GET /b 200 2 HTTP/1.1'];
  assert.deepEqual(
    lines.map((line) => line.replace(/ (?:::ffff:)?127\.0\.0\.1$/, '')),
    expected,
  );
});

test('Koa: streams, objects, errors, 204, own message, and ctx.respond = false', async (t) => {
  const app = new Koa();
  app.silent = true;
  app.use((ctx) => {
    switch (ctx.path) {
      case '/stream':
        ctx.body = fs.createReadStream(__filename);
        break;
      case '/object':
        ctx.body = { secure: ctx.secure };
        break;
      case '/none':
        ctx.status = 204;
        break;
      case '/message':
        ctx.status = 200;
        ctx.message = 'Own';
        ctx.body = 'text';
        break;
      case '/raw':
        ctx.respond = false;
        setImmediate(() => ctx.res.end('raw'));
        break;
      default:
        throw new Error('by the middleware');
    }
  });
  const { get, request } = await serve(t, app.callback());
  assert.deepEqual((await get('/stream')).body, file);
  assert.equal((await get('/object')).text, '{"secure":false}');
  assert.equal((await request('/object', { method: 'HEAD' })).headers['content-length'], '16');
  assert.equal((await get('/none')).status, 204);
  const own: RawResponse = await get('/message');
  assert.equal(own.reason, 'Own');
  assert.equal(own.text, 'text');
  assert.equal((await get('/raw')).text, 'raw');
  assert.equal((await get('/error')).status, 500);
});

test('Fastify by serverFactory: handlers, streams, trailers, hijacking, and its hooks', async (t) => {
  const answered: string[] = [];
  let handler: ((req: http.IncomingMessage, res: http.ServerResponse) => void) | null = null;
  const app = Fastify({
    serverFactory: (given) => {
      handler = given as never;
      return createServer() as never;
    },
  });
  app.addHook('onResponse', (request, _reply, done) => {
    answered.push(request.url);
    done();
  });
  app.get('/', () => Promise.resolve({ a: 1 }));
  app.post('/', (request) => Promise.resolve(request.body));
  app.get('/stream', (_request, reply) => reply.send(fs.createReadStream(__filename)));
  app.get('/trailer', (_request, reply) => reply.trailer('x-after', (_reply, _payload, done) => done(null, 'yes')).send('body'));
  app.get('/hijack', (_request, reply) => {
    reply.hijack();
    reply.raw.end('raw');
  });
  await app.ready();
  t.after(() => app.close());
  const { get, request } = await serve(t, handler as never);
  assert.equal((await get('/')).text, '{"a":1}');
  assert.equal((await request('/', { method: 'HEAD' })).headers['content-length'], '7');
  const headers = { 'Content-Type': 'application/json' };
  assert.equal((await request('/', { method: 'POST', headers, body: '{"b":2}' })).text, '{"b":2}');
  assert.equal((await request('/', { method: 'POST', headers, body: '{bad' })).status, 400);
  assert.deepEqual((await get('/stream')).body, file);
  const trailer = await get('/trailer');
  assert.equal(trailer.text, 'body');
  assert.deepEqual(trailer.trailers, [['x-after', 'yes']]);
  assert.equal((await get('/hijack')).text, 'raw');
  assert.equal((await get('/missing')).status, 404);
  const urls = ['/', '/', '/', '/', '/stream', '/trailer', '/hijack', '/missing'];
  await eventually('every hook', () => answered.length === urls.length);
  assert.deepEqual(answered, urls);
});

test('fastify.listen binds once and closes', ports, async () => {
  let made = 0;
  const app = Fastify({
    serverFactory: (handler) => {
      made++;
      return createServer({}, handler as never) as never;
    },
  });
  app.get('/', () => Promise.resolve('ok'));
  const address = await app.listen({ port: 0, host: '127.0.0.1' });
  assert.equal(await (await fetch(address)).text(), 'ok');
  assert.equal(made, 1);
  await app.close();
  assert.equal(app.server.listening, false);
});

test('supertest opens and closes a server for each request', ports, async () => {
  const server = createServer({}, expressApp());
  assert.equal((await supertest(server).get('/')).text, 'hello');
  assert.equal((await supertest(server).get('/nothing')).status, 404);
  const agent = supertest.agent(server);
  assert.equal((await agent.get('/')).status, 200);
  assert.equal((await agent.get('/json')).status, 200);
  await shutDown(server);
});
