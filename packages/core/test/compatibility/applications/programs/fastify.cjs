'use strict';
const { createReadStream } = require('node:fs');
const path = require('node:path');
const { Readable } = require('node:stream');
const stop = require('./stop.cjs');
const watch = require('./watch.cjs');

const files = path.join(__dirname, 'public');
const app = require('fastify')({ bodyLimit: 1000, exposeHeadRoutes: true });

app.addHook('onSend', async (request, reply, payload) => {
  reply.header('X-Hook', 'sent');
  return payload;
});
app.addHook('onRequestAbort', async (_request) => console.log('hook aborted'));
app.addHook('onClose', async (_instance) => console.log('hook close'));
app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (request, body, done) =>
  done(null, Object.fromEntries(new URLSearchParams(body))),
);
app.addContentTypeParser(['multipart/form-data', 'application/octet-stream'], (request, body, done) => done(null, body));

app.get('/text', async () => 'text');
app.get('/json', { schema: { response: { 200: { type: 'object', properties: { hello: { type: 'string' } } } } } }, async () => ({
  hello: 'world',
  hidden: true,
}));
app.get('/buffer', (request, reply) => reply.send(Buffer.from([0, 1, 254, 255])));
app.get('/empty', (request, reply) => reply.code(204).send());
app.get('/status/:code', (request, reply) => reply.code(Number(request.params.code)).send());
app.get('/params/:id', async (request) => ({ params: request.params, query: request.query }));
app.get('/facts', async (request) => {
  const { method, url, originalUrl, host, hostname, port, protocol, ip } = request;
  return { method, url, originalUrl, host: host.replace(/\d+$/, 'n'), hostname, port: typeof port, protocol, ip };
});
app.get('/fields', (request, reply) => {
  reply.header('X-One', '1').header('X-Many', ['a', 'b']).headers({ Vary: 'Accept' }).type('text/plain');
  reply.send(request.headers['x-asked'] ?? 'nothing');
});
app.get('/cookies', (request, reply) => {
  reply.header('Set-Cookie', 'a=1').header('Set-Cookie', 'b=2');
  reply.send(request.headers.cookie ?? 'none');
});
app.get('/redirect', (request, reply) => reply.redirect('/text'));
app.get('/moved', (request, reply) => reply.redirect('/text', 301));
app.get('/error', () => {
  throw new Error('failed');
});
app.get('/error-later', async () => {
  await new Promise(setImmediate);
  throw Object.assign(new Error('teapot'), { statusCode: 418 });
});
app.get('/stream', (request, reply) => reply.send(Readable.from(['a', 'b', 'c'])));
app.get('/stream-fails', (request, reply) => {
  const source = new Readable({ read() {} });
  source.push('begun');
  setTimeout(() => source.destroy(new Error('broken')), 20);
  return reply.send(source);
});
app.get('/web-stream', (request, reply) => reply.send(new Response('of the web').body));
app.get('/response', (request, reply) => reply.send(new Response('response', { status: 203, headers: { 'x-a': 'b' } })));
app.get('/trailers', (request, reply) => {
  reply.trailer('X-Trailer', async () => 'trailing');
  reply.send(Readable.from(['with trailer']));
});
app.get('/large', async () => 'x'.repeat(1 << 20));
app.get('/file-stream', (request, reply) => reply.type('text/plain').send(createReadStream(path.join(files, 'digits.txt'))));
app.get('/hijacked', (request, reply) => {
  reply.hijack();
  reply.raw.writeHead(200, { 'X-Own': 'yes' });
  reply.raw.end('own');
});
app.get('/hijacked-socket', (request, reply) => {
  reply.hijack();
  request.raw.socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nraw');
});
app.get('/early-hints', (request, reply) => {
  reply.raw.writeEarlyHints({ link: '</a.css>; rel=preload' });
  reply.send('hinted');
});
app.get('/events', (request, reply) => {
  watch(request.raw, reply.raw);
  reply.send('watched');
});
app.route({
  method: ['GET', 'POST'],
  url: '/wait',
  handler: (request, reply) => {
    watch(request.raw, reply.raw);
    reply.hijack();
    console.log('waiting');
  },
});
app.get('/endless', (request, reply) => {
  watch(request.raw, reply.raw);
  const source = new Readable({
    read() {
      this.push('x'.repeat(16_384));
    },
  });
  source.on('close', () => console.log('source close'));
  return reply.send(source);
});
app.get('/later/:ms', async (request, reply) => {
  watch(request.raw, reply.raw);
  console.log('waiting');
  await new Promise((resolve) => setTimeout(resolve, Number(request.params.ms)));
  return 'later';
});
app.post('/json', async (request) => ({ got: request.body }));
app.post(
  '/schema',
  { schema: { body: { type: 'object', required: ['a'], properties: { a: { type: 'integer' } } } } },
  async (request) => request.body,
);
app.post('/urlencoded', async (request) => ({ got: request.body }));
app.post('/text', async (request) => ({ got: request.body }));
app.post('/multipart', async (request) => {
  const form = await new Response(Readable.toWeb(request.body), {
    headers: { 'content-type': request.headers['content-type'] },
  }).formData();
  const parts = [];
  for (const [name, value] of form) parts.push([name, typeof value === 'string' ? value : `${value.name} ${await value.text()}`]);
  return parts;
});
app.post('/pipe', (request, reply) => reply.send(request.body));
app.post('/unread', { onRequest: async (request, reply) => reply.send('unread') }, async () => 'never');
app.post(
  '/refused',
  { onRequest: async (request, reply) => reply.code(413).header('Connection', 'close').send('no') },
  async () => 'never',
);

app.listen({ port: 0, host: '127.0.0.1' }).then(() => console.log('listening', app.server.address().port));
stop(() => app.close());
