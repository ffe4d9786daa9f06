/** The errors by which a program learns that its client is gone, in node:net's and node:http's words. */
import { constants } from 'node:os';
import { nodeError } from './node-internals';
import type { OwnRequest } from './own';

/** What node:net reports of a client that resets the connection. */
export function resetError(): Error {
  return Object.assign(nodeError(Error, 'ECONNRESET', 'read ECONNRESET'), { errno: -constants.errno.ECONNRESET, syscall: 'read' });
}

/** The request's body breaks off. */
export function destroyRequest(request: OwnRequest): void {
  if (!request.destroyed) request.destroy(nodeError(Error, 'ECONNRESET', 'aborted'));
}
