/** Workers of a cluster share one named queue, as they share a socket on node:http. */
import * as cluster from 'node:cluster';
import { createHash } from 'node:crypto';
import type { OpenQueueOptions, UrlRegistration } from './carrier';

/** The options with the queue of the cluster, when this process is a worker and has named none. */
export function queueInCluster(options: OpenQueueOptions, urls: UrlRegistration[]): OpenQueueOptions {
  if (options.name !== undefined || !cluster.default.isWorker) return options;
  const prefixes = urls.map((url) => url.prefix).join(' ');
  const digest = createHash('sha256').update(prefixes).digest('hex').slice(0, 16);
  return { ...options, name: `httpsys cluster ${process.ppid} ${digest}`, mode: 'createOrAttach' };
}
