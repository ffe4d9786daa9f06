/** The URLs a call of `flushCache` means. */
import type { BoundUrl } from '../carriers/carrier';

/** A full URL as it is; a path on each origin (scheme, host, port) of the prefixes. */
export function flushTargets(urlOrPath: string, bound: readonly BoundUrl[]): string[] {
  if (!urlOrPath.startsWith('/')) return [urlOrPath];
  const origins = new Set(bound.map((url) => url.prefix.slice(0, url.prefix.indexOf('/', url.prefix.indexOf('://') + 3))));
  return [...origins].map((origin) => origin + urlOrPath);
}
