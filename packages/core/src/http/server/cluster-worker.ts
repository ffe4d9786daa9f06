/**
 * What node:cluster does around a listening worker, for servers whose listener is not in the primary: the primary hears that the worker
 * listens ('listening', by which PM2 and others know that it is ready), and `worker.disconnect()` first closes the servers.
 */
import * as cluster from 'node:cluster';
import type { AddressInfo } from 'node:net';
import type { OwnServer } from '../own';

const open = new Set<OwnServer>();
let wrapped = false;

/** node:cluster's own message; `process.send` of a worker is its way to the primary. */
function tellPrimary(address: AddressInfo | string | null): void {
  if (!process.connected) return;
  const told =
    typeof address === 'object' && address !== null
      ? { address: address.address === '::' ? null : address.address, port: address.port, addressType: address.family === 'IPv6' ? 6 : 4 }
      : { address, port: -1, addressType: -1 };
  process.send?.({ cmd: 'NODE_CLUSTER', act: 'listening', ...told });
}

/**
 * node:cluster ends a worker's disconnecting by `process.disconnect()`, when its own servers are closed. Ours have to be closed before,
 * else their requests would be lost to a primary that takes the end of the channel for the end of the work.
 */
function wrapDisconnect(): void {
  if (wrapped || process.disconnect === undefined) return;
  wrapped = true;
  const disconnect = process.disconnect;
  process.disconnect = function (this: NodeJS.Process): void {
    const servers = [...open];
    if (servers.length === 0 || cluster.default.worker?.exitedAfterDisconnect !== true) {
      disconnect.call(this);
      return;
    }
    let left = servers.length;
    for (const server of servers) {
      server.close(() => {
        if (--left === 0 && process.connected) disconnect.call(process);
      });
    }
  };
}

/** A server of this process listens. */
export function workerListens(server: OwnServer): void {
  if (!cluster.default.isWorker) return;
  open.add(server);
  wrapDisconnect();
  tellPrimary(server.address());
}

/** It is closed. */
export function workerClosed(server: OwnServer): void {
  open.delete(server);
}
