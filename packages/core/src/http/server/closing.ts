/** How a server ends: its queues, those it has closed before included, and their connections. */
import * as frames from '../../queue/frames';
import { nodeError } from '../node-internals';
import type { Queue } from '../own';
import { workerClosed } from './cluster-worker';
import { closeConnections, socketsOf } from './draining-queues';
import type { ServerState } from './server-state';

/** @see Server.close */
export function close(server: ServerState, callback?: (error?: Error) => void): void {
  // As node:http's does, whose own method programs replace.
  server.closeIdleConnections();
  const { queue } = server;
  if (typeof callback === 'function') {
    if (queue === null) server.once('close', () => callback(nodeError(Error, 'ERR_SERVER_NOT_RUNNING', 'Server is not running.')));
    else server.once('close', callback);
  }
  if (queue === null) {
    if (server.draining.empty) process.nextTick(() => server.emit('close'));
    return;
  }
  forgetQueue(server);
  const { opening } = server;
  // Closing is something to wait for, whatever `unref` has said of listening.
  queue.carrier.ref();
  server.draining.add(queue, () => {
    opening?.release();
    if (server.queue === null) workerClosed(server);
  });
}

function forgetQueue(server: ServerState): void {
  server.queue = null;
  server.bound = null;
  server.boundAddress = null;
}

/** A queue that was closed has ended. */
export function queueDrained(server: ServerState): void {
  // As node:net: a listener added behind `close()` hears it, and the connections' own 'close' comes first.
  process.nextTick(() => {
    // A server that listens again is not closed (node:http).
    if (server.queue === null && server.draining.empty) server.emit('close');
  });
}

/** The engine ended a queue. */
export function queueFailed(server: ServerState, queue: Queue, error: Error): void {
  if (server.draining.drop(queue)) return;
  if (server.queue !== queue) return;
  forgetQueue(server);
  server.opening?.release();
  workerClosed(server);
  queue.carrier.close(() => undefined);
  server.emit('error', error);
}

function queuesOf(server: ServerState): Queue[] {
  return server.queue === null ? server.draining.all() : [...server.draining.all(), server.queue];
}

export function closeIdleConnections(server: ServerState): void {
  for (const queue of queuesOf(server)) closeConnections(queue, frames.CloseIdle);
}

export function closeAllConnections(server: ServerState): void {
  for (const queue of queuesOf(server)) {
    closeConnections(queue, frames.CloseAll);
    for (const socket of socketsOf(queue)) if (socket.opaque === null) socket.giveUp();
  }
}

/** `ref` and `unref`: whether listening keeps the process alive. */
export function setReferenced(server: ServerState, referenced: boolean): void {
  server.referenced = referenced;
  for (const { carrier } of queuesOf(server)) {
    if (referenced) carrier.ref();
    else carrier.unref();
  }
}
