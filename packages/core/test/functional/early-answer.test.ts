/** A response that is complete before its request is (RFC 9112 section 9.3): the client sees it at once, the body is read on. */
import { test } from 'node:test';
import * as assert from 'node:assert/strict';
import type * as http from 'node:http';
import { sameAsNode } from '../support/differences';
import { serve, type TestResponse } from '../support/engine';
import { deferred, eventually, within } from '../support/poll';

const POST = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n';
const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

const answers: [how: string, answer: (res: TestResponse) => void][] = [
  ['end', (res) => res.end('hello')],
  ['write and end', (res) => (res.write('hello'), res.end())],
  ['chunks', (res) => (res.write('hel'), res.write('lo'), res.end())],
  ['head and end', (res) => (res.writeHead(200, { 'Content-Length': 5 }), res.end('hello'))],
];

for (const [how, answer] of answers) {
  test(`a response by ${how} is whole while its request's body is still read, and the body comes whole too`, async (t) => {
    const log: string[] = [];
    const body = deferred<string>();
    const { connect } = await serve(t, (req, res) => {
      if (req.method === 'GET') return void res.end('next');
      let text = '';
      req.on('data', (piece: Buffer) => (text += piece.toString()));
      req.on('end', () => (log.push('request end'), body.resolve(text)));
      req.on('close', () => log.push('request close'));
      req.on('aborted', () => log.push('aborted'));
      res.on('finish', () => log.push('finish'));
      res.on('close', () => log.push('response close'));
      answer(res);
    });
    const client = await connect();
    client.send(`${POST}12345`);
    assert.equal((await client.response()).text, 'hello');
    await eventually('the response to be over', () => log.length === 2);
    assert.deepEqual(log, ['finish', 'response close']);
    client.send(`67890${GET}`);
    assert.equal(await within(body.promise, 'the body'), '1234567890');
    assert.equal((await client.response()).text, 'next');
    await eventually('the request to be over', () => log.length === 4);
    assert.deepEqual(log.slice(2), ['request end', 'request close']);
  });
}

test('trailers of a request whose response is complete', async (t) => {
  const trailers = deferred<NodeJS.Dict<string>>();
  const { connect } = await serve(t, (req, res) => {
    req.resume().on('end', () => trailers.resolve(req.trailers));
    res.end('hello');
  });
  const client = await connect();
  client.send('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n');
  assert.equal((await client.response()).text, 'hello');
  client.send('0\r\nX-Sum: 7\r\n\r\n');
  assert.deepEqual({ ...(await within(trailers.promise, 'the trailers')) }, { 'x-sum': '7' });
});

test('a client that leaves in the middle of such a body', async (t) => {
  const log: string[] = [];
  const { server, connect } = await serve(t, (req, res) => {
    req.on('error', (error: NodeJS.ErrnoException) => log.push(`error ${error.code}`));
    req.on('close', () => log.push('request close'));
    req.on('end', () => log.push('end'));
    req.socket.on('close', () => log.push('socket close'));
    req.resume();
    res.on('close', () => log.push('response close'));
    res.end('hello');
  });
  const client = await connect();
  client.send(`${POST}12345`);
  assert.equal((await client.response()).text, 'hello');
  await eventually('the response to be over', () => log.length === 1);
  client.destroy();
  await eventually('the connection to be over', () => log.includes('socket close'));
  await eventually('its events', () => countConnections(server).then((count) => count === 0));
  await sameAsNode(
    t,
    'early-answer.abort',
    () => assert.deepEqual(log, ['response close', 'socket close']),
    () => assert.deepEqual(log.sort(), ['error ECONNRESET', 'request close', 'response close', 'socket close']),
  );
});

function countConnections(server: http.Server): Promise<number> {
  return new Promise((resolve) => server.getConnections((_error, count) => resolve(count)));
}

test('destroying such a request ends the connection', async (t) => {
  const closed = deferred();
  const { connect, get } = await serve(t, (req, res) => {
    if (req.method === 'GET') return void res.end('ok');
    req.on('error', () => undefined).on('close', () => closed.resolve());
    req.once('data', () => res.end('hello'));
    res.on('close', () => req.destroy());
  });
  const client = await connect();
  client.send(`${POST}12345`);
  await client.closed();
  await within(closed.promise, "'close' of the request");
  assert.equal((await get('/')).text, 'ok');
});

test('a connection destroyed in the turn of such an answer does not end the body as if it were whole', async (t) => {
  const log: string[] = [];
  const { server, connect } = await serve(t, (req, res) => {
    for (const event of ['end', 'aborted', 'error', 'close']) req.on(event, () => log.push(event));
    req.resume();
    res.on('close', () => log.push('response close'));
    req.once('data', () => {
      res.write('hello');
      res.end(Buffer.alloc(70_000));
      req.socket.destroy();
    });
  });
  const client = await connect();
  client.send(`${POST}12345`);
  await client.closed();
  await eventually('the connection to be over', () => countConnections(server).then((count) => count === 0));
  await eventually('the response to be over', () => log.includes('response close'));
  assert.ok(!log.includes('end'), log.join());
});

test('a connection that is destroyed while the last of such a body is on its way is closed', async (t) => {
  const requests: http.IncomingMessage[] = [];
  const { connect } = await serve(t, (req, res) => {
    requests.push(req.on('error', () => undefined).resume());
    res.end('hello');
  });
  // Whether the engine gets the bytes or the program's word first is a matter of time.
  for (let n = 0; n < 20; n++) {
    const client = await connect();
    client.send(POST);
    await client.response();
    await eventually('the request', () => requests.length === n + 1);
    for (const byte of '1234567890') client.send(byte);
    requests[n]?.socket.destroy();
    await client.closed();
  }
});

test('back-pressure holds for a body that is read behind its response', async (t) => {
  const total = 4 * 1024 * 1024;
  const read = deferred<number>();
  const { connect } = await serve(t, (req, res) => {
    let bytes = 0;
    req.on('data', (piece: Buffer) => {
      bytes += piece.length;
      req.pause();
      setImmediate(() => req.resume());
    });
    req.on('end', () => read.resolve(bytes));
    res.end('hello');
  });
  const client = await connect();
  client.send(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${total}\r\n\r\n`);
  client.send(Buffer.alloc(total, 'x'));
  assert.equal((await client.response()).text, 'hello');
  assert.equal(await within(read.promise, 'the body'), total);
  assert.equal((await client.exchange('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx')).text, 'hello');
});

test('close() waits for the body of a request that is answered', async (t) => {
  const done: string[] = [];
  const { server, connect } = await serve(t, (req, res) => {
    req.resume().on('end', () => done.push('end'));
    res.setHeader('Connection', 'keep-alive');
    res.end('hello');
  });
  const client = await connect();
  client.send(`${POST}12345`);
  assert.equal((await client.response()).text, 'hello');
  server.close(() => done.push('close'));
  client.send('67890');
  await eventually('the end', () => done.length >= 1);
  client.end();
  await eventually("'close'", () => done.length === 2);
  assert.deepEqual(done, ['end', 'close']);
});
