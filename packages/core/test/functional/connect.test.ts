/** CONNECT: 'connect', tunnels, and where a request goes that names another server (RFC 9110 section 9.3.6). */
import assert from 'node:assert/strict';
import * as http from 'node:http';
import * as net from 'node:net';
import { test, type TestContext } from 'node:test';
import { createServer, engine, listening, onFreePort, serve, shutDown, unless, type Running, type TestListener } from '../support/engine';
import { RawClient } from '../support/client';
import { deferred, nextEvent, within } from '../support/poll';

/** Tunnels are the program's to end; those a test leaves end with it, before its server. */
async function serveTunnels(t: TestContext, listener?: TestListener): Promise<Running> {
  const sockets: net.Socket[] = [];
  t.after(() => sockets.forEach((socket) => socket.destroy()));
  const running = await serve(t, listener);
  running.server.on('connection', (socket) => sockets.push(socket));
  return running;
}

/** A proxy as node:http's documentation has it. */
function proxy(_req: http.IncomingMessage, socket: net.Socket, head: Buffer): void {
  const { hostname, port } = new URL(`http://${_req.url}`);
  const upstream = net.connect(Number(port), hostname, () => {
    socket.write('HTTP/1.1 200 Connection Established\r\nProxy-agent: test\r\n\r\n');
    upstream.write(head);
    upstream.pipe(socket);
    socket.pipe(upstream);
  });
  upstream.on('error', () => socket.destroy());
  socket.on('error', () => upstream.destroy());
  socket.on('close', () => upstream.destroy());
}

async function target(t: TestContext): Promise<number> {
  const server = http.createServer((req, res) => res.end(`target ${req.url}`));
  t.after(() => shutDown(server));
  await listening(server, 0, '127.0.0.1');
  return (server.address() as net.AddressInfo).port;
}

test('a proxy: http.request with CONNECT, and a request through the tunnel', async (t) => {
  const { server, port } = await serveTunnels(t, (_req, res) => res.end('the proxy itself'));
  server.on('connect', proxy);
  const path = `127.0.0.1:${await target(t)}`;
  const request = http.request({ host: '127.0.0.1', port, method: 'CONNECT', path });
  request.end();
  const [response, socket] = (await nextEvent(request, 'connect')) as [http.IncomingMessage, net.Socket];
  assert.deepEqual([response.statusCode, response.statusMessage, response.headers['proxy-agent']], [200, 'Connection Established', 'test']);
  assert.equal(response.headers.connection, undefined);
  let text = '';
  socket.setEncoding('latin1');
  socket.on('data', (piece: string) => (text += piece));
  socket.write(`GET /through HTTP/1.1\r\nHost: ${path}\r\nConnection: close\r\n\r\n`);
  await nextEvent(socket, 'end');
  socket.end();
  assert.match(text, /^HTTP\/1\.1 200 OK\r\n[^]*target \/through/);
});

test("'connect' gets url and head; bytes sent ahead come through", async (t) => {
  const { server, connect } = await serveTunnels(t);
  const seen = deferred<unknown[]>();
  server.on('connect', (req: http.IncomingMessage, socket: net.Socket, head: Buffer) => {
    seen.resolve([req.method, req.url, (req as { upgrade?: boolean }).upgrade, req.headers.host, head.toString()]);
    socket.end('HTTP/1.1 200 OK\r\n\r\nhello');
  });
  const client = await connect();
  client.send('CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\nahead');
  assert.deepEqual(await within(seen.promise, "'connect'"), ['CONNECT', 'example.com:443', true, 'example.com:443', 'ahead']);
  assert.equal((await client.closed()).toString('latin1'), 'HTTP/1.1 200 OK\r\n\r\nhello');
});

test('a CONNECT that is refused', async (t) => {
  const { server, connect } = await serveTunnels(t);
  const text = 'HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno';
  server.on('connect', (_req, socket: net.Socket) => void socket.end(text));
  const client = await connect();
  client.send('CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n');
  assert.equal((await client.closed()).toString('latin1'), text);
});

test("nobody listens to 'connect': the connection is closed without a word, and 'request' is not emitted", async (t) => {
  let requests = 0;
  const { connect } = await serveTunnels(t, () => void requests++);
  const client = await connect();
  client.send('CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n');
  assert.equal((await client.closed()).length, 0);
  assert.equal(requests, 0);
});

test('CONNECT goes by port to the application on its root, whatever host it names', unless(engine === 'service', 'prefixes'), async (t) => {
  const servers = [createServer(), createServer(), createServer()];
  const sockets: net.Socket[] = [];
  t.after(async () => {
    sockets.forEach((socket) => socket.destroy());
    await Promise.all(servers.map(shutDown));
  });
  const names = ['root', 'named', 'below'];
  servers.forEach((server, n) => {
    server.on('connect', (_req, socket: net.Socket) => {
      socket.resume();
      socket.end(`HTTP/1.1 200 ${names[n]}\r\n\r\n`);
    });
    server.on('connection', (socket) => sockets.push(socket));
  });
  const port = await onFreePort(async (free) => {
    await listening(servers[0]!, `http://*:${free}/`);
    return free;
  });
  await listening(servers[1]!, `http://named.test:${port}/`);
  await listening(servers[2]!, `http://*:${port}/below/`);
  for (const authority of ['elsewhere:443', `named.test:${port}`, '10.0.0.1:80']) {
    const client = await RawClient.connect(port);
    t.after(() => client.destroy());
    client.send(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
    assert.equal((await client.closed()).toString('latin1'), 'HTTP/1.1 200 root\r\n\r\n');
    client.end();
  }
  await shutDown(servers[0]!);
  const client = await RawClient.connect(port);
  t.after(() => client.destroy());
  client.send('CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n');
  assert.match((await client.closed()).toString('latin1'), /^HTTP\/1\.1 404 /, 'nobody on the root');
});
