// A WebSocket echo and the page that talks to it, on the prefix /websocket/: ws on an httpsys server is what it is on node:http.
import { readFileSync } from 'node:fs';
import { createServer, relativeUrl } from '@httpsys/core';
import { WebSocketServer } from 'ws';

const port = process.env.PORT ?? 8080;
const page = readFileSync(new URL('index.html', import.meta.url));

const server = createServer((req, res) => {
  if (relativeUrl(req).url !== '/') {
    res.writeHead(404, { 'Content-Type': 'text/plain' }).end('Not found\n');
    return;
  }
  // The page never changes: the engine serves it, also on a path whose WebSocket requests go to this process.
  res.cachePolicy = { untilFlushed: true };
  res.setHeader('Content-Type', 'text/html; charset=utf-8');
  res.end(page);
});

const sockets = new WebSocketServer({ server, maxPayload: 1024 * 1024 });
sockets.on('connection', (socket) => {
  socket.on('error', () => socket.terminate());
  socket.on('message', (data, binary) => socket.send(data, { binary }));
});

server.listen(`http://*:${port}/websocket/`, () => {
  console.log(`http://localhost:${port}/websocket/`);
  process.send?.('ready');
});

// 1001: the server goes away. Clients that do not answer in time are cut off by ws.
process.on('SIGTERM', () => {
  for (const socket of sockets.clients) socket.close(1001);
  server.close();
});
