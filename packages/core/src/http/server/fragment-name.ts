/** Names of fragments: URLs below a prefix of the server (http-server-api.md section 5.5). */
import type { BoundUrl } from '../../carriers/carrier';
import { makeError } from '../../errors';
import { fold, parsePrefix } from '../../prefix';
import * as frames from '../../queue/frames';
import { originOf } from './flush-target';

/** What requests of the prefix begin with; a path or a descriptor takes all. */
function pathOf(prefix: string): string {
  return prefix.includes('://') ? parsePrefix(prefix).path : '/';
}

function covers(prefix: string, path: string): boolean {
  const plain = path.split('?', 1)[0];
  let decoded: string;
  try {
    decoded = decodeURI(plain);
  } catch {
    return false;
  }
  return `${fold(decoded)}/`.startsWith(pathOf(prefix));
}

/**
 * The full name: a path belongs to the first prefix that covers it.
 *
 * @throws ERR_HTTPSYS_FRAGMENT
 */
export function fragmentName(urlOrPath: string, bound: readonly BoundUrl[]): string {
  if (typeof urlOrPath !== 'string') throw makeError('ERR_HTTPSYS_FRAGMENT', String(urlOrPath), 'the name must be a string');
  for (const { prefix } of bound) {
    const origin = originOf(prefix);
    const isPath = urlOrPath.startsWith('/');
    if (!isPath && !fold(urlOrPath).startsWith(`${fold(origin)}/`)) continue;
    const path = isPath ? urlOrPath : urlOrPath.slice(origin.length);
    if (!covers(prefix, path)) continue;
    const name = origin + path;
    if (Buffer.byteLength(name) <= frames.FragmentNameBytesMax) return name;
    throw makeError('ERR_HTTPSYS_FRAGMENT', `${name.slice(0, 100)}...`, `the name is longer than ${frames.FragmentNameBytesMax} bytes`);
  }
  throw makeError('ERR_HTTPSYS_FRAGMENT', urlOrPath, 'it lies below none of the prefixes that the server listens on');
}
