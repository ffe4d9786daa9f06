'use strict';
const http = require('node:http');
const { Server } = require('socket.io');
const stop = require('./stop.cjs');

const server = http.createServer((req, res) => res.end('page'));
const io = new Server(server, {
  maxHttpBufferSize: 10_000,
  pingInterval: 2000,
  pingTimeout: 2000,
  cors: { origin: 'http://friend', credentials: true },
  cookie: false,
});

io.engine.on('connection_error', ({ code, message, req }) => {
  // A poll of a session that has just ended is a matter of luck.
  if (code !== 1 || req._query.sid === 'unknown') console.log('engine refuses', code, message);
});
io.engine.on('initial_headers', (headers) => (headers['x-initial'] = 'yes'));

io.use((socket, next) => {
  if (socket.handshake.auth.token !== 'wrong') return next();
  next(Object.assign(new Error('not you'), { data: { why: 'token' } }));
});
io.on('connection', (socket) => {
  const { transport } = socket.conn;
  console.log('connection', transport.name, socket.handshake.address, socket.handshake.query.a ?? '-');
  socket.conn.on('upgrade', ({ name }) => console.log('upgraded', name));
  socket.on('disconnecting', () => console.log('disconnecting', socket.rooms.size));
  socket.on('disconnect', (reason) => console.log('disconnect', reason));
  socket.on('echo', (...values) => socket.emit('echo', ...values));
  socket.on('ask', (value, answer) => answer(`answer to ${value}`));
  socket.on('ask me', async () => {
    const answer = await socket.timeout(2000).emitWithAck('question', 1);
    console.log('answered', answer);
    socket.emit('done');
  });
  socket.on('join', (room, done) => {
    socket.join(room);
    console.log('in room', io.of('/').adapter.rooms.get(room).size);
    done();
  });
  socket.on('to room', (room, text) => io.to(room).emit('of room', text));
  socket.on('to others', (text) => socket.broadcast.emit('of other', text));
  socket.on('many', (count) => {
    for (let n = 0; n < count; n++) socket.emit('one', n);
  });
  socket.on('go', (close) => socket.disconnect(close));
  socket.on('drop', () => socket.conn.close());
  socket.onAny((name) => name.startsWith('unknown') && console.log('unknown event', name));
});
io.of('/admin').on('connection', (socket) => {
  console.log('admin connection');
  socket.on('disconnect', (reason) => console.log('admin disconnect', reason));
  socket.on('who', (answer) => answer('admin'));
});

server.listen(0, '127.0.0.1', () => console.log('listening', server.address().port));
stop(() => new Promise((resolve) => io.close(resolve)));
