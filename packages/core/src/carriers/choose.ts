/** Which carrier a `listen` gets. */
import * as cluster from 'node:cluster';
import { makeError } from '../errors';

export type CarrierKind = 'service' | 'embedded' | 'httpsys';

/** What the choice depends on. */
export interface ListenForm {
  /** True when `listen` got URL prefixes, false when it got a port. */
  byPrefix: boolean;
  /** It concerns this process alone: a descriptor, `exclusive`, `reusePort`. */
  lone?: boolean;
  /** The queue has a name, by which other processes or threads are to join it. */
  named?: boolean;
  /** The `engine` option of the server or of `listen`; wins over the environment. */
  engine?: string;
  /** Default: the process' own. */
  env?: NodeJS.ProcessEnv;
  platform?: NodeJS.Platform;
  isClusterWorker?: boolean;
}

/**
 * Prefixes meet those of other processes in the service; a port alone is served on the caller's own loop; workers of a cluster share one
 * queue, and so do threads and processes that name one, which only the service can give them. A descriptor is this process' own, and
 * `exclusive` and `reusePort` ask for that. On Windows HTTP.SYS takes the place of the service, and of the default: `embedded` is there
 * for whoever asks for it, for development without rights to a prefix.
 *
 * @throws ERR_HTTPSYS_ENGINE for a value that is neither `service` nor `embedded`
 */
export function chooseCarrier(form: ListenForm): CarrierKind {
  const env = form.env ?? process.env;
  const asked = form.engine ?? (env.HTTPSYS_ENGINE || undefined);
  if (asked !== undefined && asked !== 'service' && asked !== 'embedded') throw makeError('ERR_HTTPSYS_ENGINE', String(asked));
  if ((form.platform ?? process.platform) === 'win32') return asked === 'embedded' ? 'embedded' : 'httpsys';
  if (form.lone === true) return 'embedded';
  if (asked !== undefined) return asked;
  if (form.byPrefix || form.named === true || (form.isClusterWorker ?? cluster.default.isWorker)) return 'service';
  return 'embedded';
}
