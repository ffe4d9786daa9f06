import { test } from 'node:test';
import * as assert from 'node:assert/strict';
import { serve } from '../support/engine';
import { sameAsNode } from '../support/differences';
import { eventually, pace } from '../support/poll';

const get = (path: string, ...fields: string[]): string => [`GET ${path} HTTP/1.1`, 'Host: x', ...fields, '', ''].join('\r\n');

test('RECV-7: a pipelined request is delivered after the response before it is complete', async (t) => {
  const order: string[] = [];
  const release: (() => void)[] = [];
  const { connect } = await serve(t, (req, res) => {
    order.push(`request ${req.url}`);
    const finish = (): void => {
      order.push(`response ${req.url}`);
      res.end(req.url);
    };
    if (req.url === '/1') release.push(finish);
    else finish();
  });
  const client = await connect();
  client.send(get('/1') + get('/2') + get('/3'));
  await eventually('the first request', () => release.length === 1);
  // A second connection that is answered proves that the server had every chance to deliver /2.
  const other = await connect();
  await other.exchange(get('/other'));
  await pace(20);
  release[0]?.();
  for (const path of ['/1', '/2', '/3']) assert.equal((await client.response()).text, path);
  const seen = order.filter((entry) => !entry.includes('other'));
  await sameAsNode(
    t,
    'pipelining.delivery',
    () => assert.deepEqual(seen.slice(0, 2), ['request /1', 'request /2']),
    () => assert.deepEqual(seen, ['request /1', 'response /1', 'request /2', 'response /2', 'request /3', 'response /3']),
  );
});

test('pipelined responses come in order when earlier ones are slower', async (t) => {
  const { connect } = await serve(t, (req, res) => {
    const n = Number(req.url?.slice(1));
    setTimeout(() => res.end(req.url), (9 - n) * 3);
  });
  const client = await connect();
  client.send(Array.from({ length: 10 }, (_unused, n) => get(`/${n}`)).join(''));
  for (let n = 0; n < 10; n++) assert.equal((await client.response()).text, `/${n}`);
});

test('1,000 requests in one write are all answered in order', async (t) => {
  const { connect } = await serve(t, (req, res) => res.end(req.url));
  const client = await connect();
  client.send(Array.from({ length: 1000 }, (_unused, n) => get(`/${n}`)).join(''));
  for (let n = 0; n < 1000; n++) assert.equal((await client.response()).text, `/${n}`);
});

test('pipelined requests with bodies of both framings are told apart', async (t) => {
  const { connect } = await serve(t, (req, res) => {
    let body = '';
    req.setEncoding('latin1');
    req.on('data', (piece: string) => (body += piece));
    req.on('end', () => res.end(`${req.method} ${req.url} ${body}`));
  });
  const client = await connect();
  client.send(
    'POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello' +
      'POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n' +
      'PUT /c HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n' +
      get('/d'),
  );
  assert.equal((await client.response()).text, 'POST /a hello');
  assert.equal((await client.response()).text, 'POST /b abcde');
  assert.equal((await client.response()).text, 'PUT /c ');
  assert.equal((await client.response()).text, 'GET /d ');
});

test('pipelined requests that come byte by byte', async (t) => {
  const { connect } = await serve(t, (req, res) => {
    req.resume();
    req.on('end', () => res.end(req.url));
  });
  const client = await connect();
  await client.drip(`${get('/1')}POST /2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n${get('/3')}`);
  for (const path of ['/1', '/2', '/3']) assert.equal((await client.response()).text, path);
});

test('what follows Connection: close is not looked at', async (t) => {
  const seen: unknown[] = [];
  const { connect } = await serve(t, (req, res) => {
    seen.push(req.url);
    res.end(req.url);
  });
  const client = await connect();
  client.send(get('/1') + get('/2', 'Connection: close') + get('/3'));
  const answers = (await client.closed()).toString('latin1').match(/\/[123]$|\/[123](?=HTTP)/g) ?? [];
  // Node's parser takes the bytes behind `Connection: close` for an error, and loses answers that wait.
  await sameAsNode(
    t,
    'pipelining.after-close',
    () => assert.notDeepEqual(answers, ['/1', '/2']),
    () => assert.deepEqual(answers, ['/1', '/2']),
  );
  assert.ok(!seen.includes('/3'));
});

test('a malformed request behind a good one: the good one is answered, then the connection ends', async (t) => {
  const seen: unknown[] = [];
  const { connect } = await serve(t, (req, res) => {
    seen.push(req.url);
    res.end('good');
  });
  const client = await connect();
  assert.equal((await client.exchange(get('/good'))).text, 'good');
  client.send('GET /bad HTTP/1.1\r\nHost : x\r\n\r\n');
  assert.equal((await client.response()).status, 400);
  await client.closed();
  assert.deepEqual(seen, ['/good']);
});

test('a client that leaves while its pipelined requests wait', async (t) => {
  let first: (() => void) | undefined;
  let closed = 0;
  const { connect, get: fetch } = await serve(t, (req, res) => {
    if (req.url === '/slow') first = () => res.end('late');
    else res.end(req.url);
    res.on('close', () => closed++);
  });
  const client = await connect();
  client.send(get('/slow') + get('/b') + get('/c'));
  await eventually('the first request', () => first);
  client.reset();
  await eventually('the response to be told', () => closed >= 1);
  first?.();
  assert.equal((await fetch('/after')).text, '/after');
});

test('streamed and whole responses mix on one pipelined connection', async (t) => {
  const { connect } = await serve(t, (req, res) => {
    if (req.url?.startsWith('/stream')) {
      res.write('a');
      setImmediate(() => {
        res.write('b');
        setImmediate(() => res.end('c'));
      });
    } else res.end('whole');
  });
  const client = await connect();
  client.send(get('/stream1') + get('/whole') + get('/stream2') + get('/whole'));
  assert.equal((await client.response()).text, 'abc');
  assert.equal((await client.response()).text, 'whole');
  assert.equal((await client.response()).text, 'abc');
  assert.equal((await client.response()).text, 'whole');
});
