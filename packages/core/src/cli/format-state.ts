/** `show servicestate` as text, in the manner of netsh: indented, one fact per line. */
import type { ServiceState } from '../service/state';

export function formatState(state: ServiceState): string {
  const lines = [
    'Snapshot of HTTP service state:',
    '-------------------------------',
    `Service process: ${state.pid ?? 'unknown'}, @httpsys/core ${state.version}, up ${Math.round(state.uptimeSeconds)} s, ${state.threads} I/O threads`,
    `Client connections: ${state.connections}`,
    `Requests: ${state.requests}`,
    `Cache: ${state.cache.hits} hits, ${state.cache.misses} misses, ${state.cache.entries} entries, ${state.cache.bytes} bytes`,
  ];
  const rejections = Object.entries(state.rejections).filter(([, count]) => count > 0);
  if (rejections.length > 0) lines.push(`Rejections: ${rejections.map(([reason, count]) => `${reason} ${count}`).join(', ')}`);
  for (const port of state.ports) lines.push(`Port ${port.port}: ${port.addresses.join(', ')}`);
  for (const queue of state.queues) {
    lines.push(
      '',
      `Request queue name: ${queue.name ?? 'Request queue is unnamed.'}`,
      `    Number of requests waiting: ${queue.depth}`,
      `    Number of requests in flight: ${queue.inFlight}`,
      `    Number of requests: ${queue.requests}, from the cache: ${queue.hits}`,
      `    Process IDs: ${queue.pids?.join(', ') || 'none (the process died; its prefixes are kept for a moment)'}`,
      '    Registered URLs:',
    );
    for (const url of state.urls) {
      if (url.queueId === queue.id) lines.push(`        ${url.prefix}  requests ${url.requests}, from the cache ${url.hits}`);
    }
  }
  return lines.join('\n');
}
