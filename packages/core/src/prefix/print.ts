/** URL prefixes as text. */
import { isIPv6 } from 'node:net';
import type { UrlPrefix } from './parse';

/** The host as it stands in a URL: IPv6 addresses in brackets. */
function printHost(host: string): string {
  return isIPv6(host) ? `[${host}]` : host;
}

/** The canonical text of a prefix; `parsePrefix` of it gives the same prefix again. */
export function printPrefix(prefix: Pick<UrlPrefix, 'scheme' | 'hostKind' | 'host' | 'port' | 'path'>): string {
  return `${prefix.scheme}://${printHost(prefix.host)}:${prefix.port}${prefix.path}`;
}

/**
 * A URL that a person on this machine can open: the wildcards `+` and `*` become `localhost`, the path is escaped.
 *
 * @param port the real port where it differs from the prefix's
 */
export function displayUrl(prefix: UrlPrefix, port: number = prefix.port): string {
  const host = prefix.host === '+' || prefix.host === '*' ? 'localhost' : printHost(prefix.host);
  return `${prefix.scheme}://${host}:${port}${encodeURI(prefix.writtenPath)}`;
}
