/** What a program may take out of a response: Connection, Transfer-Encoding, Content-Length, chunking. */
import { test } from 'node:test';
import * as assert from 'node:assert/strict';
import { serve, type TestResponse } from '../support/engine';
import { sameAsNode } from '../support/differences';

const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

test('a removed Connection field is not sent, and the connection stays open', async (t) => {
  const { connect } = await serve(t, (_req, res) => {
    res.removeHeader('connection');
    res.end('ok');
  });
  const client = await connect();
  for (let n = 0; n < 2; n++) {
    const response = await client.exchange(GET);
    assert.deepEqual([response.text, response.headers.connection, response.headers['keep-alive']], ['ok', undefined, undefined]);
  }
});

test('a removed Connection field is not sent either when the connection closes', async (t) => {
  const { connect } = await serve(t, (_req, res) => {
    res.removeHeader('connection');
    res.shouldKeepAlive = false;
    res.end('ok');
  });
  const client = await connect();
  const response = await client.exchange(GET);
  assert.deepEqual([response.text, response.headers.connection], ['ok', undefined]);
  await client.closed();
});

test('a removed Date field is not sent', async (t) => {
  const { get } = await serve(t, (_req, res) => {
    res.removeHeader('date');
    res.end('ok');
  });
  assert.equal((await get('/')).headers.date, undefined);
});

const ends: [what: string, prepare: (res: TestResponse) => void][] = [
  ['useChunkedEncodingByDefault = false', (res) => (res.useChunkedEncodingByDefault = false)],
  ['a removed Transfer-Encoding', (res) => res.removeHeader('transfer-encoding')],
];

for (const [what, prepare] of ends) {
  for (const how of ['writes', 'write and flush']) {
    test(`${what}: a body of ${how} ends with the connection`, async (t) => {
      const { connect } = await serve(t, (_req, res) => {
        prepare(res);
        if (how !== 'writes') res.flushHeaders();
        res.write('hello ');
        res.end('world');
      });
      const client = await connect();
      const response = await client.exchange(GET);
      assert.equal(response.text, 'hello world');
      assert.equal(response.headers['transfer-encoding'], undefined);
      await sameAsNode(
        t,
        'response.length-beside-close',
        () => assert.equal(response.headers['content-length'], undefined),
        () => assert.equal(response.headers['content-length'], '11'),
      );
      await client.closed();
      if (what.includes('removed')) {
        await sameAsNode(
          t,
          'response.removed-transfer-encoding',
          () => assert.equal(response.headers.connection, 'keep-alive'),
          () => assert.equal(response.headers.connection, 'close'),
        );
      } else assert.equal(response.headers.connection, 'close');
    });
  }
}

test('useChunkedEncodingByDefault = false: one end() alone ends with the connection too', async (t) => {
  const { connect } = await serve(t, (_req, res) => {
    res.useChunkedEncodingByDefault = false;
    res.end('ok');
  });
  const client = await connect();
  const response = await client.exchange(GET);
  assert.deepEqual([response.text, response.headers.connection], ['ok', 'close']);
  await sameAsNode(
    t,
    'response.length-beside-close',
    () => assert.equal(response.headers['content-length'], undefined),
    () => assert.equal(response.headers['content-length'], '2'),
  );
  await client.closed();
});

test('a length that is given is kept whatever was removed', async (t) => {
  const { connect } = await serve(t, (_req, res) => {
    res.removeHeader('transfer-encoding');
    res.useChunkedEncodingByDefault = false;
    res.setHeader('Content-Length', 2);
    res.end('ok');
  });
  const client = await connect();
  for (let n = 0; n < 2; n++) assert.equal((await client.exchange(GET)).headers['content-length'], '2');
});

test('a removed Content-Length makes the body chunked', async (t) => {
  const { connect } = await serve(t, (_req, res) => {
    res.removeHeader('content-length');
    res.end('ok');
  });
  const client = await connect();
  for (let n = 0; n < 2; n++) {
    const response = await client.exchange(GET);
    assert.deepEqual([response.text, response.headers['transfer-encoding']], ['ok', 'chunked']);
  }
});
