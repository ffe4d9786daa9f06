import { validateCachePolicy, type CachePolicy } from '@httpsys/core';

/**
 * Routes and their policies, for apps that cannot be edited: `{ 'GET /time': { ttl: 2 } }`.
 *
 * Paths are relative to the prefix and compared as they travel: case counts, nothing is decoded, the query is left out. A segment `:name`
 * stands for any one segment, a `*` at the end for any rest. Exact paths win over patterns; among patterns the first one wins.
 */
export type CacheTable = Readonly<Record<string, CachePolicy>>;

/** Patterns are tried one by one on every request, so their number has a bound. */
const MAX_PATTERNS = 1000;

interface Pattern {
  segments: string[];
  policy: CachePolicy;
}

/** A checked table, ready to be asked on every request. */
export interface CompiledTable {
  /** @param url the request's URL relative to the prefix, with its query */
  find(method: string | undefined, url: string | undefined): CachePolicy | undefined;
}

/** @throws TypeError naming the key that is wrong; HttpsysError `ERR_HTTPSYS_CACHE_POLICY` for its policy */
export function compileTable(table: CacheTable): CompiledTable {
  const exact = new Map<string, CachePolicy>();
  const patterns: Pattern[] = [];
  for (const [key, value] of Object.entries(table)) {
    const path = pathOfKey(key);
    const policy = validateCachePolicy(value);
    const star = path.indexOf('*');
    if (star !== -1 && star !== path.length - 1) throw keyError(key, "'*' is understood at the end of the path only");
    if (star === -1 && !path.includes('/:')) exact.set(path, policy);
    else patterns.push({ segments: path.split('/'), policy });
  }
  if (patterns.length > MAX_PATTERNS)
    throw new TypeError(`The cache table has ${patterns.length} patterns, at most ${MAX_PATTERNS} are taken`);
  return {
    find(method, url) {
      // Only GET is ever stored (CACHE-3); a target that is not a path (RFC 9112 section 3.2) has no place in the table.
      if (method !== 'GET' || url === undefined || url[0] !== '/') return undefined;
      const query = url.indexOf('?');
      const path = query === -1 ? url : url.slice(0, query);
      const policy = exact.get(path);
      if (policy !== undefined || patterns.length === 0) return policy;
      const segments = path.split('/');
      return patterns.find((pattern) => matches(pattern.segments, segments))?.policy;
    },
  };
}

function pathOfKey(key: string): string {
  const match = /^(\S+) +(\/\S*)$/.exec(key);
  if (!match) throw keyError(key, "expected a method and a path, for example 'GET /time'");
  const [, method, path] = match as unknown as [string, string, string];
  if (method.toUpperCase() !== 'GET') throw keyError(key, 'only answers to GET are cached');
  if (/[?#]/.test(path)) throw keyError(key, 'the path takes no query and no fragment');
  return path;
}

function keyError(key: string, why: string): TypeError {
  return new TypeError(`Invalid key ${JSON.stringify(key)} in the cache table: ${why}`);
}

function matches(pattern: string[], path: string[]): boolean {
  const last = pattern.length - 1;
  const open = pattern[last].endsWith('*');
  if (open ? path.length < pattern.length : path.length !== pattern.length) return false;
  return pattern.every((expected, index) => {
    const given = path[index];
    if (open && index === last) return given.startsWith(expected.slice(0, -1));
    return expected[0] === ':' ? given !== '' : given === expected;
  });
}
