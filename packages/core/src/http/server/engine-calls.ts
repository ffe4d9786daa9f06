/** What the program of a listening server asks its engine. */
import type { Carrier } from '../../carriers/carrier';
import { makeError } from '../../errors';
import type { EngineState } from '../../queue/state';
import type { Queue } from '../own';
import { flushTargets } from './flush-target';
import type { ServerState } from './server-state';

/** @throws ERR_HTTPSYS_NOT_LISTENING */
export function requireQueue({ queue, bound }: ServerState): Queue {
  if (queue === null || bound === null) throw makeError('ERR_HTTPSYS_NOT_LISTENING');
  return queue;
}

function flushUrl(carrier: Carrier, url: string, recursive: boolean): Promise<number> {
  return new Promise((resolve, reject) => {
    carrier.flushCache(url, recursive, (error, count) => (error === null ? resolve(count) : reject(error)));
  });
}

/** @see Server.flushCache */
export async function flushCache(server: ServerState, urlOrPath: string, recursive: boolean): Promise<number> {
  const { carrier } = requireQueue(server);
  let total = 0;
  for (const url of flushTargets(urlOrPath, server.bound ?? [])) total += await flushUrl(carrier, url, recursive);
  return total;
}

/** @see Server.queryState */
export function queryState(server: ServerState): Promise<EngineState> {
  const { carrier } = requireQueue(server);
  return new Promise((resolve, reject) => {
    carrier.queryState((error, state) => (error === null ? resolve(state as EngineState) : reject(error)));
  });
}
