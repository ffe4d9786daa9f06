import Fastify from 'fastify';
import httpsysDefault, { httpsysFastify, httpsysServerFactory } from '@httpsys/fastify';
import type { Server } from '@httpsys/core';

async function main(): Promise<void> {
  const app = Fastify();
  await app.register(httpsysFastify, { prefix: 'http://*:8080/a/', engine: 'service', queueLength: 10 });
  await app.register(httpsysDefault, { prefixes: ['http://*:8080/a/'] });
  await app.register(httpsysFastify);
  // @ts-expect-error a prefix is a string
  await app.register(httpsysFastify, { prefix: 8080 });

  app.get('/time', { config: { kernelCache: { ttl: 2 } } }, async (request) => request.routeOptions.config.kernelCache?.ttl);
  app.route({ method: 'GET', url: '/kept', config: { kernelCache: { untilFlushed: true } }, handler: async () => 'kept' });
  // @ts-expect-error seconds are a number
  app.get('/wrong', { config: { kernelCache: { ttl: '2' } } }, async () => 'wrong');

  const prefixes: string[] = await app.listenHttpsys();
  const server: Server = app.httpsysServer;
  const count: number = await server.flushCache('/a/time');
  void [prefixes, count];

  const other = Fastify({ serverFactory: httpsysServerFactory({ engine: 'embedded' }), keepAliveTimeout: 1000 });
  await other.listen({ port: 0 });
}

void main;
