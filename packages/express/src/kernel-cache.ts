import type { IncomingMessage, ServerResponse } from 'node:http';
import { validateCachePolicy, isHttpsysRequest, type CachePolicy } from '@httpsys/core';

/** An Express middleware; typed by node:http's classes, so that Express 4 and 5 both take it. */
export type KernelCacheMiddleware = (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void) => void;

/** Statuses from here on are failures, which a route's policy was not meant for. */
const FIRST_ERROR_STATUS = 400;

/**
 * Middleware for a route whose answers may be served again without the app.
 *
 * Answers with status 400 and above are left out, so that a failure is not repeated for the whole time to live; set `res.cachePolicy`
 * yourself to cache those. Under node:http and in tests that inject requests it does nothing.
 *
 * @param policy `{ ttl: seconds }`, whole seconds from 1, or `{ untilFlushed: true }`
 * @throws HttpsysError `ERR_HTTPSYS_CACHE_POLICY`, at once, when the policy is neither
 * @example
 * app.get('/time', kernelCache({ ttl: 2 }), (req, res) => res.json({ time: new Date() }));
 */
export function kernelCache(policy: CachePolicy): KernelCacheMiddleware {
  const checked = validateCachePolicy(policy);
  return function kernelCache(req, res, next) {
    if (isHttpsysRequest(req)) grantPolicy(res, checked);
    next();
  };
}

/** Gives a response its policy, to be taken back if it turns out to be a failure. */
export function grantPolicy(res: ServerResponse & { cachePolicy?: CachePolicy | null }, policy: CachePolicy): void {
  const writeHead = Reflect.get(res, 'writeHead') as (...args: unknown[]) => ServerResponse;
  res.cachePolicy = policy;
  // Error handlers run after the route and know nothing of policies; writeHead is where the status is final.
  res.writeHead = function (this: typeof res, ...args: unknown[]) {
    const status = typeof args[0] === 'number' ? args[0] : this.statusCode;
    if (status >= FIRST_ERROR_STATUS) this.cachePolicy = null;
    return writeHead.apply(this, args);
  };
}
