import { test } from 'node:test';
import * as assert from 'node:assert/strict';
import { serve } from '../support/engine';
import { deferred, within } from '../support/poll';

const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
const chunkedHead = 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n';

test('trailers of a request', async (t) => {
  const { connect } = await serve(t, (req, res) => {
    const before = Object.keys(req.trailers).length;
    req.resume();
    req.on('end', () => res.end(JSON.stringify([before, req.trailers, req.rawTrailers, req.trailersDistinct])));
  });
  const client = await connect();
  const response = await client.exchange(
    `${chunkedHead}Trailer: X-Sum\r\n\r\n2\r\nab\r\n0\r\nX-Sum: 42\r\nx-Other: a\r\nX-Other: b\r\n\r\n`,
  );
  assert.deepEqual(JSON.parse(response.text), [
    0,
    { 'x-sum': '42', 'x-other': 'a, b' },
    ['X-Sum', '42', 'x-Other', 'a', 'X-Other', 'b'],
    { 'x-sum': ['42'], 'x-other': ['a', 'b'] },
  ]);
  assert.equal((await client.exchange(GET.replace('GET', 'DELETE'))).status, 200, 'the connection goes on');
});

test('a request without trailers has empty ones', async (t) => {
  const { connect } = await serve(t, (req, res) => {
    req.resume();
    req.on('end', () => res.end(JSON.stringify([req.trailers, req.rawTrailers])));
  });
  const response = await (await connect()).exchange(`${chunkedHead}\r\n1\r\nx\r\n0\r\n\r\n`);
  assert.deepEqual(JSON.parse(response.text), [{}, []]);
});

test('trailers that come byte by byte', async (t) => {
  const { connect } = await serve(t, (req, res) => {
    req.resume();
    req.on('end', () => res.end(req.trailers['x-t']));
  });
  const client = await connect();
  await client.drip(`${chunkedHead}\r\n1\r\nx\r\n0\r\nX-T: slow\r\n\r\n`);
  assert.equal((await client.response()).text, 'slow');
});

test('trailers of a response', async (t) => {
  const { connect } = await serve(t, (_req, res) => {
    res.writeHead(200, { Trailer: 'X-Sum' });
    res.write('body');
    res.addTrailers({ 'X-Sum': '7', 'X-List': 'a' });
    res.end();
  });
  const client = await connect();
  const response = await client.exchange(GET);
  assert.equal(response.text, 'body');
  assert.equal(response.headers.trailer, 'X-Sum');
  assert.deepEqual(response.trailers, [
    ['X-Sum', '7'],
    ['X-List', 'a'],
  ]);
  assert.equal((await client.exchange(GET)).trailers.length, 2);
});

test('trailers as an array of pairs', async (t) => {
  const { connect } = await serve(t, (_req, res) => {
    res.write('x');
    res.addTrailers([
      ['X-A', '1'],
      ['X-A', '2'],
    ]);
    res.end();
  });
  const response = await (await connect()).exchange(GET);
  assert.deepEqual(response.trailers, [
    ['X-A', '1'],
    ['X-A', '2'],
  ]);
});

test('trailers of a response whose head was fixed before its only piece', async (t) => {
  const { connect } = await serve(t, (_req, res) => {
    res.writeHead(200, [['X-A', '1']] as never);
    res.addTrailers({ 'X-Sum': '7' });
    res.end('body');
  });
  const client = await connect();
  for (let n = 0; n < 2; n++) {
    const response = await client.exchange(GET);
    assert.equal(response.text, 'body');
    assert.deepEqual(response.trailers, [['X-Sum', '7']]);
  }
  const old = await connect();
  old.send('GET / HTTP/1.0\r\nHost: x\r\n\r\n');
  const response = await old.response();
  assert.deepEqual([response.text, response.trailers], ['body', []]);
});

test('trailers are dropped where there is no chunked body', async (t) => {
  const { connect } = await serve(t, (_req, res) => {
    res.setHeader('Content-Length', '2');
    res.addTrailers({ 'X-Lost': '1' });
    res.end('ok');
  });
  const client = await connect();
  const response = await client.exchange(GET);
  assert.equal(response.text, 'ok');
  assert.deepEqual(response.trailers, []);
  assert.equal((await client.exchange(GET)).text, 'ok');
});

test('invalid trailers throw', async (t) => {
  const codes = deferred<unknown[]>();
  const { connect } = await serve(t, (_req, res) => {
    const seen: unknown[] = [];
    for (const trailers of [{ 'a b': '1' }, { X: 'a\r\nb' }]) {
      try {
        res.addTrailers(trailers);
        seen.push('none');
      } catch (error) {
        seen.push((error as NodeJS.ErrnoException).code);
      }
    }
    codes.resolve(seen);
    res.end();
  });
  await (await connect()).exchange(GET);
  assert.deepEqual(await within(codes.promise, 'the codes'), ['ERR_INVALID_HTTP_TOKEN', 'ERR_INVALID_CHAR']);
});

test('a Trailer field without chunked is ERR_HTTP_TRAILER_INVALID', async (t) => {
  const code = deferred<unknown>();
  const { connect } = await serve(t, (_req, res) => {
    try {
      res.writeHead(200, { Trailer: 'X-Sum', 'Content-Length': '2' });
      code.resolve('none');
    } catch (error) {
      code.resolve((error as NodeJS.ErrnoException).code);
    }
    res.destroy();
  });
  (await connect()).send(GET);
  assert.equal(await within(code.promise, 'the code'), 'ERR_HTTP_TRAILER_INVALID');
});
