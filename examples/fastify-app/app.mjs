// A Fastify app on the prefix /fastify/. Its routes know nothing of the prefix; /time is answered by the engine for 2 seconds at a time.
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { httpsysFastify } from '@httpsys/fastify';
import Fastify from 'fastify';

const port = process.env.PORT ?? 8080;
const longestBlockMs = 60_000;
let served = 0;

const app = Fastify();
// Before the routes, because it reads their config.
await app.register(httpsysFastify, { prefix: `http://*:${port}/fastify/` });

app.addHook('onRequest', async () => {
  served++;
});

app.get('/hello', async (request) => ({
  app: 'fastify',
  pid: process.pid,
  path: request.url.split('?', 1)[0],
  url: request.originalUrl,
  served,
}));

app.get('/time', { config: { kernelCache: { ttl: 2 } } }, async () => ({ app: 'fastify', time: new Date().toISOString() }));

// Whatever is posted, as a stream.
app.addContentTypeParser('*', (request, payload, done) => done(null, payload));
app.removeContentTypeParser(['application/json', 'text/plain']);
app.post('/echo', async (request, reply) => {
  reply.type(request.headers['content-type'] ?? 'application/octet-stream');
  return request.body ?? '';
});

app.get('/stream', async (request, reply) => {
  reply.type('text/plain');
  return Readable.from(pieces(), { objectMode: false });
});

async function* pieces() {
  for (let piece = 1; piece <= 5; piece++) {
    yield Buffer.from(`piece ${piece} of 5\n`);
    await sleep(100);
  }
}

app.get('/block', async (request) => {
  const ms = Math.min(Number(request.query.ms) || 0, longestBlockMs);
  const end = Date.now() + ms;
  while (Date.now() < end);
  return { app: 'fastify', blocked: ms };
});

app.get('/crash', async (request, reply) => {
  reply.raw.on('finish', () => setTimeout(() => process.exit(1), 50));
  reply.type('text/plain');
  return 'fastify is going down\n';
});

await app.listenHttpsys();
console.log(`http://localhost:${port}/fastify/hello`);
process.send?.('ready');
