/** Sockets that a program brings by itself: `server.emit('connection', socket)`. */
import { test, type TestContext } from 'node:test';
import * as assert from 'node:assert/strict';
import * as http from 'node:http';
import * as net from 'node:net';
import type { AddressInfo } from 'node:net';
import { Duplex } from 'node:stream';
import { createServer, serve } from '../support/engine';
import { fetchOnce, RawClient } from '../support/client';
import { nextEvent } from '../support/poll';

const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

/** A listener of node:net that hands everything to `server`. */
async function multiplex(t: TestContext, server: http.Server): Promise<number> {
  const sockets = new Set<net.Socket>();
  const outer = net.createServer((socket) => {
    sockets.add(socket);
    server.emit('connection', socket);
  });
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => outer.close(resolve));
  });
  outer.listen(0, '127.0.0.1');
  await nextEvent(outer, 'listening');
  return (outer.address() as AddressInfo).port;
}

test('a socket of another listener is served by a server that does not listen', async (t) => {
  const server = createServer({}, (req, res) => {
    res.setHeader('X-Method', req.method ?? '');
    req.pipe(res);
  });
  const heard: unknown[] = [];
  server.on('connection', (socket) => heard.push(socket));
  const port = await multiplex(t, server);
  const answer = await fetchOnce(port, '/', { method: 'POST', body: 'there and back' });
  assert.deepEqual([answer.status, answer.text, answer.headers['x-method']], [200, 'there and back', 'POST']);
  const client = await RawClient.connect(port);
  for (let n = 0; n < 2; n++) assert.equal((await client.exchange(GET)).headers['x-method'], 'GET');
  assert.equal(heard.length, 2, 'one for each connection');
  client.end();
});

test('its own port goes on beside it', async (t) => {
  const { server, get } = await serve(t, (req, res) => res.end(String(req.socket.localPort)));
  const port = await multiplex(t, server);
  const own = (server.address() as AddressInfo).port;
  for (let n = 0; n < 2; n++) {
    assert.equal((await get('/')).text, String(own));
    assert.equal((await fetchOnce(port, '/')).text, String(port));
  }
});

test('upgrades and malformed requests on such a socket go to the listeners of the server', async (t) => {
  const server = createServer({}, (_req, res) => res.end('ok'));
  server.on('upgrade', (_req, socket: Duplex) =>
    socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'),
  );
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => socket.end(`HTTP/1.1 499 ${error.code}\r\n\r\n`));
  const port = await multiplex(t, server);
  const upgraded = await RawClient.connect(port);
  assert.equal((await upgraded.exchange(GET.replace('\r\n\r\n', '\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'))).status, 101);
  await upgraded.closed();
  const broken = await RawClient.connect(port);
  broken.send('NONSENSE\r\n\r\n');
  const answer = await broken.response();
  assert.deepEqual([answer.status, answer.reason], [499, 'HPE_INVALID_METHOD']);
  await broken.closed();
});

test('any Duplex will do', async () => {
  const server = createServer({}, (_req, res) => {
    res.setHeader('Connection', 'close');
    res.end('by hand');
  });
  let text = '';
  const socket = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  server.emit('connection', socket);
  const finished = nextEvent(socket, 'finish');
  socket.push(GET);
  await finished;
  assert.match(text, /^HTTP\/1\.1 200 OK\r\n/);
  assert.match(text, /by hand$/);
});
