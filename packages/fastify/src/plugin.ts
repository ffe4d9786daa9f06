import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';
import { createServer, type Server, type ServerOptions } from '@httpsys/core';
import { watchRoutes } from './kernel-cache';
import { mount } from './mount';

/** Core's server options (limits, timeouts, engine), and: */
export interface HttpsysFastifyOptions extends ServerOptions {
  /** Where `listenHttpsys` mounts the app: a URL prefix such as `http://*:8080/shop/`. It needs this or `prefixes`. */
  prefix?: string;
  /** More prefixes; all or none of them are taken. */
  prefixes?: string[];
}

function plugin(app: FastifyInstance, options: HttpsysFastifyOptions, done: (error?: Error) => void): void {
  const { prefix, prefixes, ...serverOptions } = options;
  const all = [...(prefix === undefined ? [] : [prefix]), ...(prefixes ?? [])];

  const server = createServer(serverOptions, function fastify(req, res) {
    mount(req);
    app.routing(req, res);
  });
  app.decorate('httpsysServer', server);
  app.decorate('listenHttpsys', async () => {
    if (all.length === 0) throw new TypeError("listenHttpsys: register httpsysFastify with a prefix, for example 'http://*:8080/shop/'");
    await app.ready();
    await listen(server, all);
    return all;
  });
  watchRoutes(app);
  // Before Fastify's own onClose hooks, so that requests in flight still find what those take down.
  app.addHook('preClose', () => close(server));
  done();
}

function listen(server: Server, prefixes: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(prefixes, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    // The one error of close is that the server was not open, which is what is wanted.
    server.close(() => resolve());
    server.closeIdleConnections();
  });
}

/**
 * Fastify plugin: `await app.register(httpsysFastify, { prefix: 'http://*:8080/shop/' })`, then `await app.listenHttpsys()`.
 *
 * Register it before the routes: `config.kernelCache` is read when a route is added. It does not encapsulate, and `prefix` is a URL prefix
 * and not Fastify's route prefix. `app.close()` closes the server; `app.inject()` is untouched. Without a prefix it only reads routes, for
 * apps that listen through `httpsysServerFactory`.
 */
export const httpsysFastify = fp(plugin, { fastify: '5.x', name: '@httpsys/fastify' });
