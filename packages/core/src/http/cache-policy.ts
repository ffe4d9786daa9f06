/**
 * Cache policies of responses: what a user may set, and what the TypeScript layer refuses on every engine alike (design: a response
 * that must not be shared is not stored unless the policy says `force`).
 */
import { makeError } from '../errors';
import * as frames from '../queue/frames';

/** A response that may be served again without running the application. */
export interface CachePolicy {
  /** Whole seconds from storing, 1 to 2147483647 (CACHE-32). Fractions are cut off; below 1 nothing is stored (CACHE-1). */
  ttl?: number;
  /** Keep until flushed or evicted (CACHE-31, CACHE-33) instead of `ttl`. */
  untilFlushed?: boolean;
  /** Store even what says it must not be shared: `Set-Cookie`, `Vary`, `Cache-Control: private` or `no-store`. Default false. */
  force?: boolean;
}

const ttlMax = 0x7fffffff;
const blockBytes = 8;

/**
 * Checks a policy given by a user.
 *
 * @throws ERR_HTTPSYS_CACHE_POLICY
 */
export function validateCachePolicy(policy: CachePolicy): CachePolicy {
  if (typeof policy !== 'object' || policy === null) {
    throw makeError('ERR_HTTPSYS_CACHE_POLICY', `expected { ttl: seconds } or { untilFlushed: true }, received ${typeof policy}`);
  }
  const { ttl, untilFlushed } = policy;
  if (ttl !== undefined && (typeof ttl !== 'number' || Number.isNaN(ttl) || ttl < 0)) {
    throw makeError('ERR_HTTPSYS_CACHE_POLICY', `ttl must be a number of seconds of at least 0, received ${String(ttl)}`);
  }
  if (ttl === undefined && untilFlushed !== true) {
    throw makeError('ERR_HTTPSYS_CACHE_POLICY', 'either ttl or untilFlushed: true is needed');
  }
  if (ttl !== undefined && untilFlushed === true) {
    throw makeError('ERR_HTTPSYS_CACHE_POLICY', 'ttl and untilFlushed exclude each other');
  }
  return policy;
}

// One block per distinct policy: the same few policies go with every response.
const encoded = new Map<number, Uint8Array>();
const encodedMax = 1000;

/** The policy block of a RESPONSE frame, or null when nothing is to be stored. */
export function encodeCachePolicy(policy: CachePolicy): Uint8Array | null {
  const seconds = policy.untilFlushed === true ? 0 : Math.min(Math.trunc(policy.ttl ?? 0), ttlMax);
  if (policy.untilFlushed !== true && seconds < 1) return null;
  const known = encoded.get(seconds);
  if (known !== undefined) return known;
  const block = new Uint8Array(blockBytes);
  block[0] = seconds === 0 ? frames.PolicyUntilFlushed : frames.PolicyTimeToLive;
  new DataView(block.buffer).setUint32(4, seconds, true);
  if (encoded.size >= encodedMax) encoded.clear();
  encoded.set(seconds, block);
  return block;
}

/** What of a response decides whether it may be shared; gathered while its head is composed. */
export interface SharingFacts {
  setCookie: boolean;
  vary: boolean;
  /** Value of Cache-Control, or `''`. */
  cacheControl: string;
}

/** Why a response must not be stored, or null. */
export function refusal(status: number, facts: SharingFacts): string | null {
  // CACHE-12: a 304 would be replayed to everyone; a 206 answers one client's Range.
  if (status === 206 || status === 304) return `its status is ${status}`;
  if (facts.setCookie) return 'it has a Set-Cookie field';
  if (facts.vary) return 'it has a Vary field, and the cache keeps one variant';
  const control = facts.cacheControl;
  if (control !== '' && /(?:^|[\s,])(?:private|no-store)(?:$|[\s,=;])/i.test(control)) return `its Cache-Control is "${control}"`;
  return null;
}

const warned = new Set<string>();

/** Says a refusal once per reason. */
export function warnRefusal(why: string): void {
  if (warned.has(why) || warned.size >= encodedMax) return;
  warned.add(why);
  process.emitWarning(`A response with a cache policy was not stored: ${why}. Set force: true in the policy to store it all the same.`, {
    type: 'HttpsysWarning',
    code: 'HTTPSYS_CACHE_REFUSED',
  });
}
