/** What a connection does about its own 'error' and 'timeout' while it is HTTP's. */
import type { SocketState } from './socket-state';

function ignoreError(): void {}

/** Errors of a connection are the server's 'clientError', as with node:http; nobody has to listen for them. */
function onSocketError(this: SocketState, error: Error): void {
  this.stopErrors();
  if (!this.server.emit('clientError', error, this)) this.destroy(error);
}

/** Who wants to know of a silent connection decides about it; else it is closed. */
function onSocketTimeout(this: SocketState): void {
  const { currentRequest, _httpMessage: response, server } = this;
  const heard = [
    currentRequest !== null && !currentRequest.complete && currentRequest.emit('timeout', this),
    response !== null && response.emit('timeout', this),
    server.emit('timeout', this),
  ];
  if (!heard.includes(true)) this.destroy();
}

export function addOwnListeners(socket: SocketState): void {
  socket.on('error', onSocketError);
  socket.on('timeout', onSocketTimeout);
}

/** Behind an upgrade both are the program's, as with node:http. */
export function removeOwnListeners(socket: SocketState): void {
  socket.removeListener('error', onSocketError);
  socket.removeListener('timeout', onSocketTimeout);
}

/** The program's own listeners hear an error from now on, and it is no second 'clientError'. */
export function stopErrors(socket: SocketState): void {
  socket.removeListener('error', onSocketError);
  if (socket.listenerCount('error') === 0) socket.on('error', ignoreError);
}
