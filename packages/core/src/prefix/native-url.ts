import type { UrlPrefix } from './parse';

/** One row of the engine's routing table: a `NativeUrl` by its shape, since nothing here knows the carriers. */
export function toNativeUrl(prefix: UrlPrefix, queueId: number, urlContext: number) {
  const { scheme, hostKind, host, port, path } = prefix;
  const isWildcard = host === '+' || host === '*';
  return { https: scheme === 'https', hostKind, host: isWildcard ? '' : host, port, path, queueId, urlContext };
}
