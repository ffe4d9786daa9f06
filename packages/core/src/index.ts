/**
 * node:http's API on a native engine: port sharing by URL prefix, an output cache that answers without the application.
 *
 * @packageDocumentation
 */
import * as nodeHttp from 'node:http';
import { IncomingMessage } from './http/incoming-message';
import { createServer, Server } from './http/server';
import { ServerResponse } from './http/server-response';

export { createServer, Server } from './http/server';
export { IncomingMessage, isHttpsysRequest } from './http/incoming-message';
export { ServerResponse } from './http/server-response';
export { breedMessageClasses, isExpressLike, type BredClasses, type ExpressLike } from './http/express-prototypes';
export { relativeUrl, type RelativeUrl } from './http/relative-url';
export { validateCachePolicy, type CachePolicy } from './http/cache-policy';
export type { ListenOptions } from './http/listen-arguments';
export type { EngineName, MessageClasses, ServerOptions, TimeoutOptions } from './options';
export type { AuthenticationOptions, AuthenticationScheme, HttpSysOptions } from './httpsys-options';
export type { UserFacts } from './queue/facts';
export type { CacheState, EngineState, QueueState, UrlState } from './queue/state';
export { HttpsysError, type HttpsysErrorCode } from './errors';
export { parsePrefix, type UrlPrefix } from './prefix';

/** node:http with its server side replaced: the name of the original package's entry. */
export interface HttpModule extends Omit<typeof nodeHttp, 'createServer' | 'Server' | 'IncomingMessage' | 'ServerResponse'> {
  createServer: typeof createServer;
  Server: typeof Server;
  IncomingMessage: typeof IncomingMessage;
  ServerResponse: typeof ServerResponse;
}

/** `http.Server(listener)` without `new` is in many programs, and a class cannot be called. */
const CallableServer = new Proxy(Server, {
  apply: (_target, _self, values: ConstructorParameters<typeof Server>) => new Server(...values),
});

/** A module object like `require('node:http')` whose servers are httpsys'; the client side is Node's. */
export function http(): HttpModule {
  return { ...nodeHttp, createServer, Server: CallableServer, IncomingMessage, ServerResponse };
}
