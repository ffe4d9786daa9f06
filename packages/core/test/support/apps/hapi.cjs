'use strict';
const Hapi = require('@hapi/hapi');
const { Readable } = require('node:stream');
const server = Hapi.server({ port: 0, host: '127.0.0.1' });
server.route([
  { method: 'GET', path: '/engine', handler: (request) => String(request.raw.req[Symbol.for('httpsys.request')] === true) },
  { method: 'GET', path: '/hello', handler: (request) => ({ hello: request.headers.name || 'world' }) },
  { method: 'POST', path: '/echo', handler: (request) => request.payload },
  { method: 'GET', path: '/stream', handler: (request, h) => h.response(Readable.from(['a', 'b', 'c'], { objectMode: false })) },
  { method: 'GET', path: '/error', handler: (request, h) => h.response('failed').code(500) },
]);
server.start().then(() => process.send?.({ port: server.info.port }));
