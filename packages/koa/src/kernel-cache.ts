import type { IncomingMessage, ServerResponse } from 'node:http';
import { validateCachePolicy, isHttpsysRequest, type CachePolicy } from '@httpsys/core';

/** What is used of a Koa context. */
export interface CacheableContext {
  req: IncomingMessage;
  res: ServerResponse;
}

/** A Koa middleware. */
export type KernelCacheMiddleware = (ctx: CacheableContext, next: () => Promise<unknown>) => Promise<void>;

/** A response of httpsys; on node:http's the member would be one expando among others. */
type CacheableResponse = ServerResponse & { cachePolicy?: CachePolicy | null };

/** Statuses from here on are failures, which a route's policy was not meant for. */
const FIRST_ERROR_STATUS = 400;

/**
 * Middleware for what is downstream of it: its answers may be served again without the app.
 *
 * Answers with status 400 and above are left out, so that a failure is not repeated for the whole time to live. Under node:http and in tests
 * that inject requests it does nothing.
 *
 * @param policy `{ ttl: seconds }`, whole seconds from 1, or `{ untilFlushed: true }`
 * @throws HttpsysError `ERR_HTTPSYS_CACHE_POLICY`, at once, when the policy is neither
 * @example
 * router.get('/time', kernelCache({ ttl: 2 }), (ctx) => { ctx.body = { time: new Date() }; });
 */
export function kernelCache(policy: CachePolicy): KernelCacheMiddleware {
  const checked = validateCachePolicy(policy);
  return async function kernelCache(ctx, next) {
    setPolicy(ctx, checked);
    await next();
  };
}

/** Gives the response its policy, to be taken back if it turns out to be a failure; `null` takes it back at once. */
export function setPolicy(ctx: CacheableContext, policy: CachePolicy | null): void {
  if (!isHttpsysRequest(ctx.req)) return;
  const res = ctx.res as CacheableResponse;
  const guarded = res.cachePolicy != null;
  res.cachePolicy = policy;
  if (policy === null || guarded) return;
  const writeHead = Reflect.get(res, 'writeHead') as (...args: unknown[]) => ServerResponse;
  // Middleware upstream and ctx.onerror may still turn the answer into a failure; writeHead is where the status is final.
  res.writeHead = function (this: CacheableResponse, ...args: unknown[]) {
    const status = typeof args[0] === 'number' ? args[0] : this.statusCode;
    if (status >= FIRST_ERROR_STATUS) this.cachePolicy = null;
    return writeHead.apply(this, args);
  };
}
