/**
 * node:http's API on a native engine: port sharing by URL prefix, an output cache that answers without the application.
 *
 * @packageDocumentation
 */
export { createServer, Server } from './http/server/server';
export { IncomingMessage, isHttpsysRequest } from './http/incoming-message';
export { ServerResponse } from './http/server-response';
export type { FileCallback, FileOptions } from './http/file-response';
export type { FragmentCallback } from './http/fragment-response';
export { breedMessageClasses, isExpressLike, type BredClasses, type ExpressLike } from './http/express-prototypes';
export { relativeUrl, type RelativeUrl } from './http/relative-url';
export { validateCachePolicy, type CachePolicy } from './http/cache-policy';
export type { ListenOptions } from './http/server/listen-arguments';
export type { EngineName, MessageClasses, ServerOptions, TimeoutOptions } from './options';
export type { AuthenticationOptions, AuthenticationScheme, HttpSysOptions } from './httpsys-options';
export type { UserFacts } from './queue/facts';
export type { CacheState, EngineState, QueueState, UrlState } from './queue/state';
export { HttpsysError, type HttpsysErrorCode } from './errors';
export { parsePrefix, type UrlPrefix } from './prefix';
export { http, https, type HttpModule, type ServerSide } from './slipstream/modules';
export { slipstream, slipstream as slipStream } from './slipstream/slipstream';
