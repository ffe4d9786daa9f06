import type { IncomingMessage, ServerResponse } from 'node:http';
import { breedMessageClasses, createServer, isExpressLike, isHttpsysRequest, relativeUrl } from '@httpsys/core';
import type { Server, ServerOptions } from '@httpsys/core';
import { compileTable, type CacheTable } from './cache-table';
import { grantPolicy } from './kernel-cache';

/** An app made by `express()`, of Express 4.18 and later or of Express 5. */
export interface ExpressApplication {
  (req: IncomingMessage, res: ServerResponse): unknown;
  request: object;
  response: object;
}

/** Core's server options (limits, timeouts, engine), and: */
export interface HttpsysExpressOptions extends ServerOptions {
  /** Policies by route, for apps that cannot be edited. Default: none. */
  cache?: CacheTable;
}

/** An Express app and the server it runs on. */
export interface HttpsysExpress {
  readonly app: ExpressApplication;
  readonly server: Server;
  /** Core's `server.listen`: a URL prefix, an array of them, a port, or options. A failure is the server's `'error'` event. */
  listen: Server['listen'];
  /** Core's `server.close`. */
  close: Server['close'];
}

/** Members that routing gives to a request. */
type Mountable = IncomingMessage & { originalUrl?: string; baseUrl?: string };

/**
 * Puts an Express app on a server of httpsys.
 *
 * On a URL prefix the app sees what it would see behind `app.use('/express', app)`: `req.url` and `req.path` relative to the prefix,
 * `req.baseUrl` the prefix without its last slash, `req.originalUrl` all of it. Requests and responses are born with the prototypes
 * that Express is about to set, which spares it the greater part of its time.
 *
 * @throws TypeError for a key of `options.cache` that is not understood; HttpsysError `ERR_HTTPSYS_CACHE_POLICY` for its policy
 * @example
 * httpsysExpress(app).listen('http://*:8080/express/', () => console.log('ready'));
 */
export function httpsysExpress(app: ExpressApplication, options: HttpsysExpressOptions = {}): HttpsysExpress {
  if (!isExpressLike(app)) throw new TypeError('httpsysExpress(app): app must be what express() returned');
  const { cache, ...serverOptions } = options;
  const table = cache && compileTable(cache);
  // node:http types these options by its own class objects, static members included.
  const classes: object = breedMessageClasses(app);
  const server = createServer({ ...serverOptions, ...classes }, function express(req: IncomingMessage, res: ServerResponse) {
    if (isHttpsysRequest(req)) {
      mount(req);
      const policy = table?.find(req.method, req.url);
      if (policy) grantPolicy(res, policy);
    }
    app(req, res);
  });
  return { app, server, listen: server.listen.bind(server), close: server.close.bind(server) };
}

/** The router takes the base from `req.baseUrl` and keeps an `originalUrl` that is there, so this is all that mounting needs. */
function mount(req: Mountable): void {
  const { baseUrl, url } = relativeUrl(req);
  if (baseUrl === '') return;
  req.originalUrl = req.url;
  req.baseUrl = baseUrl;
  req.url = url;
}
