'use strict';
const { createReadStream } = require('node:fs');
const path = require('node:path');
const { Readable } = require('node:stream');
const Hapi = require('@hapi/hapi');
const stop = require('./stop.cjs');
const watch = require('./watch.cjs');

const files = path.join(__dirname, 'public');
const server = Hapi.server({ port: 0, host: '127.0.0.1', routes: { payload: { maxBytes: 1000 } } });
server.state('a', { isSecure: false, isHttpOnly: true, encoding: 'none' });
server.state('b', { isSecure: false, isSameSite: 'Lax', path: '/b', encoding: 'base64json' });

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const get = (at, handler, options) => server.route({ method: 'GET', path: at, handler, options });
const post = (at, handler, options) => server.route({ method: 'POST', path: at, handler, options });

get('/text', () => 'text');
get('/json', () => ({ hello: 'world' }));
get('/buffer', () => Buffer.from([0, 1, 254, 255]));
get('/empty', (request, h) => h.response().code(204));
get('/status/{code}', (request, h) => h.response('status').code(Number(request.params.code)));
get('/params/{id}', (request) => ({ params: request.params, query: request.query }));
get('/facts', (request) => {
  const { method, path: at, info, server: own } = request;
  return { method, at, host: info.host, address: info.remoteAddress, hostname: info.hostname, protocol: own.info.protocol };
});
get('/fields', (request, h) =>
  h
    .response(request.headers['x-asked'] ?? 'nothing')
    .header('X-One', '1')
    .header('X-Many', 'a')
    .header('X-Many', 'b', { append: true })
    .vary('Accept')
    .type('text/plain'),
);
get('/cookies', (request, h) =>
  h
    .response(request.headers.cookie ?? 'none')
    .state('a', '1')
    .state('b', { x: 'y' })
    .unstate('c', { path: '/' }),
);
get('/redirect', (request, h) => h.redirect('/text'));
get('/moved', (request, h) => h.redirect('/text').permanent());
get('/error', () => {
  throw new Error('failed');
});
get('/error-later', async () => {
  await pause(1);
  throw Object.assign(new Error('teapot'), {
    isBoom: true,
    output: { statusCode: 418, payload: { message: 'teapot' }, headers: { 'x-pot': 'tea' } },
  });
});
get('/stream', () => Readable.from(['a', 'b', 'c'], { objectMode: false }));
get('/stream-fails', () => {
  const source = new Readable({ read() {} });
  source.push('begun');
  setTimeout(() => source.destroy(new Error('broken')), 20);
  return source;
});
get('/large', () => 'x'.repeat(1 << 20));
get('/file-stream', (request, h) => h.response(createReadStream(path.join(files, 'digits.txt'))).type('text/plain'));
get('/ranges', (request, h) => h.response('0123456789').bytes(10).type('text/plain'));
get('/etag', (request, h) => h.response('tagged').etag('same'));
get('/cached', (request, h) => h.response('cached').ttl(5000));
get('/abandoned', (request, h) => {
  request.raw.res.end('own');
  return h.abandon;
});
get('/closed', (request, h) => h.close);
get('/events', (request) => {
  watch(request.raw.req, request.raw.res);
  return 'watched';
});
const wait = async (request, h) => {
  watch(request.raw.req, request.raw.res);
  request.events.once('disconnect', () => console.log('disconnect'));
  console.log('waiting');
  await new Promise((resolve) => request.raw.res.once('close', resolve));
  console.log('active', request.active());
  return h.abandon;
};
get('/wait', wait);
post('/wait', wait, { payload: { parse: false, output: 'stream' } });
get('/endless', (request) => {
  watch(request.raw.req, request.raw.res);
  const source = new Readable({
    read() {
      this.push('x'.repeat(16_384));
    },
  });
  source.on('close', () => console.log('source close'));
  return source;
});
get('/later/{ms}', async (request) => {
  watch(request.raw.req, request.raw.res);
  console.log('waiting');
  await pause(Number(request.params.ms));
  return 'later';
});
post('/json', (request) => ({ got: request.payload }), { payload: { allow: 'application/json' } });
post('/urlencoded', (request) => ({ got: request.payload }));
post('/text', (request) => ({ got: request.payload }));
post('/multipart', async (request) => request.payload, { payload: { multipart: true, output: 'data' } });
post('/pipe', (request) => request.payload, { payload: { parse: false, output: 'stream', maxBytes: 1 << 21 } });
post('/unread', (request) => (request.payload.resume(), 'unread'), { payload: { parse: false, output: 'stream' } });
post('/refused', (request, h) => h.response('no').code(413).header('Connection', 'close'), { payload: { parse: false, output: 'stream' } });

server.ext('onPreResponse', (request, h) => {
  if (!request.response.isBoom) request.response.header('X-Ext', 'seen');
  return h.continue;
});
server.events.on({ name: 'request', channels: 'error' }, (request, event) => console.log('request error', event.error.message));
server.start().then(() => console.log('listening', server.info.port));
stop(() => server.stop({ timeout: 5000 }));
