/**
 * Published packages that speak WebSocket, used as their own documentation does: HTTPSYS_TEST_ENGINE=node runs the same tests against the oracle.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import * as http from 'node:http';
import * as net from 'node:net';
import { createRequire } from 'node:module';
import { test, type TestContext } from 'node:test';
import express from 'express';
import Fastify, { type FastifyInstance } from 'fastify';
import Koa from 'koa';
import { Server as IoServer } from 'socket.io';
import { io } from 'socket.io-client';
import { WebSocket, WebSocketServer, type RawData } from 'ws';
import { createServer, engine, listen, listening, onFreePort, serve, shutDown, unless, type TestServer } from '../support/engine';
import { deferred, eventually, nextEvent, within } from '../support/poll';

const load = createRequire(__filename);

/** A server whose WebSockets end with the test. */
async function serveSockets(t: TestContext, listener?: http.RequestListener): Promise<{ server: TestServer; port: number }> {
  const sockets: net.Socket[] = [];
  t.after(() => sockets.forEach((socket) => socket.destroy()));
  const running = await serve(t, listener as never);
  running.server.on('connection', (socket) => sockets.push(socket));
  return running;
}

function dial(t: TestContext, url: string, ...more: [protocols?: string[], options?: object]): WebSocket {
  const client = new WebSocket(url, ...(more as []));
  client.on('error', () => undefined);
  t.after(() => client.terminate());
  return client;
}

async function opened(client: WebSocket): Promise<WebSocket> {
  await nextEvent(client, 'open');
  return client;
}

async function said(client: WebSocket): Promise<string> {
  const [data] = (await nextEvent(client, 'message')) as [RawData];
  return String(data as Buffer);
}

const echo = (socket: WebSocket): void => {
  socket.on('error', () => undefined);
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
};

test('ws: option server; text, binary, ping, close code', async (t) => {
  const { server, port } = await serveSockets(t, (_req, res) => res.end('page'));
  const closed = deferred<[number, string]>();
  new WebSocketServer({ server, path: '/ws' }).on('connection', (socket) => {
    echo(socket);
    socket.on('close', (code, reason) => closed.resolve([code, reason.toString()]));
  });
  const client = await opened(dial(t, `ws://127.0.0.1:${port}/ws`));
  client.send('text');
  assert.equal(await said(client), 'text');
  client.send(Buffer.alloc(300_000, 7));
  const [binary, isBinary] = (await nextEvent(client, 'message')) as [Buffer, boolean];
  assert.equal(isBinary && binary.equals(Buffer.alloc(300_000, 7)), true);
  client.ping('p');
  assert.equal(String((await nextEvent(client, 'pong'))[0]), 'p');
  client.close(4001, 'bye');
  assert.deepEqual(await within(closed.promise, "'close'"), [4001, 'bye']);
  assert.deepEqual(await fetch(`http://127.0.0.1:${port}/`).then((answer) => answer.text()), 'page');
  const [response] = (await nextEvent(dial(t, `ws://127.0.0.1:${port}/elsewhere`), 'error')) as [Error];
  assert.match(response.message, /400/);
});

