'use strict';
// One request and one flush, as a test that the preload looks after: with HTTPSYS_RECORDING_BREAK one of the two breaks a rule of the HTTP Server API.
const http = require('node:http');
const { test } = require('node:test');
const { createServer } = require('@httpsys/core');

test('one request', async (t) => {
  const server = createServer((req, res) => res.end('hello'));
  t.after(() => new Promise((resolve) => server.close(resolve)));
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, resolve));
  const { port } = server.address();
  await new Promise((resolve, reject) => {
    const request = http.get({ port, host: '127.0.0.1', agent: false, timeout: 10_000 }, (res) => res.resume().on('end', resolve));
    request.on('error', reject).on('timeout', () => request.destroy(new Error('no answer')));
  });
  await server.flushCache('/');
});
