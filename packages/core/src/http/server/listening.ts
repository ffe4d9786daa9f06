/** `listen`: from its arguments to a queue whose URLs are registered, and 'listening'. */
import type { BoundUrl } from '../../carriers/carrier';
import { createCarrier } from '../../carriers/create';
import { maxConcurrentRequestsDefault } from '../../options';
import { RequestQueue } from '../../queue/request-queue';
import { nodeError } from '../node-internals';
import type { Queue } from '../own';
import { workerListens } from './cluster-worker';
import { EngineEvents } from './engine-events';
import { optionsChanged, tune } from './tuning';
import { parseListenArguments, type ListenRequest } from './listen-arguments';
import { openQueue } from './open-queue';
import type { ServerState } from './server-state';

/** @see Server.listen */
export function listen(server: ServerState, args: readonly unknown[]): void {
  if (server.queue !== null) {
    throw nodeError(Error, 'ERR_SERVER_ALREADY_LISTEN', 'Listen method has been called more than once without closing.');
  }
  const request = parseListenArguments(args);
  if (request.callback !== null) server.once('listening', request.callback);
  start(server, request);
  if (request.options.signal !== undefined) closeOnAbort(server, request.options.signal);
}

function closeOnAbort(server: ServerState, signal: AbortSignal): void {
  const onAbort = (): unknown => server.close();
  if (signal.aborted) process.nextTick(onAbort);
  else {
    signal.addEventListener('abort', onAbort, { once: true });
    server.once('close', () => signal.removeEventListener('abort', onAbort));
  }
}

function start(server: ServerState, request: ListenRequest): void {
  const { serverOptions } = server;
  const paths = request.prefixes === null ? ['/'] : request.prefixes.map((prefix) => prefix.path);
  server.prefixPaths = server.listenPaths = paths;
  const queue: Queue = new RequestQueue(
    (events) =>
      createCarrier(events, {
        byPrefix: request.prefixes !== null,
        lone: request.descriptor !== null || request.options.exclusive === true || request.options.reusePort === true,
        named: (request.options.queueName ?? serverOptions.queueName) !== undefined,
        engine: request.options.engine ?? serverOptions.engine,
      }),
    new EngineEvents(server),
    serverOptions.maxConcurrentRequests ?? maxConcurrentRequestsDefault,
  );
  server.queue = queue;
  server.nodeDefaults = serverOptions.nodeDefaults === true && queue.carrier.kind === 'embedded';
  if (!server.referenced) queue.carrier.unref();
  // The port may still be this server's own, if it was closed a moment ago.
  server.draining.afterRelease(() => {
    if (server.queue === queue) open(server, queue, request);
  });
}

function open(server: ServerState, queue: Queue, request: ListenRequest): void {
  server.opening = openQueue(queue.carrier, server.serverOptions, tune(server), request, (error, opened) => {
    if (server.queue !== queue) return;
    if (error !== null || opened === null) {
      server.queue = null;
      queue.carrier.close(() => undefined);
      process.nextTick(() => server.emit('error', error));
      return;
    }
    const { bound, address } = opened;
    server.bound = bound;
    server.boundAddress = address;
    numberUrls(server, bound);
    if (server.untold) optionsChanged(server);
    process.nextTick(() => {
      if (server.bound !== bound) return;
      workerListens(server);
      server.emit('listening');
    });
  });
}

/** On a queue that several processes share, the one that came first has numbered the URLs. */
function numberUrls(server: ServerState, bound: BoundUrl[]): void {
  server.prefixPaths = [];
  bound.forEach((url, n) => (server.prefixPaths[url.urlContext] = server.listenPaths[n] ?? '/'));
}

/** The engine may have numbered the URLs anew. */
export function queueRestored(server: ServerState, queue: Queue, bound: BoundUrl[]): void {
  if (queue === server.queue) numberUrls(server, bound);
}
