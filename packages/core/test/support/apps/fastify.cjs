'use strict';
const app = require('fastify')();
const { Readable } = require('node:stream');
app.get('/engine', async (request) => String(request.raw[Symbol.for('httpsys.request')] === true));
app.get('/hello', async (request) => ({ hello: request.headers.name || 'world' }));
app.post('/echo', async (request) => request.body);
app.get('/stream', (request, reply) => reply.send(Readable.from(['a', 'b', 'c'])));
app.get('/error', async () => {
  throw new Error('failed');
});
app.setErrorHandler((error, request, reply) => reply.code(500).send(error.message));
app.listen({ port: 0, host: '127.0.0.1' }).then(() => process.send?.({ port: app.server.address().port }));
