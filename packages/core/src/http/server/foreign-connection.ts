/**
 * Connections that a program brings by itself: `server.emit('connection', socket)`, as what tells protocols apart on one port does. No
 * engine has accepted them, so node:http's own code serves them, with its parser, in the same 'request' listeners.
 */
import type * as http from 'node:http';
import type { Duplex } from 'node:stream';
import { ConnectionSocket } from '../socket/connection-socket';
import { node } from '../node-internals';
import type { OwnServer } from '../own';

const [nodesListener] = new node.Server().listeners('connection') as ((this: http.Server, socket: Duplex) => void)[];

/** A server's first listener of 'connection', in the place of node:http's. A connection of an engine that has left HTTP is one, too. */
export function serveForeign(this: OwnServer, socket: Duplex): void {
  if (!(socket instanceof ConnectionSocket) || socket.opaque !== null) nodesListener.call(this, socket);
}

/** Whether the program itself listens to an event. */
export function isHeard(server: http.Server, event: string): boolean {
  return server.listeners(event).some((listener) => listener !== serveForeign);
}
