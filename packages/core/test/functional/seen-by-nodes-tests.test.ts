/** What Node's own tests of http see otherwise, beside what the other files of this suite list. */
import { test } from 'node:test';
import * as assert from 'node:assert/strict';
import type * as http from 'node:http';
import * as net from 'node:net';
import type { Duplex } from 'node:stream';
import { engine, serve, unless } from '../support/engine';
import { sameAsNode } from '../support/differences';
import { deferred, eventually, within } from '../support/poll';

const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
const portable = unless(engine !== 'httpsys', 'HTTP.SYS itself decides');
const connections = (server: http.Server): Promise<number> =>
  new Promise((resolve) => server.getConnections((_error, count) => resolve(count)));

test('an idle connection of a server that sets nothing', portable, async (t) => {
  const { connect } = await serve(t, (_req, res) => res.end('ok'));
  const field = (await (await connect()).exchange(GET)).headers['keep-alive'];
  await sameAsNode(
    t,
    'keep-alive.default',
    () => assert.equal(field, 'timeout=5'),
    () => assert.equal(field, 'timeout=120'),
  );
});

test("'timeout' of the server when keepAliveTimeout is over", portable, async (t) => {
  let seen = 0;
  const { server, connect } = await serve(t, (_req, res) => res.end('ok'), { keepAliveTimeout: 50 });
  server.on('timeout', (socket) => {
    seen++;
    socket.destroy();
  });
  const client = await connect();
  await client.exchange(GET);
  await client.closed();
  await sameAsNode(
    t,
    'keep-alive.timeout-event',
    () => assert.equal(seen, 1),
    () => assert.equal(seen, 0),
  );
});

const closesAtOnce = unless(
  engine === 'node' || engine === 'embedded',
  'whether the head comes before the service has heard of it is a race',
);

test('server.close while a head is on its way', closesAtOnce, async (t) => {
  const { server, connect } = await serve(t, (_req, res) => res.end('late'));
  server.on('connection', () => undefined);
  await new Promise((resolve) => setImmediate(resolve));
  const client = await connect();
  client.send('GET / HT');
  await eventually('the connection', async () => (await connections(server)) === 1);
  server.close();
  client.send('TP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  const status = await client.response().then(
    (response) => response.status,
    () => 0,
  );
  await sameAsNode(
    t,
    'close.head-on-its-way',
    () => assert.equal(status, 200),
    () => assert.notEqual(status, 200),
  );
});

test("what a client sends behind what was no request, while nobody answers 'clientError'", portable, async (t) => {
  const errors: (NodeJS.ErrnoException & { bytesParsed?: number })[] = [];
  const first = deferred<Duplex>();
  const { connect } = await serve(
    t,
    (_req, res) => res.end('ok'),
    {},
    '/',
    (server) =>
      server.on('clientError', (error, socket) => {
        errors.push(error);
        first.resolve(socket);
      }),
  );
  const client = await connect();
  client.send('Oopsie-doopsie\r\n');
  const socket = await within(first.promise, "'clientError'");
  client.send('*');
  if (engine === 'node') await eventually('the second error', () => errors.length === 2);
  socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
  assert.equal((await client.response()).status, 400);
  await client.closed();
  await sameAsNode(
    t,
    'client-error.once',
    () => assert.equal(errors.length, 2),
    () => assert.equal(errors.length, 1),
  );
  await sameAsNode(
    t,
    'client-error.bytes-parsed',
    () => assert.equal(errors[0].bytesParsed, 1),
    () => assert.equal(errors[0].bytesParsed, 0),
  );
});

test('an upgrade without a Host', portable, async (t) => {
  const { server, connect } = await serve(t, (_req, res) => res.end('ok'));
  server.on('upgrade', (_req, socket: Duplex) =>
    socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'),
  );
  const client = await connect();
  const { status } = await client.exchange('GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
  await sameAsNode(
    t,
    'upgrade.host',
    () => assert.equal(status, 101),
    () => assert.equal(status, 400),
  );
});

test('a response with two lengths', portable, async (t) => {
  const { connect } = await serve(t, (_req, res) => {
    res.setHeader('Connection', 'close');
    res.setHeader('Content-Length', ['2', '1']);
    res.end('k');
  });
  const client = await connect();
  client.send(GET);
  const text = (await client.closed()).toString('latin1');
  await sameAsNode(
    t,
    'response.two-lengths',
    () => assert.match(text, /Content-Length: 2\r\nContent-Length: 1\r\n/),
    () => assert.match(text, /^HTTP\/1\.1 500 /),
  );
});

test('a broken body that comes together with its head', portable, async (t) => {
  let seen = 0;
  const { connect } = await serve(t, (req, res) => {
    seen++;
    req.on('error', () => undefined);
    req.resume().on('end', () => res.end('ok'));
  });
  const client = await connect();
  client.send('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nXYZ\r\n');
  assert.equal((await client.response()).status, 400);
  await client.closed();
  await sameAsNode(
    t,
    'body.broken-with-its-head',
    () => assert.equal(seen, 1),
    () => assert.equal(seen, 0),
  );
});

const nodesMark = new net.Socket().readableHighWaterMark;

test('marks of back-pressure', unless(nodesMark < 65_536, 'the same on this version of Node'), async (t) => {
  const marks: number[] = [];
  const { get } = await serve(t, (req, res) => {
    marks.push(req.readableHighWaterMark, res.writableHighWaterMark, req.socket.writableHighWaterMark);
    res.end();
  });
  await get('/');
  await sameAsNode(
    t,
    'socket.high-water-mark',
    () => assert.deepEqual(marks, [nodesMark, nodesMark, nodesMark]),
    () => assert.deepEqual(marks, [65_536, 65_536, 65_536]),
  );
});
