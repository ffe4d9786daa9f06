import { test } from 'node:test';
import * as assert from 'node:assert/strict';
import type * as http from 'node:http';
import type { Duplex } from 'node:stream';
import { serve } from '../support/engine';
import { sameAsNode } from '../support/differences';
import { eventually } from '../support/poll';

const BAD = 'GET / HTTP/1.1\r\nHost: x\r\nBad Name: 1\r\n\r\n';
const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

test('a malformed request is answered with 400 without any listener', async (t) => {
  let seen = 0;
  const { connect, get } = await serve(t, (_req, res) => {
    seen++;
    res.end('ok');
  });
  const client = await connect();
  const response = await client.exchange(BAD);
  assert.equal(response.status, 400);
  assert.equal(response.headers.connection, 'close');
  await client.closed();
  assert.equal(seen, 0);
  assert.equal((await get('/')).text, 'ok');
});

test("'clientError' hears of a malformed request", async (t) => {
  const errors: string[] = [];
  const { server, connect } = await serve(t, (_req, res) => res.end('ok'));
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    errors.push(String(error.code));
    socket.end('HTTP/1.1 418 Mine\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  });
  const client = await connect();
  const response = await client.exchange(BAD);
  await client.closed();
  await sameAsNode(
    t,
    'client-error.malformed',
    () => assert.deepEqual([response.status, errors], [418, ['HPE_INVALID_HEADER_TOKEN']]),
    () => assert.deepEqual([response.status, errors], [400, []]),
  );
});

test("a listener of 'clientError' that destroys the socket harms no other connection", async (t) => {
  const { server, connect } = await serve(t, (_req, res) => res.end('ok'));
  server.on('clientError', (_error, socket: Duplex) => socket.destroy());
  const other = await connect();
  await other.exchange(GET);
  const client = await connect();
  client.send(BAD);
  await client.closed();
  assert.equal((await other.exchange(GET)).text, 'ok');
});

test('a malformed second request of a connection ends it', async (t) => {
  const { connect } = await serve(t, (_req, res) => res.end('ok'));
  const client = await connect();
  assert.equal((await client.exchange(GET)).text, 'ok');
  assert.equal((await client.exchange('NONSENSE\r\n\r\n')).status, 400);
  await client.closed();
});

test('a malformed chunk ends the request it belongs to', async (t) => {
  const log: string[] = [];
  const { connect, get } = await serve(t, (req, res) => {
    if (req.method === 'GET') return void res.end('ok');
    req.on('aborted', () => log.push('aborted'));
    req.on('error', (error: NodeJS.ErrnoException) => log.push(`error ${error.code}`));
    req.on('end', () => log.push('end'));
    req.on('close', () => log.push('close'));
    req.resume();
  });
  const client = await connect();
  client.send('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nXYZ\r\n');
  await client.closed();
  assert.ok(!log.includes('end'), log.join());
  assert.equal((await get('/')).text, 'ok');
});

test("'clientError' hears of a body that breaks after its request was delivered", async (t) => {
  const codes: unknown[] = [];
  const { server, connect } = await serve(t, (req) => {
    req.on('error', () => undefined);
    req.resume();
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    codes.push(error.code);
    socket.destroy();
  });
  const client = await connect();
  client.send('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
  await eventually('the request', async () => (await countConnections(server)) === 1);
  client.send('XYZ\r\n');
  await client.closed();
  await eventually('the error', () => codes.length > 0);
  assert.deepEqual(codes, ['HPE_INVALID_CHUNK_SIZE']);
});

function countConnections(server: http.Server): Promise<number> {
  return new Promise((resolve) => server.getConnections((_error, count) => resolve(count)));
}
