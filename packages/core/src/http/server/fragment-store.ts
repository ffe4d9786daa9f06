/** Handing a fragment to an engine's cache. */
import { makeError } from '../../errors';
import * as frames from '../../queue/frames';
import { encodeCachePolicy, validateCachePolicy, type CachePolicy } from '../cache-policy';
import type { Link } from '../own';

function refusalOf(result: number, win32Code: number): string {
  if (result === frames.FragmentInvalid) return 'the engine does not take it for a URL';
  if (result === frames.FragmentTooLarge) return 'it is too large for the cache of the engine';
  return `the engine failed with Win32 error ${win32Code}`;
}

/** @see Server.addFragment */
export function addFragment(
  links: readonly Link[],
  name: string,
  data: string | Uint8Array,
  policy: CachePolicy,
  bytesMax: number,
): Promise<void> {
  const wrong = (why: string): Error => makeError('ERR_HTTPSYS_FRAGMENT', name, why);
  if (typeof data !== 'string' && !(data instanceof Uint8Array)) throw wrong('its data must be a string or a Uint8Array');
  const bytes = Buffer.byteLength(data);
  if (bytes === 0) throw wrong('it is empty');
  if (bytes > bytesMax) throw wrong(`it has ${bytes} bytes, and at most ${bytesMax} are cached (option cacheEntryBytes)`);
  const block = encodeCachePolicy(validateCachePolicy(policy));
  if (block === null) throw makeError('ERR_HTTPSYS_CACHE_POLICY', 'a fragment needs a ttl of at least one second, or untilFlushed: true');
  const link = links.find((one) => one.open && one.channel.minor >= frames.MinorWithFragments);
  if (link === undefined) throw wrong('this engine has none');
  return new Promise((resolve, reject) => {
    const taken = link.addFragment(name, block, data, (error, result, win32Code) => {
      if (error !== null) reject(error);
      else if (result === frames.FragmentStored) resolve();
      else reject(wrong(refusalOf(result, win32Code)));
    });
    if (!taken) reject(wrong('too many are on their way to the engine'));
  });
}
