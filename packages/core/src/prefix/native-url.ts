import type { NativeUrl } from '../carriers/native';
import type { UrlPrefix } from './parse';

/** One row of the engine's routing table. */
export function toNativeUrl(prefix: UrlPrefix, queueId: number, urlContext: number): NativeUrl {
  const { scheme, hostKind, host, port, path } = prefix;
  const isWildcard = host === '+' || host === '*';
  return { https: scheme === 'https', hostKind, host: isWildcard ? '' : host, port, path, queueId, urlContext };
}
