'use strict';
// ws without a server of the program's: it makes its own, and takes every path but those that `path` leaves out.
const { WebSocketServer } = require('ws');
const stop = require('./stop.cjs');

const sockets = new WebSocketServer({ port: 0, host: '127.0.0.1', path: '/here', maxPayload: 1 << 20 }, () =>
  console.log('listening', sockets.address().port),
);
sockets.on('connection', (socket, req) => {
  console.log('connection', req.headers.host !== undefined, req.url);
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  socket.on('error', (error) => console.log('error', error.code));
  socket.on('close', (code) => console.log('close', code));
});
stop(() => {
  for (const client of sockets.clients) client.terminate();
  return new Promise((resolve) => sockets.close(resolve));
});
