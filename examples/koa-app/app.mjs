// A Koa app on the prefix /koa/. Its routes know nothing of the prefix; /time is answered by the engine for 2 seconds at a time.
import { PassThrough, Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { httpsysKoa } from '@httpsys/koa';
import Koa from 'koa';

const port = process.env.PORT ?? 8080;
const longestBlockMs = 60_000;
let served = 0;

const routes = {
  'GET /hello': (ctx) => {
    ctx.body = { app: 'koa', pid: process.pid, path: ctx.path, url: ctx.originalUrl, served };
  },

  'GET /time': (ctx) => {
    ctx.kernelCache = { ttl: 2 };
    ctx.body = { app: 'koa', time: new Date().toISOString() };
  },

  'POST /echo': (ctx) => {
    ctx.body = ctx.req.pipe(new PassThrough());
    ctx.type = ctx.get('content-type') || 'application/octet-stream';
  },

  'GET /stream': (ctx) => {
    ctx.body = Readable.from(pieces(), { objectMode: false });
    ctx.type = 'text/plain';
  },

  'GET /block': (ctx) => {
    const ms = Math.min(Number(ctx.query.ms) || 0, longestBlockMs);
    const end = Date.now() + ms;
    while (Date.now() < end);
    ctx.body = { app: 'koa', blocked: ms };
  },

  'GET /crash': (ctx) => {
    ctx.res.on('finish', () => setTimeout(() => process.exit(1), 50));
    ctx.body = 'koa is going down\n';
  },
};

async function* pieces() {
  for (let piece = 1; piece <= 5; piece++) {
    yield Buffer.from(`piece ${piece} of 5\n`);
    await sleep(100);
  }
}

const app = new Koa();
app.use(async (ctx) => {
  served++;
  const route = `${ctx.method} ${ctx.path}`;
  if (Object.hasOwn(routes, route)) routes[route](ctx);
});

httpsysKoa(app).listen(`http://*:${port}/koa/`, () => {
  console.log(`http://localhost:${port}/koa/hello`);
  process.send?.('ready');
});
