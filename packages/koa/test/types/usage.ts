import type * as http from 'node:http';
import Koa from 'koa';
import { httpsysKoa, kernelCache } from '@httpsys/koa';
import { createServer, type Server } from '@httpsys/core';

const app = new Koa<{ user?: string }>();
app.use(kernelCache({ ttl: 2 }));
app.use(async (ctx, next) => {
  const mountPath: string | undefined = ctx.mountPath;
  ctx.kernelCache = { untilFlushed: true };
  ctx.kernelCache = null;
  // @ts-expect-error a policy is an object
  ctx.kernelCache = 2;
  ctx.body = { mountPath };
  await next();
});

// @ts-expect-error seconds are a number
kernelCache({ ttl: '2' });

const wrapper = httpsysKoa(app, { engine: 'service', queueLength: 10 });
const server: Server = wrapper.server;
const asNode: http.Server = wrapper.listen('http://*:8080/a/', () => undefined);
wrapper.close();
createServer(app.callback()).listen(0);
void server.flushCache('/a/').then((count: number) => count);
void asNode;

// @ts-expect-error not an app
httpsysKoa({});
