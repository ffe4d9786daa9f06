/** Programs, clients and the service that are killed while a WebSocket's bytes flow; what one side does not read holds the other back. */
import assert from 'node:assert/strict';
import * as net from 'node:net';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { io } from 'socket.io-client';
import { engine, features, serve, unless } from '../support/engine';
import { freePort } from '../support/free-port.cjs';
import { RawClient } from '../support/client';
import { privateRuntime, startChild } from '../support/child';
import { servicePid } from '../support/service-process';
import { deferred, eventually, nextEvent, within } from '../support/poll';

const ask = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: stream\r\n\r\n';
const accept = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: stream\r\n\r\n';

const streaming = `
  const server = createServer((req, res) => res.end('ordinary'));
  server.on('upgrade', (req, socket) => {
    socket.on('error', (error) => report({ socketError: error.code }));
    socket.on('close', () => report({ socketClosed: true }));
    socket.write(${JSON.stringify(accept)});
    socket.resume();
    const piece = Buffer.alloc(65536, 1);
    const next = () => { while (!socket.destroyed && socket.write(piece)); };
    socket.on('drain', next);
    next();
  });
  listenAndReport(server, process.env.PREFIX);
`;

async function port(child: { report(key: string): Promise<unknown> }, prefixPort: number): Promise<number> {
  const { address } = (await child.report('listening')) as { address: net.AddressInfo | null };
  return features.sharing ? prefixPort : address!.port;
}

for (const victim of ['application', 'client', 'service'] as const) {
  const possible = unless(victim !== 'service' || features.service, 'only the service is a process of its own');
  test(`the ${victim} is killed in mid-stream: the other side hears of it, and others do not`, possible, async (t) => {
    const directory = privateRuntime(t);
    const free = await freePort();
    const prefix = features.sharing ? { PREFIX: `http://*:${free}/` } : {};
    const child = startChild(t, streaming, { HTTPSYS_RUNTIME_DIR: directory, ...prefix });
    const at = await port(child, free);
    const client = await RawClient.connect(at);
    t.after(() => client.destroy());
    client.send(ask);
    await client.bytes(1024 * 1024);
    if (victim === 'client') {
      client.reset();
      assert.equal((await child.report('socketError')).socketError, 'ECONNRESET');
      await child.report('socketClosed');
    } else if (victim === 'application') {
      child.kill('SIGKILL');
      await client.closed();
    } else {
      process.kill(servicePid(directory)!, 'SIGKILL');
      await client.closed();
      assert.equal((await child.report('socketError')).socketError, 'ECONNRESET');
      await child.report('socketClosed');
    }
    if (victim !== 'application') {
      await eventually('an ordinary answer afterwards', async () => {
        const other = await RawClient.connect(at);
        const answer = await other.exchange('GET / HTTP/1.1\r\nHost: x\r\n\r\n').finally(() => other.destroy());
        return answer.text === 'ordinary';
      });
    }
  });
}

for (const writes of [false, true]) {
  test(
    `a closed server's process ends with an upgraded connection whose client is gone${writes ? ', and which has written since' : ''}`,
    unless(engine === 'node' || engine === 'embedded', 'the connection is another process’s'),
    async (t) => {
      const child = startChild(
        t,
        `
        const server = createServer();
        server.on('upgrade', (req, socket) => {
          socket.write(${JSON.stringify(accept)});
          socket.on('error', () => undefined);
          socket.on('end', () => {
            const rest = () => { server.close(); report({ ended: true }); letGo(); };
            if (${writes}) socket.write('last words', rest);
            else rest();
          });
          socket.resume();
        });
        listenAndReport(server);
      `,
      );
      const { address } = (await child.report('listening')) as unknown as { address: net.AddressInfo };
      const client = await RawClient.connect(address.port);
      t.after(() => client.destroy());
      client.send(ask);
      await client.bytes(accept.length);
      client.end();
      await child.report('ended');
      assert.deepEqual(await child.exited(), { code: 0, signal: null }, child.output);
    },
  );
}

test('socket.io clients come back when the service was killed', unless(features.service, 'only the service is killed'), async (t) => {
  const directory = privateRuntime(t);
  const free = await freePort();
  const child = startChild(
    t,
    `
    const server = createServer();
    new (require('socket.io').Server)(server, { path: '/chat/socket.io' }).on('connection', () => report({ connected: true }));
    listenAndReport(server, process.env.PREFIX);
  `,
    { HTTPSYS_RUNTIME_DIR: directory, PREFIX: `http://*:${free}/chat/` },
  );
  await child.report('listening');
  const client = io(`http://127.0.0.1:${free}`, {
    path: '/chat/socket.io',
    transports: ['websocket'],
    reconnectionDelay: 50,
    forceNew: true,
  });
  t.after(() => client.disconnect());
  await nextEvent(client, 'connect');
  await child.report('connected');
  process.kill(servicePid(directory)!, 'SIGKILL');
  await nextEvent(client, 'disconnect');
  await nextEvent(client, 'connect', 20_000);
  await child.report('connected');
});

test('a client that does not read holds the program back: what waits is bounded', async (t) => {
  const sockets: net.Socket[] = [];
  t.after(() => sockets.forEach((socket) => socket.destroy()));
  const { server, port: at } = await serve(t);
  let written = 0;
  const held = deferred();
  server.on('upgrade', (_req, socket: net.Socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.write(accept);
    const piece = Buffer.alloc(16 * 1024, 1);
    const next = (): void => {
      for (;;) {
        written += piece.length;
        if (!socket.write(piece)) break;
      }
      assert.ok(socket.writableLength <= socket.writableHighWaterMark + piece.length, `${socket.writableLength} bytes wait`);
      held.resolve();
    };
    socket.on('drain', next);
    next();
  });
  const client = net.connect(at, '127.0.0.1');
  sockets.push(client);
  client.pause();
  client.write(ask);
  await within(held.promise, "a 'write' that returned false");
  // The kernel's buffers take some megabytes on loopback; when nothing moves any more, the program stands still.
  let before = -1;
  await eventually('a standstill', () => {
    const same = written === before;
    before = written;
    return same && written > 0;
  });
  const standing = written;
  assert.ok(standing < 64 * 1024 * 1024, `${standing} bytes were taken`);
  client.resume();
  await eventually('more to be written', () => written > standing);
});

test('a program that does not read holds the client back, and gets everything later', async (t) => {
  const sockets: net.Socket[] = [];
  t.after(() => sockets.forEach((socket) => socket.destroy()));
  const { server, port: at } = await serve(t);
  const got = deferred<Duplex>();
  server.on('upgrade', (_req, socket: net.Socket) => {
    sockets.push(socket);
    socket.write(accept);
    got.resolve(socket);
  });
  const client = net.connect(at, '127.0.0.1');
  sockets.push(client);
  client.resume();
  client.write(ask);
  const socket = (await within(got.promise, "'upgrade'")) as net.Socket;
  const bytes = 32 * 1024 * 1024;
  client.end(Buffer.alloc(bytes, 5));
  // Nobody reads: at most the high water mark and the engine's window are here.
  await eventually('the first bytes', () => socket.readableLength > 0 || socket.bytesRead > 0 || socket.read(0) === null);
  assert.ok(socket.readableLength <= 256 * 1024, `${socket.readableLength} bytes wait here`);
  let total = 0;
  socket.on('data', (piece: Buffer) => {
    total += piece.length;
    assert.ok(socket.readableLength <= 256 * 1024);
  });
  await nextEvent(socket, 'end', 60_000);
  assert.equal(total, bytes);
});
