/** What the engine is told of a server: its options, and whether the program listens to events that the engine has more to do for. */
import type { NativeQueueOptions } from '../../options';
import { isHeard } from './foreign-connection';
import { engineOptions } from './node-options';
import type { ServerState } from './server-state';

const listenedEvents = ['clientError', 'connection'];
/** What the engine gives an idle connection where nobody has said otherwise (http-server-api.md section 8.2). */
const idleSecondsDefault = 120;

/** The options of the server's queue as they are now, which is what the engine knows when it has been given them. */
export function tune(server: ServerState): NativeQueueOptions {
  server.told = heardEvents(server);
  server.untold = false;
  return engineOptions(server, server.serverOptions, server.nodeDefaults);
}

/** A property of node:http that the engine acts on was set. */
export function optionsChanged(server: ServerState): void {
  if (server.bound !== null) server.queue?.carrier.setOptions(tune(server), () => undefined);
  else server.untold = true;
}

/** Malformed requests, and clients that are silent, come here only while somebody listens. */
function heardEvents(server: ServerState): string {
  return listenedEvents.filter((event) => isHeard(server, event)).join();
}

/** Listeners of an event were added or removed. */
export function listenersChange(server: ServerState, event: string | symbol): void {
  if (!listenedEvents.includes(event as string)) return;
  process.nextTick(() => {
    if (heardEvents(server) !== server.told) optionsChanged(server);
  });
}

/** Whole seconds that clients are told an idle connection lives. */
export function idleSeconds(server: ServerState): number {
  const seconds = tune(server).idleConnection ?? 0;
  return Math.floor(seconds === 0 ? idleSecondsDefault : Math.max(seconds, 0));
}
