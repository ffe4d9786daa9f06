import type * as http from 'node:http';
import express from 'express';
import { httpsysExpress, kernelCache, type CacheTable, type HttpsysExpressOptions } from '@httpsys/express';
import type { Server } from '@httpsys/core';

const app = express();
app.use(kernelCache({ ttl: 2 }));
app.get('/time', kernelCache({ untilFlushed: true }), (req, res) => {
  const path: string | undefined = req.prefixPath;
  res.cachePolicy = { ttl: 2 };
  res.cachePolicy = null;
  // @ts-expect-error a policy is an object
  res.cachePolicy = 2;
  res.respondWithFile?.('/srv/file', { offset: 1 }, (error: Error | null) => void error);
  res.json({ path });
});
express.Router().get('/:id', kernelCache({ ttl: 2, force: true }), (req, res) => void res.send(req.params.id));

// @ts-expect-error seconds are a number
kernelCache({ ttl: '2' });

const cache: CacheTable = { 'GET /time': { ttl: 2 } };
const options: HttpsysExpressOptions = { cache, engine: 'embedded', queueLength: 100, keepAliveTimeout: 1000, timeouts: { headerWait: 5 } };
const wrapper = httpsysExpress(app, options);
const server: Server = wrapper.server;
const asNode: http.Server = wrapper.listen(['http://*:8080/a/', 'http://*:8080/b/'], () => undefined);
wrapper.listen('http://*:8080/a/');
wrapper.listen(0);
wrapper.listen({ prefix: 'http://*:8080/a/', engine: 'service' }, () => undefined);
wrapper.close((error?: Error) => void error);
void server.flushCache('/a/', { recursive: true }).then((count: number) => count);
void asNode;

// @ts-expect-error not an app
httpsysExpress({});
// @ts-expect-error no such engine
httpsysExpress(app, { engine: 'kernel' });
