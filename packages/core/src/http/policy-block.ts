/** Decides whether a response's cache policy goes with it. */
import { kPolicy, kServer, kUnstorable } from '../symbols';
import { encodeCachePolicy, refusal, validateCachePolicy, warnRefusal, type CachePolicy } from './cache-policy';
import { head } from './response-head';
import type { OwnResponse } from './own';

/**
 * A policy that was set after a swap of prototypes (Express in a closure), or on a message class of the user's own, has missed our setters
 * and is a plain property; on our own class these are the getters, which have nothing to say.
 */
function assignedPolicy(response: OwnResponse): CachePolicy | null | undefined {
  const { cachePolicy: policy, cacheDuration: seconds } = response as { cachePolicy?: CachePolicy | null; cacheDuration?: number };
  if (policy !== undefined) return policy === null ? null : validateCachePolicy(policy);
  return seconds === undefined ? undefined : validateCachePolicy({ ttl: seconds });
}

/** The block of the policy in force, when this response may be stored; `head` holds the fields of the response. */
export function policyBlock(response: OwnResponse): Uint8Array | null {
  const own = response[kPolicy] === undefined ? assignedPolicy(response) : response[kPolicy];
  const policy = own === undefined ? response[kServer].cachePolicy : own;
  if (policy === null || policy === undefined) return null;
  // CACHE-3: only GET; other methods share the handler and are no mistake worth a warning.
  if (response.req.method !== 'GET') return null;
  const block = encodeCachePolicy(policy);
  if (block === null) return null;
  const why = policy.force === true ? null : refusal(response.statusCode, head);
  // CACHE-11: without Content-Type the driver stores nothing, and force does not help.
  if (why !== null || !head.contentType) {
    warnRefusal(why ?? 'it has no Content-Type field');
    return null;
  }
  // The engine has seen in the request that it will not store (CACHE-3 to CACHE-9): the body then keeps to the window.
  return response.req[kUnstorable] ? null : block;
}
