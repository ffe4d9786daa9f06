/** The URL of a request as an application mounted on the matched prefix sees it. */
import { splitUrl } from '../prefix';
import { kPrefixPath } from '../symbols';
import type { IncomingMessage } from './incoming-message';

/** `baseUrl` is the raw text of the mount path without its final slash, `url` the rest, beginning with `/`, query included. */
export interface RelativeUrl {
  baseUrl: string;
  url: string;
}

/** Splits `request.url` at the prefix the engine routed it by; for other requests the base is empty. */
export function relativeUrl(request: Pick<IncomingMessage, 'url'> & { prefixPath?: string }): RelativeUrl {
  const url = request.url ?? '/';
  // By the slot, which survives a swap of prototypes; by the name for requests that another library made after ours.
  const prefixPath = (request as { [kPrefixPath]?: string })[kPrefixPath] ?? request.prefixPath;
  if (prefixPath === undefined || prefixPath === '/') return { baseUrl: '', url };
  return splitUrl(url, prefixPath);
}
