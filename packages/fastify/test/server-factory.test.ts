import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import Fastify from 'fastify';
import supertest from 'supertest';
import { Server } from '@httpsys/core';
import { httpsysFastify, httpsysServerFactory } from '../src/index';
import { privateService, request } from '../../core/test/support/adapters';
import { freePort } from '../../core/test/support/free-port.cjs';

const serviceGone = privateService();
after(serviceGone);

test('app.listen({ port: 0 }) listens once, on our server', async () => {
  let factories = 0;
  const factory = httpsysServerFactory();
  const app = Fastify({
    serverFactory: (handler, options) => {
      factories++;
      return factory(handler, options);
    },
  });
  app.get('/hello', async (req) => ({ url: req.url, originalUrl: req.originalUrl }));
  const address = await app.listen({ port: 0 });
  assert.ok(app.server instanceof Server);
  assert.equal(factories, 1);
  const { port } = app.server.address() as AddressInfo;
  assert.equal(new URL(address).port, String(port));
  assert.deepEqual(JSON.parse((await request(`${address}/hello`)).body), { url: '/hello', originalUrl: '/hello' });
  await app.close();
  assert.equal(app.server.listening, false);
});

test('app.listen({ prefix }) serves the routes relative to the prefix', async () => {
  const port = await freePort();
  const app = Fastify({ serverFactory: httpsysServerFactory() });
  app.get('/hello', async (req) => ({ url: req.url, originalUrl: req.originalUrl }));
  await app.listen({ prefix: `http://*:${port}/factory/`, port } as never);
  const { body } = await request(`http://127.0.0.1:${port}/factory/hello`);
  assert.deepEqual(JSON.parse(body), { url: '/hello', originalUrl: '/factory/hello' });
  await app.close();
});

test("supertest takes the app's server", async () => {
  const app = Fastify({ serverFactory: httpsysServerFactory() });
  app.get('/hello', async () => ({ hello: 'world' }));
  await app.ready();
  await supertest(app.server).get('/hello').expect(200, { hello: 'world' });
  await app.close();
});

test("Fastify's server options reach the server, which it leaves to the factory", async () => {
  const options = { keepAliveTimeout: 12_345, requestTimeout: 23_456, connectionTimeout: 34_567, maxRequestsPerSocket: 45 };
  const { server } = Fastify({ ...options, serverFactory: httpsysServerFactory() });
  assert.equal(server.keepAliveTimeout, 12_345);
  assert.equal(server.requestTimeout, 23_456);
  assert.equal(server.timeout, 34_567);
  assert.equal(server.maxRequestsPerSocket, 45);
});

test('https and http2 are refused: a listener gets its certificates outside the app', () => {
  for (const options of [{ https: {} }, { http2: true }]) {
    assert.throws(() => Fastify({ ...options, serverFactory: httpsysServerFactory() } as never), TypeError);
  }
});

test('config.kernelCache works on the factory as well, once the plugin is registered, which needs no prefix for that', async () => {
  const app = Fastify({ serverFactory: httpsysServerFactory() });
  await app.register(httpsysFastify);
  let count = 0;
  app.get('/cached', { config: { kernelCache: { ttl: 600 } } }, async () => ({ count: ++count }));
  const address = await app.listen({ port: 0 });
  assert.deepEqual(JSON.parse((await request(`${address}/cached`)).body), { count: 1 });
  assert.deepEqual(JSON.parse((await request(`${address}/cached`)).body), { count: 1 });
  await app.close();
});
