import http from 'node:http';

/** The usual way onto node:http, for a (req, res) function. */
export function listenOnNode(handler, port) {
  return new Promise((resolve, reject) => {
    http.createServer(handler).once('error', reject).listen(port, '127.0.0.1', resolve);
  });
}

/** Waits for a server that an adapter has set listening. */
export function listening(server) {
  if (server.listening) return Promise.resolve();
  return new Promise((resolve, reject) => server.once('error', reject).once('listening', resolve));
}
