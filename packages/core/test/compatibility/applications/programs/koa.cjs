'use strict';
const { createReadStream } = require('node:fs');
const path = require('node:path');
const { PassThrough, Readable } = require('node:stream');
const Koa = require('koa');
const stop = require('./stop.cjs');
const watch = require('./watch.cjs');

const files = path.join(__dirname, 'public');

async function read(req) {
  let text = '';
  req.setEncoding('utf8');
  for await (const piece of req) text += piece;
  return text;
}

const routes = {
  'GET /text': (ctx) => (ctx.body = 'text'),
  'GET /json': (ctx) => (ctx.body = { hello: 'world' }),
  'GET /buffer': (ctx) => (ctx.body = Buffer.from([0, 1, 254, 255])),
  'GET /empty': (ctx) => (ctx.status = 204),
  'GET /facts': (ctx) => {
    const { method, url, host, hostname, protocol, secure, ip, ips, fresh, path: at, querystring } = ctx;
    ctx.body = { method, url, host, hostname, protocol, secure, ip, ips, fresh, at, querystring, version: ctx.req.httpVersion };
  },
  'GET /params/1': (ctx) => (ctx.body = { query: ctx.query }),
  'GET /fields': (ctx) => {
    ctx.set({ 'X-One': '1', 'X-Many': ['a', 'b'] });
    ctx.append('X-Many', 'c');
    ctx.vary('Accept');
    ctx.body = ctx.get('x-asked') || 'nothing';
  },
  'GET /cookies': (ctx) => {
    ctx.cookies.set('a', '1');
    ctx.cookies.set('b', 'xy', { path: '/b', httpOnly: false });
    ctx.body = ctx.cookies.get('asked') ?? 'none';
  },
  'GET /redirect': (ctx) => ctx.redirect('/text'),
  'GET /moved': (ctx) => {
    ctx.status = 301;
    ctx.redirect('/text');
  },
  'GET /error': () => {
    throw new Error('failed');
  },
  'GET /error-later': async (ctx) => {
    await new Promise(setImmediate);
    ctx.throw(418, 'teapot', { headers: { 'X-Pot': 'tea' } });
  },
  'GET /stream': (ctx) => (ctx.body = Readable.from(['a', 'b', 'c'])),
  'GET /stream-fails': (ctx) => {
    const source = new PassThrough();
    ctx.body = source;
    source.write('begun');
    setTimeout(() => source.destroy(new Error('broken')), 20);
  },
  'GET /web-stream': (ctx) => (ctx.body = new Response('of the web').body),
  'GET /blob': (ctx) => (ctx.body = new Blob(['blob'])),
  'GET /response': (ctx) => (ctx.body = new Response('response', { status: 203, headers: { 'x-a': 'b' } })),
  'GET /large': (ctx) => (ctx.body = 'x'.repeat(1 << 20)),
  'GET /file-stream': (ctx) => {
    ctx.type = 'txt';
    ctx.body = createReadStream(path.join(files, 'digits.txt'));
  },
  'GET /no-file': (ctx) => (ctx.body = createReadStream(path.join(files, 'nowhere.txt'))),
  'GET /etag': (ctx) => {
    ctx.status = 200;
    ctx.etag = 'same';
    if (ctx.fresh) ctx.status = 304;
    else ctx.body = 'changed';
  },
  'GET /own-answer': (ctx) => {
    ctx.respond = false;
    ctx.res.writeHead(200, { 'X-Own': 'yes' });
    ctx.res.end('own');
  },
  'GET /flushed': (ctx) => {
    ctx.body = new PassThrough();
    ctx.flushHeaders();
    setImmediate(() => ctx.body.end('flushed'));
  },
  'GET /events': (ctx) => {
    watch(ctx.req, ctx.res);
    ctx.body = 'watched';
  },
  '/wait': (ctx) => {
    watch(ctx.req, ctx.res);
    ctx.respond = false;
    ctx.req.resume();
    console.log('waiting');
  },
  'GET /endless': (ctx) => {
    watch(ctx.req, ctx.res);
    ctx.body = new Readable({
      read() {
        this.push('x'.repeat(16_384));
      },
    });
    ctx.body.on('close', () => console.log('source close'));
  },
  'POST /json': async (ctx) => {
    if (!ctx.is('json')) ctx.throw(415);
    const text = await read(ctx.req);
    try {
      ctx.body = { got: JSON.parse(text) };
    } catch (error) {
      ctx.throw(400, error.message);
    }
  },
  'POST /urlencoded': async (ctx) => (ctx.body = { got: Object.fromEntries(new URLSearchParams(await read(ctx.req))) }),
  'POST /text': async (ctx) => (ctx.body = { got: await read(ctx.req) }),
  'POST /multipart': async (ctx) => {
    const form = await new Response(Readable.toWeb(ctx.req), { headers: { 'content-type': ctx.get('content-type') } }).formData();
    const parts = [];
    for (const [name, value] of form) parts.push([name, typeof value === 'string' ? value : `${value.name} ${await value.text()}`]);
    ctx.body = parts;
  },
  'POST /pipe': (ctx) => (ctx.body = ctx.req),
  'POST /unread': (ctx) => (ctx.body = 'unread'),
  'POST /refused': (ctx) => {
    ctx.status = 413;
    ctx.set('Connection', 'close');
    ctx.body = 'no';
  },
};

const app = new Koa();
// Reading or writing: which of the two fails first is a matter of luck.
app.on('error', (error) => console.log('app error', /^(?:ECONNRESET|EPIPE)$/.test(error.code) ? 'connection lost' : error.message));
app.use(async (ctx, next) => {
  await next();
  ctx.set('X-Outer', String(ctx.status));
});
app.use(async (ctx) => {
  const later = /^\/later\/(\d+)$/.exec(ctx.path);
  if (later) {
    watch(ctx.req, ctx.res);
    console.log('waiting');
    await new Promise((resolve) => setTimeout(resolve, Number(later[1])));
    ctx.body = 'later';
    return;
  }
  const status = /^\/status\/(\d+)$/.exec(ctx.path);
  if (status) {
    ctx.status = Number(status[1]);
    return;
  }
  const method = ctx.method === 'HEAD' ? 'GET' : ctx.method;
  await (routes[`${method} ${ctx.path}`] ?? routes[ctx.path])?.(ctx);
});

const server = app.listen(0, '127.0.0.1', () => console.log('listening', server.address().port));
stop(() => new Promise((resolve) => server.close(resolve)));
