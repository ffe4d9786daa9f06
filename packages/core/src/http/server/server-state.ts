/** What a server keeps of the queue it listens with, on each instance: read and written by the files of this folder alone. */
import type { AddressInfo } from 'node:net';
import type { BoundUrl } from '../../carriers/carrier';
import type { ServerOptions } from '../../options';
import type { OwnServer, Queue } from '../own';
import { DrainingQueues } from './draining-queues';
import type { TunedServer } from './node-options';
import type { Opening } from './open-queue';

export interface ServerState extends OwnServer, Pick<TunedServer, 'keepAliveTimeoutBuffer' | 'httpAllowHalfOpen'> {
  /** The options it was made with. */
  serverOptions: ServerOptions;
  queue: Queue | null;
  bound: BoundUrl[] | null;
  boundAddress: AddressInfo | string | null;
  opening: Opening | null;
  /** By URL context. */
  prefixPaths: string[];
  /** In the order of `listen`. */
  listenPaths: string[];
  /** What the engine was told that this server listens to. */
  told: string;
  /** An option was changed while the queue was being opened. */
  untold: boolean;
  draining: DrainingQueues;
  connectionCount: number;
  referenced: boolean;
  /** The option, on an engine whose ports are this program's alone. */
  nodeDefaults: boolean;
  /** Listener of 'newListener' and 'removeListener'. */
  listenersChange: (event: string | symbol) => void;
}

/** The same object, as the files of this folder know it. */
export function stateOf(server: OwnServer): ServerState {
  return server as ServerState;
}

/**
 * Puts the state on a fresh server.
 *
 * @param onDrained a queue that was closed has ended
 * @param onListenersChange listeners of an event were added or removed
 */
export function initState(
  server: OwnServer,
  onDrained: (server: ServerState) => void,
  onListenersChange: (server: ServerState, event: string | symbol) => void,
): ServerState {
  const state = stateOf(server);
  state.queue = null;
  state.bound = null;
  state.boundAddress = null;
  state.opening = null;
  state.prefixPaths = [];
  state.listenPaths = [];
  state.told = '';
  state.untold = false;
  state.draining = new DrainingQueues(() => onDrained(state));
  state.connectionCount = 0;
  state.referenced = true;
  state.nodeDefaults = false;
  state.listenersChange = (event) => onListenersChange(state, event);
  return state;
}
