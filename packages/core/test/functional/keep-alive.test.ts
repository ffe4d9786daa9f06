import { test } from 'node:test';
import * as assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { serve } from '../support/engine';
import { eventually, nextEvent } from '../support/poll';

const get = (path: string, ...fields: string[]): string => [`GET ${path} HTTP/1.1`, 'Host: x', ...fields, '', ''].join('\r\n');

test('two requests of one connection see the same socket', async (t) => {
  const sockets = new Set<Socket>();
  const { connect } = await serve(t, (req, res) => {
    sockets.add(req.socket);
    res.end(req.url);
  });
  const client = await connect();
  assert.equal((await client.exchange(get('/1'))).text, '/1');
  assert.equal((await client.exchange(get('/2'))).text, '/2');
  assert.equal(sockets.size, 1);
  const other = await connect();
  await other.exchange(get('/3'));
  assert.equal(sockets.size, 2);
});

test('HTTP/1.1 stays open and says so as node:http does', async (t) => {
  const { connect } = await serve(t, (_req, res) => res.end('ok'));
  const client = await connect();
  const response = await client.exchange(get('/'));
  assert.equal(response.version, 'HTTP/1.1');
  assert.equal(response.headers.connection, 'keep-alive');
  assert.match(response.headers['keep-alive'] ?? '', /^timeout=[1-9][0-9]*$/);
  assert.equal((await client.exchange(get('/'))).status, 200);
});

test('Connection: close of the request closes after the response', async (t) => {
  const { connect } = await serve(t, (_req, res) => res.end('ok'));
  const client = await connect();
  const response = await client.exchange(get('/', 'Connection: close'));
  assert.equal(response.headers.connection, 'close');
  assert.equal((await client.closed()).length, 0);
});

test('Connection: close among other tokens, in any case, closes', async (t) => {
  const { connect } = await serve(t, (_req, res) => res.end('ok'));
  const client = await connect();
  await client.exchange(get('/', 'Connection: TE, Close'));
  await client.closed();
});

test('Connection: close of the response closes after it', async (t) => {
  const { connect } = await serve(t, (_req, res) => {
    res.setHeader('Connection', 'close');
    res.end('bye');
  });
  const client = await connect();
  const response = await client.exchange(get('/'));
  assert.equal(response.headers.connection, 'close');
  assert.equal(response.text, 'bye');
  await client.closed();
});

test('shouldKeepAlive = false closes after the response', async (t) => {
  const { connect } = await serve(t, (_req, res) => {
    res.shouldKeepAlive = false;
    res.end('bye');
  });
  const client = await connect();
  const response = await client.exchange(get('/'));
  assert.equal(response.headers.connection, 'close');
  await client.closed();
});

test('HTTP/1.0 closes after the response unless asked otherwise', async (t) => {
  const { connect } = await serve(t, (_req, res) => res.end('ok'));
  const client = await connect();
  const response = await client.exchange('GET / HTTP/1.0\r\n\r\n');
  assert.equal(response.text, 'ok');
  assert.equal(response.headers.connection, 'close');
  await client.closed();
});

test('HTTP/1.0 with Connection: keep-alive and a known length stays open', async (t) => {
  const { connect } = await serve(t, (req, res) => {
    res.setHeader('Content-Length', '2');
    res.end(req.httpVersion === '1.0' ? 'ok' : 'no');
  });
  const client = await connect();
  for (let round = 0; round < 3; round++) {
    const response = await client.exchange('GET / HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n');
    assert.equal(response.text, 'ok');
    assert.equal(response.headers.connection, 'keep-alive');
  }
});

test('HTTP/1.0 with an unknown length ends by closing and is never chunked', async (t) => {
  const { connect } = await serve(t, (_req, res) => {
    res.write('one ');
    res.end('two');
  });
  const client = await connect();
  const response = await client.exchange('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
  assert.equal(response.text, 'one two');
  assert.equal(response.headers['transfer-encoding'], undefined);
  assert.ok(response.closeDelimited);
});

test('BODY-6: a body nobody reads is drained, and the next request of the connection is served', async (t) => {
  const { connect } = await serve(t, (req, res) => {
    res.end(`${req.method} ${req.url}`);
  });
  const client = await connect();
  client.send(`POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n${'x'.repeat(300_000)}`);
  client.send(get('/next'));
  assert.equal((await client.response()).text, 'POST /unread');
  assert.equal((await client.response()).text, 'GET /next');
});

test('200 requests on one connection, one after the other', async (t) => {
  let requests = 0;
  const { connect } = await serve(t, (req, res) => {
    requests++;
    res.end(req.url);
  });
  const client = await connect();
  for (let n = 0; n < 200; n++) assert.equal((await client.exchange(get(`/${n}`))).text, `/${n}`);
  assert.equal(requests, 200);
});

test('a client that leaves an idle connection is seen by the socket, once', async (t) => {
  let closes = 0;
  const { server, connect } = await serve(t, (_req, res) => res.end('ok'));
  const connection = nextEvent(server, 'connection');
  const client = await connect();
  await client.exchange(get('/'));
  const [socket] = (await connection) as [Socket];
  const close = nextEvent(socket, 'close');
  socket.on('close', () => closes++);
  client.destroy();
  await close;
  assert.equal(closes, 1);
  assert.equal(socket.destroyed, true);
});

test('a client that resets an idle connection harms nobody', async (t) => {
  const { server, connect, get: fetch } = await serve(t, (_req, res) => res.end('ok'));
  const connection = nextEvent(server, 'connection');
  const client = await connect();
  await client.exchange(get('/'));
  const [socket] = (await connection) as [Socket];
  const close = nextEvent(socket, 'close');
  client.reset();
  await close;
  assert.equal((await fetch('/')).status, 200);
});

test('empty lines before a request line are skipped (RFC 9112 section 2.2)', async (t) => {
  const { connect } = await serve(t, (req, res) => res.end(req.url));
  const client = await connect();
  assert.equal((await client.exchange(`\r\n\r\n${get('/1')}`)).text, '/1');
  assert.equal((await client.exchange(`\r\n${get('/2')}`)).text, '/2');
});

test("the server's `timeout` is for requests: between them a connection has `keepAliveTimeout`", async (t) => {
  const timeouts: unknown[] = [];
  const { server, connect } = await serve(t, (req, res) => {
    const { socket } = req;
    timeouts.push(socket.timeout);
    res.on('close', () => timeouts.push(socket.timeout !== server.timeout));
    res.end('ok');
  });
  server.timeout = 30_000;
  const client = await connect();
  await client.exchange(get('/'));
  await eventually('the end of the first', () => timeouts.length === 2);
  await client.exchange(get('/'));
  await eventually('the end of the second', () => timeouts.length === 4);
  assert.deepEqual(timeouts, [30_000, true, 30_000, true]);
});

test('server.close closes idle connections by the method a program may have replaced', async (t) => {
  let calls = 0;
  const { server, connect } = await serve(t, (_req, res) => res.end('ok'));
  const original = server.closeIdleConnections.bind(server);
  server.closeIdleConnections = () => {
    calls++;
    original();
  };
  const client = await connect();
  await client.exchange(get('/'));
  server.close();
  await client.closed();
  assert.equal(calls, 1);
});
