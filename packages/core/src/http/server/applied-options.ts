/** What a server's constructor makes of its options. */
import type { ServerOptions } from '../../options';
import { validateCachePolicy, type CachePolicy } from '../cache-policy';
import { breedMessageClasses, isExpressLike } from '../express-prototypes';
import { IncomingMessage } from '../incoming-message';
import type { OwnServer } from '../own';
import { ServerResponse } from '../server-response';

/** The program's own classes, those that an Express application makes unnecessary to swap, or ours. */
export function messageClasses(given: ServerOptions, listener: unknown): OwnServer['messageClasses'] {
  const bred = isExpressLike(listener) && !given.IncomingMessage && !given.ServerResponse ? breedMessageClasses(listener) : null;
  return {
    IncomingMessage: given.IncomingMessage ?? bred?.IncomingMessage ?? IncomingMessage,
    ServerResponse: given.ServerResponse ?? bred?.ServerResponse ?? ServerResponse,
  } as unknown as OwnServer['messageClasses'];
}

/** As node:http, which takes what is no array for nothing. */
export function uniqueHeaders({ uniqueHeaders: names }: ServerOptions): ReadonlySet<string> | null {
  return Array.isArray(names) ? new Set(names.flat().map((name) => name.toLowerCase())) : null;
}

/** Policy of responses that set none: the option, else the environment's. */
export function serverPolicy(given: ServerOptions): CachePolicy | null {
  const seconds = process.env.HTTPSYS_CACHE_DURATION;
  const fromEnvironment = seconds !== undefined && seconds !== '' ? { ttl: Number(seconds) } : null;
  const policy = given.cachePolicy === undefined ? fromEnvironment : given.cachePolicy;
  return policy === null ? null : validateCachePolicy(policy);
}