test('ws: noServer, several servers by path, authentication refused with 401, handleProtocols, perMessageDeflate', async (t) => {
  const { server, port } = await serveSockets(t);
  const plain = new WebSocketServer({ noServer: true, handleProtocols: (offered) => (offered.has('b') ? 'b' : false) });
  const deflating = new WebSocketServer({ noServer: true, perMessageDeflate: { threshold: 0 } });
  plain.on('connection', echo);
  deflating.on('connection', echo);
  server.on('upgrade', (req, socket, head) => {
    if (req.headers.authorization === undefined) {
      socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    const target = req.url === '/deflate' ? deflating : plain;
    target.handleUpgrade(req, socket, head, (client) => target.emit('connection', client, req));
  });
  const headers = { authorization: 'x' };
  const base = `ws://127.0.0.1:${port}`;
  const refused = dial(t, base);
  const [, response] = (await nextEvent(refused, 'unexpected-response')) as [unknown, http.IncomingMessage];
  assert.equal(response.statusCode, 401);
  const client = await opened(dial(t, base, ['a', 'b'], { headers }));
  assert.equal(client.protocol, 'b');
  const deflate = await opened(dial(t, `${base}/deflate`, [], { headers }));
  assert.match(deflate.extensions, /permessage-deflate/);
  const long = 'again and '.repeat(50_000);
  deflate.send(long);
  assert.equal(await said(deflate), long);
});

test('ws: Autobahn-style cases: fragments, control frames between them, many pings, invalid UTF-8, unmasked, oversized, reserved bits', async (t) => {
  const { server, port } = await serveSockets(t);
  new WebSocketServer({ server, maxPayload: 1 << 20 }).on('connection', echo);
  const key = 'dGhlIHNhbXBsZSBub25jZQ==';
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');

  /** A frame of a client; `first` is FIN, reserved bits and opcode. */
  const frame = (first: number, payload: Buffer | string, masked = true): Buffer => {
    const bytes = Buffer.from(payload);
    const head = bytes.length < 126 ? Buffer.from([first, bytes.length]) : Buffer.alloc(4);
    if (bytes.length >= 126) {
      head[0] = first;
      head[1] = 126;
      head.writeUInt16BE(bytes.length, 2);
    }
    if (!masked) return Buffer.concat([head, bytes]);
    head[1] = head[1]! | 0x80;
    const mask = Buffer.from([1, 2, 3, 4]);
    return Buffer.concat([head, mask, bytes.map((byte, n) => byte ^ mask[n % 4]!)]);
  };
  const exchange = async (input: Buffer, until: (bytes: Buffer) => boolean): Promise<Buffer> => {
    const socket = net.connect(port, '127.0.0.1');
    t.after(() => socket.destroy());
    socket.on('error', () => undefined);
    // The first frames travel with the handshake.
    socket.write(
      Buffer.concat([
        Buffer.from(
          `GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
        ),
        input,
      ]),
    );
    let bytes = Buffer.alloc(0);
    let ended = false;
    socket.on('data', (piece) => (bytes = Buffer.concat([bytes, piece])));
    socket.on('close', () => (ended = true));
    return eventually('the answer', () => {
      const end = bytes.indexOf('\r\n\r\n');
      if (end < 0) return null;
      assert.ok(bytes.toString('latin1', 0, end).includes(`Sec-WebSocket-Accept: ${accept}`));
      const rest = bytes.subarray(end + 4);
      return until(rest) || ended ? rest : null;
    });
  };
  const isClose = (code: number) => (bytes: Buffer) => bytes.length >= 4 && bytes[0] === 0x88 && bytes.readUInt16BE(2) === code;

  const fragments = [frame(0x01, 'frag'), frame(0x89, 'ping'), frame(0x00, 'men'), frame(0x80, 'ted')];
  const wanted = Buffer.concat([Buffer.from([0x8a, 4]), Buffer.from('ping'), Buffer.from([0x81, 10]), Buffer.from('fragmented')]);
  assert.deepEqual(await exchange(Buffer.concat(fragments), (bytes) => bytes.length >= wanted.length), wanted);

  // ws ends a connection that asks for many more in one go.
  const pings = Buffer.concat(Array.from({ length: 50 }, () => frame(0x89, 'flood')));
  assert.equal((await exchange(pings, (bytes) => bytes.length >= 50 * 7)).length, 50 * 7);

  for (const [what, input, code] of [
    ['invalid UTF-8', frame(0x81, Buffer.from([0xce, 0xba, 0xed, 0xa0, 0x80])), 1007],
    ['not masked', frame(0x81, 'x', false), 1002],
    ['a reserved bit', frame(0xc1, 'x'), 1002],
    ['a reserved opcode', frame(0x83, 'x'), 1002],
    ['a fragmented ping', frame(0x09, 'x'), 1002],
    ['a continuation of nothing', frame(0x80, 'x'), 1002],
    ['a ping that is too long', frame(0x89, Buffer.alloc(126)), 1002],
    ['a close code that is none', frame(0x88, Buffer.from([0x03, 0xed])), 1002],
    ['too big', Buffer.concat([Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0, 0x20, 0, 0, 1, 2, 3, 4])]), 1009],
    ['close 1000', frame(0x88, Buffer.from([0x03, 0xe8])), 1000],
  ] as [string, Buffer, number][]) {
    const answer = await exchange(input, isClose(code));
    assert.ok(isClose(code)(answer), `${what}: ${answer.toString('hex')}`);
  }
});

test('ws: a slow reader holds the writer back; nothing is lost', async (t) => {
  const { server, port } = await serveSockets(t);
  const bytes = 24 * 1024 * 1024;
  const piece = Buffer.alloc(64 * 1024, 1);
  let most = 0;
  let blocked = 0;
  new WebSocketServer({ server }).on('connection', (socket, req) => {
    socket.on('error', () => undefined);
    let sent = 0;
    const next = (): void => {
      while (sent < bytes) {
        sent += piece.length;
        socket.send(piece);
        most = Math.max(most, socket.bufferedAmount);
        if (socket.bufferedAmount > 512 * 1024) {
          blocked++;
          req.socket.once('drain', next);
          return;
        }
      }
      socket.close();
    };
    next();
  });
  const client = dial(t, `ws://127.0.0.1:${port}/`);
  let got = 0;
  let messages = 0;
  client.on('message', (data: Buffer) => {
    got += data.length;
    if (++messages % 32 === 0) {
      client.pause();
      setTimeout(() => client.resume(), 2);
    }
  });
  await nextEvent(client, 'close', 60_000);
  assert.equal(got, bytes);
  assert.ok(blocked > 0, 'the writer was held back');
  assert.ok(most < 2 * 1024 * 1024, `${most} bytes waited`);
});

test('ws: a slow server holds the client back; nothing is lost', async (t) => {
  const { server, port } = await serveSockets(t);
  const messages = 400;
  let got = 0;
  new WebSocketServer({ server }).on('connection', (socket) => {
    socket.on('error', () => undefined);
    socket.on('message', (data: Buffer) => {
      got += data.length;
      socket.pause();
      setImmediate(() => socket.resume());
    });
    socket.on('close', () => undefined);
  });
  const client = await opened(dial(t, `ws://127.0.0.1:${port}/`));
  const piece = Buffer.alloc(64 * 1024, 2);
  for (let n = 0; n < messages; n++) client.send(piece);
  client.close();
  await nextEvent(client, 'close', 60_000);
  assert.equal(got, messages * piece.length);
});

/** MiB through one WebSocket; the long run of CI sets more. */
const megabytes = Number(process.env.HTTPSYS_TEST_WEBSOCKET_MIB ?? 64);

test(`ws: ${megabytes} MiB through one WebSocket and back, with flat memory`, { timeout: 600_000 }, async (t) => {
  const { server, port } = await serveSockets(t);
  new WebSocketServer({ server, perMessageDeflate: false }).on('connection', (socket, req) => {
    socket.on('error', () => undefined);
    socket.on('message', (data) => {
      socket.send(data);
      if (socket.bufferedAmount > 1024 * 1024) {
        socket.pause();
        req.socket.once('drain', () => socket.resume());
      }
    });
  });
  const client = await opened(dial(t, `ws://127.0.0.1:${port}/`, [], { perMessageDeflate: false }));
  const piece = Buffer.alloc(1024 * 1024, 3);
  let sent = 0;
  let got = 0;
  let heaviest = 0;
  const done = deferred();
  const send = (): void => {
    while (sent < megabytes && sent - got < 4) {
      sent++;
      client.send(piece);
    }
  };
  client.on('message', (data: Buffer) => {
    assert.equal(data.length, piece.length);
    got++;
    const { external, arrayBuffers } = process.memoryUsage();
    heaviest = Math.max(heaviest, external + arrayBuffers);
    if (got === megabytes) done.resolve();
    else send();
  });
  send();
  await within(done.promise, 'all of it', 590_000);
  assert.ok(heaviest < 512 * 1024 * 1024, `${heaviest} bytes outside the heap`);
});

test('socket.io: polling, websocket, the upgrade from one to the other, rooms', async (t) => {
  const { server, port } = await serveSockets(t);
  const hub = new IoServer(server);
  // A client between two polls leaves its transport waiting that long for the next one, and this process with it: half a minute by default.
  hub.engine.on('connection', ({ transport }: { transport: { closeTimeout: number } }) => (transport.closeTimeout = 1_000));
  t.after(() => hub.disconnectSockets(true));
  hub.on('connection', (socket) => {
    socket.on('join', async (room: string, done: () => void) => {
      await socket.join(room);
      done();
    });
    socket.on('tell', (room: string, text: string) => hub.to(room).emit('told', text));
  });
  const url = `http://127.0.0.1:${port}`;
  const transports = [['polling'], ['websocket'], ['polling', 'websocket']] as ('polling' | 'websocket')[][];
  const clients = transports.map((names) => io(url, { transports: names, forceNew: true }));
  t.after(() => clients.forEach((client) => client.disconnect()));
  await Promise.all(clients.map((client) => (client.connected ? null : nextEvent(client, 'connect'))));
  await eventually('the upgrade from polling', () => clients[2]!.io.engine.transport.name === 'websocket');
  for (const client of clients.slice(0, 2)) await client.timeout(10_000).emitWithAck('join', 'room');
  const told = clients.slice(0, 2).map((client) => nextEvent(client, 'told'));
  let stranger = 0;
  clients[2]!.on('told', () => stranger++);
  clients[2]!.emit('tell', 'room', 'hello');
  assert.deepEqual(await Promise.all(told), [['hello'], ['hello']]);
  assert.equal(stranger, 0);
  const gone = clients.map((client) => nextEvent(client, 'disconnect'));
  hub.disconnectSockets(true);
  await Promise.all(gone);
});

test('@fastify/websocket: a route of its own, and the rejection of another', async (t) => {
  let server!: TestServer;
  const sockets: net.Socket[] = [];
  const app = Fastify({
    serverFactory: (handler) => {
      server = createServer({}, handler as never);
      server.on('connection', (socket) => sockets.push(socket));
      return server;
    },
  }) as unknown as FastifyInstance;
  t.after(async () => {
    sockets.forEach((socket) => socket.destroy());
    await shutDown(server);
  });
  await app.register(load('@fastify/websocket') as never);
  await app.register((routes: FastifyInstance, _options, done) => {
    routes.get('/ws', { websocket: true } as never, ((socket: WebSocket) => echo(socket)) as never);
    routes.get('/page', () => 'page');
    done();
  });
  await app.ready();
  const port = await listen(server);
  const client = await opened(dial(t, `ws://127.0.0.1:${port}/ws`));
  client.send('fast');
  assert.equal(await said(client), 'fast');
  assert.equal(await fetch(`http://127.0.0.1:${port}/page`).then((answer) => answer.text()), 'page');
  const [, response] = (await nextEvent(dial(t, `ws://127.0.0.1:${port}/none`), 'unexpected-response')) as [unknown, http.IncomingMessage];
  assert.equal(response.statusCode, 404);
});

test('express-ws: app.ws beside app.get', async (t) => {
  const app = express();
  const { server, port } = await serveSockets(t, app);
  (load('express-ws') as (app: unknown, server: unknown) => unknown)(app, server);
  (app as unknown as { ws(path: string, handler: (socket: WebSocket) => void): void }).ws('/echo', echo);
  app.get('/', (_req, res) => void res.send('page'));
  const client = await opened(dial(t, `ws://127.0.0.1:${port}/echo`));
  client.send('express');
  assert.equal(await said(client), 'express');
  assert.equal(await fetch(`http://127.0.0.1:${port}/`).then((answer) => answer.text()), 'page');
});

test('koa beside ws on one server', async (t) => {
  const app = new Koa();
  app.use((context) => void (context.body = 'koa'));
  const { server, port } = await serveSockets(t, app.callback() as http.RequestListener);
  new WebSocketServer({ server }).on('connection', echo);
  const client = await opened(dial(t, `ws://127.0.0.1:${port}/`));
  client.send('both');
  assert.equal(await said(client), 'both');
  assert.equal(await fetch(`http://127.0.0.1:${port}/`).then((answer) => answer.text()), 'koa');
});

test('http-proxy: as the proxy of a WebSocket, and as its target', async (t) => {
  const target = await serveSockets(t);
  new WebSocketServer({ server: target.server }).on('connection', echo);
  const { createProxyServer } = load('http-proxy') as { createProxyServer(options: object): { ws: unknown; on: unknown } };
  const proxy = createProxyServer({ target: `ws://127.0.0.1:${target.port}`, ws: true }) as unknown as {
    ws(req: http.IncomingMessage, socket: unknown, head: Buffer): void;
    on(event: string, listener: () => void): void;
  };
  proxy.on('error', () => undefined);
  const front = await serveSockets(t);
  front.server.on('upgrade', (req, socket, head) => proxy.ws(req, socket, head));
  const client = await opened(dial(t, `ws://127.0.0.1:${front.port}/`));
  for (const text of ['one', 'x'.repeat(200_000)]) {
    client.send(text);
    assert.equal(await said(client), text);
  }
  client.close(1000);
  assert.equal((await nextEvent(client, 'close'))[0], 1000);
});

test('several programs with WebSockets on one port, by prefix', unless(engine === 'service', 'prefixes'), async (t) => {
  const names = ['one', 'two'];
  const servers = names.map((name) => {
    const server = createServer();
    new WebSocketServer({ server }).on('connection', (socket) => socket.send(name));
    return server;
  });
  const sockets: net.Socket[] = [];
  servers.forEach((server) => server.on('connection', (socket) => sockets.push(socket)));
  t.after(async () => {
    sockets.forEach((socket) => socket.destroy());
    await Promise.all(servers.map(shutDown));
  });
  const port = await onFreePort(async (free) => {
    await listening(servers[0]!, `http://*:${free}/one/`);
    return free;
  });
  await listening(servers[1]!, `http://*:${port}/two/`);
  for (const name of names) {
    const client = dial(t, `ws://127.0.0.1:${port}/${name}/chat`);
    assert.equal(await said(client), name);
  }
});
