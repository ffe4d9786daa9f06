/** The URLs a call of `flushCache` means. */
import type { BoundUrl } from '../../carriers/carrier';

/** Clients of a path or a descriptor name no port, which stands for the scheme's. */
export function originOf(prefix: string): string {
  const scheme = prefix.indexOf('://');
  return scheme === -1 ? 'http://*:80' : prefix.slice(0, prefix.indexOf('/', scheme + 3));
}

/** A full URL as it is; a path on each origin (scheme, host, port) of the prefixes. */
export function flushTargets(urlOrPath: string, bound: readonly BoundUrl[]): string[] {
  if (!urlOrPath.startsWith('/')) return [urlOrPath];
  const origins = new Set(bound.map(({ prefix }) => originOf(prefix)));
  return [...origins].map((origin) => origin + urlOrPath);
}
