'use strict';
const http = require('node:http');
const { WebSocketServer, createWebSocketStream } = require('ws');
const stop = require('./stop.cjs');

const server = http.createServer((req, res) => {
  if (req.headers.upgrade === undefined) return res.end('page');
  res.writeHead(426, { 'Content-Type': 'text/plain' });
  res.end('Upgrade Required');
});
const servers = {
  '/echo': new WebSocketServer({ noServer: true }),
  '/small': new WebSocketServer({ noServer: true, maxPayload: 1000 }),
  '/deflate': new WebSocketServer({ noServer: true, perMessageDeflate: { threshold: 10, serverNoContextTakeover: true } }),
  '/verified': new WebSocketServer({
    noServer: true,
    verifyClient: ({ origin, req, secure }, done) => {
      console.log('verify', origin, req.url, secure);
      setImmediate(done, origin === 'http://friend', 403, 'not you', { 'X-Reason': 'origin' });
    },
  }),
  '/protocol': new WebSocketServer({ noServer: true, handleProtocols: (offered) => (offered.has('b') ? 'b' : false) }),
  '/fields': new WebSocketServer({ noServer: true }),
  '/stream': new WebSocketServer({ noServer: true }),
  '/closing': new WebSocketServer({ noServer: true }),
};
servers['/fields'].on('headers', (headers, req) => headers.push(`X-Url: ${req.url}`, 'Set-Cookie: a=1'));

for (const [at, sockets] of Object.entries(servers)) {
  sockets.on('wsClientError', (error, socket) => {
    console.log('client error', error.message);
    socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
  });
  sockets.on('connection', (socket, req) => {
    const { remoteAddress, remoteFamily, encrypted } = req.socket;
    console.log('connection', req.url, remoteAddress, remoteFamily, String(encrypted), sockets.clients.size);
    socket.on('error', (error) => console.log('error', error.code, error.message));
    socket.on('ping', (data) => console.log('ping', String(data)));
    socket.on('pong', (data) => console.log('pong', String(data)));
    socket.on('close', (code, reason) => console.log('close', code, String(reason)));
    if (at === '/stream') {
      const stream = createWebSocketStream(socket);
      stream.on('error', (error) => console.log('stream error', error.code));
      stream.on('end', () => console.log('stream end'));
      return stream.pipe(stream);
    }
    socket.on('message', (data, isBinary) => {
      const text = isBinary ? '' : String(data);
      if (text === 'close') socket.close(4000, 'as asked');
      else if (text === 'terminate') socket.terminate();
      else if (text === 'ping') socket.ping('from the server');
      else if (text === 'many') for (let n = 0; n < 1000; n++) socket.send(String(n));
      else if (text === 'fragments') {
        socket.send('a', { fin: false });
        socket.send('b', { fin: false });
        socket.send('c', { fin: true });
      } else if (text === 'to all') for (const client of sockets.clients) client.send('for all');
      else socket.send(data, { binary: isBinary });
    });
  });
}

server.on('upgrade', (req, socket, head) => {
  socket.on('error', (error) => console.log('socket error', error.code));
  const { pathname } = new URL(req.url, 'http://a');
  if (pathname === '/refused') {
    socket.end('HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
  } else if (pathname === '/destroyed') {
    socket.destroy();
  } else if (pathname === '/late') {
    setTimeout(() => servers['/echo'].handleUpgrade(req, socket, head, (client) => servers['/echo'].emit('connection', client, req)), 50);
  } else if (servers[pathname]) {
    servers[pathname].handleUpgrade(req, socket, head, (client) => servers[pathname].emit('connection', client, req));
  } else {
    socket.write('HTTP/1.1 404 Not Found\r\n\r\n');
    socket.destroy();
  }
});

server.listen(0, '127.0.0.1', () => console.log('listening', server.address().port));
stop(async () => {
  const closed = new Promise((resolve) => server.close(resolve));
  for (const sockets of Object.values(servers)) {
    for (const client of sockets.clients) client.close(1001, 'going away');
    sockets.close();
  }
  await closed;
});
