import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  validateCachePolicy,
  createServer,
  isHttpsysRequest,
  relativeUrl,
  type CachePolicy,
  type Server,
  type ServerOptions,
} from '@httpsys/core';
import { setPolicy, type CacheableContext } from './kernel-cache';

/** What is needed of a Koa app; those of Koa 2.15 and later and of Koa 3 have it. */
export interface KoaApplication {
  context: object;
  callback(): (req: IncomingMessage, res: ServerResponse) => unknown;
  // Koa's own types of these two differ between its majors.
  createContext: (req: never, res: never) => object;
}

/** Core's server options (limits, timeouts, engine). */
export type HttpsysKoaOptions = ServerOptions;

/** A Koa app and the server it runs on. */
export interface HttpsysKoa {
  readonly app: KoaApplication;
  readonly server: Server;
  /** Core's `server.listen`: a URL prefix, an array of them, a port, or options. A failure is the server's `'error'` event. */
  listen: Server['listen'];
  /** Core's `server.close`. */
  close: Server['close'];
}

type Context = CacheableContext & { req: IncomingMessage & { originalUrl?: string }; mountPath?: string; kernelCache?: CachePolicy | null };
type CreateContext = (this: KoaApplication, req: IncomingMessage, res: ServerResponse) => Context;

/** Marks an app that was prepared, also by another copy of this package. */
const kPrepared = Symbol.for('httpsys.koa.prepared');

/**
 * Puts a Koa app on a server of httpsys.
 *
 * On a URL prefix the app sees what it would see under koa-mount: `ctx.path` and `ctx.url` relative to the prefix, `ctx.mountPath` the prefix
 * without its last slash, `ctx.originalUrl` all of it. `ctx.kernelCache = { ttl: 2 }` lets the engine answer the URL again.
 *
 * Call it when all middleware is in place: like `app.callback()`, it composes what is there.
 *
 * @example
 * httpsysKoa(app).listen('http://*:8080/koa/', () => console.log('ready'));
 */
export function httpsysKoa(app: KoaApplication, options: HttpsysKoaOptions = {}): HttpsysKoa {
  if (typeof app?.callback !== 'function' || typeof app.createContext !== 'function') {
    throw new TypeError('httpsysKoa(app): app must be an instance of Koa');
  }
  prepare(app);
  const server = createServer(options, app.callback());
  return { app, server, listen: server.listen.bind(server), close: server.close.bind(server) };
}

/**
 * Contexts are mounted where they are made: a middleware would come after `ctx.originalUrl` was set as well, but costs a promise a request.
 */
function prepare(app: KoaApplication & { [kPrepared]?: true }): void {
  if (app[kPrepared]) return;
  Object.defineProperty(app, kPrepared, { value: true });
  Object.defineProperty(app.context, 'kernelCache', {
    configurable: true,
    get(this: Context) {
      return isHttpsysRequest(this.req) ? (this.res as { cachePolicy?: CachePolicy | null }).cachePolicy : null;
    },
    set(this: Context, policy: CachePolicy | null) {
      setPolicy(this, policy === null ? null : validateCachePolicy(policy));
    },
  });
  const createContext = app.createContext as unknown as CreateContext;
  app.createContext = function (this: KoaApplication, req: IncomingMessage, res: ServerResponse): Context {
    const ctx = createContext.call(this, req, res);
    if (isHttpsysRequest(req)) mount(ctx);
    return ctx;
  };
}

/** Koa routes by `req.url`; `ctx.originalUrl` was taken from it when the context was made. */
function mount(ctx: Context): void {
  // Somebody's app.use('/koa', callback) has split the URL already.
  if (ctx.req.originalUrl !== undefined) return;
  const { baseUrl, url } = relativeUrl(ctx.req);
  if (baseUrl === '') return;
  ctx.req.url = url;
  ctx.mountPath = baseUrl;
}
