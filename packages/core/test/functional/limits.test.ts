import { test } from 'node:test';
import * as assert from 'node:assert/strict';
import { createServer, features, serve, unless } from '../support/engine';
import { sameAsNode } from '../support/differences';
import { eventually } from '../support/poll';

const lines = (...values: string[]): string => `${values.join('\r\n')}\r\n\r\n`;
const httpsys = unless(features.httpsys, 'an option of this package');

test('a header block beyond 16 KiB is 431', async (t) => {
  let seen = 0;
  const { connect, get } = await serve(t, (_req, res) => {
    seen++;
    res.end('ok');
  });
  const client = await connect();
  client.send(lines('GET / HTTP/1.1', 'Host: x', `X-Big: ${'a'.repeat(20_000)}`));
  assert.equal((await client.response()).status, 431);
  await client.closed();
  assert.equal(seen, 0);
  assert.equal((await get('/')).text, 'ok');
});

test('many fields beyond 16 KiB together are 431', async (t) => {
  const { connect } = await serve(t, (_req, res) => res.end('ok'));
  const client = await connect();
  client.send(lines('GET / HTTP/1.1', 'Host: x', ...Array.from({ length: 400 }, (_unused, n) => `X-${n}: ${'v'.repeat(60)}`)));
  assert.equal((await client.response()).status, 431);
  await client.closed();
});

test('a header block just below the limit is served', async (t) => {
  const { connect } = await serve(t, (req, res) => res.end(String(String(req.headers['x-big']).length)));
  const client = await connect();
  assert.equal((await client.exchange(lines('GET / HTTP/1.1', 'Host: x', `X-Big: ${'a'.repeat(15_000)}`))).text, '15000');
});

test('more than 1,000 fields', async (t) => {
  const { connect } = await serve(t, (_req, res) => res.end('ok'));
  const client = await connect();
  client.send(lines('GET / HTTP/1.1', 'Host: x', ...Array.from({ length: 1500 }, () => 'a:b')));
  const { status } = await client.response();
  await sameAsNode(
    t,
    'limits.header-count',
    () => assert.equal(status, 200),
    () => assert.equal(status, 431),
  );
});

test('a target beyond 16 KiB', async (t) => {
  const { connect } = await serve(t, (_req, res) => res.end('ok'));
  const client = await connect();
  client.send(lines(`GET /${'a/'.repeat(10_000)} HTTP/1.1`, 'Host: x'));
  const { status } = await client.response();
  await client.closed();
  await sameAsNode(
    t,
    'limits.target',
    () => assert.equal(status, 431),
    () => assert.equal(status, 414),
  );
});

test('a long query is no matter of segments', async (t) => {
  const { connect } = await serve(t, (req, res) => res.end(String(req.url?.length)));
  const client = await connect();
  assert.equal((await client.exchange(lines(`GET /?${'q'.repeat(8000)} HTTP/1.1`, 'Host: x'))).text, '8002');
});

for (const [what, target] of [
  ['a path segment beyond 260 characters', `/${'s'.repeat(300)}`],
  ['a path of more than 255 segments', `${'/s'.repeat(300)}`],
] as const) {
  test(what, async (t) => {
    const { connect } = await serve(t, (_req, res) => res.end('ok'));
    const client = await connect();
    const { status } = await client.exchange(lines(`GET ${target} HTTP/1.1`, 'Host: x'));
    await sameAsNode(
      t,
      'limits.segments',
      () => assert.equal(status, 200),
      () => assert.equal(status, 400),
    );
  });
}

test('maxRequestBodyBytes: a longer Content-Length is 413 before the application sees it', httpsys, async (t) => {
  let seen = 0;
  const { connect, get } = await serve(
    t,
    (_req, res) => {
      seen++;
      res.end('ok');
    },
    { maxRequestBodyBytes: 1000 },
  );
  const client = await connect();
  client.send(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n${'b'.repeat(1001)}`);
  assert.equal((await client.response()).status, 413);
  await client.closed();
  assert.equal(seen, 0);
  assert.equal((await get('/')).text, 'ok');
});

test('maxRequestBodyBytes: exactly as many bytes are served, in both framings', httpsys, async (t) => {
  const { connect } = await serve(
    t,
    (req, res) => {
      let bytes = 0;
      req.on('data', (piece: Buffer) => (bytes += piece.length));
      req.on('end', () => res.end(String(bytes)));
    },
    { maxRequestBodyBytes: 1000 },
  );
  const client = await connect();
  assert.equal((await client.exchange(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n${'b'.repeat(1000)}`)).text, '1000');
  const chunked = `POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n${'b'.repeat(1000)}\r\n0\r\n\r\n`;
  assert.equal((await client.exchange(chunked)).text, '1000');
});

test('maxRequestBodyBytes: a chunked body that grows beyond it never ends for the application', httpsys, async (t) => {
  const log: string[] = [];
  const { connect, get } = await serve(
    t,
    (req, res) => {
      if (req.method === 'GET') return void res.end('ok');
      for (const name of ['aborted', 'end', 'close']) req.on(name, () => log.push(name));
      req.on('error', () => log.push('error'));
      req.resume();
    },
    { maxRequestBodyBytes: 1000 },
  );
  const client = await connect();
  client.send('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
  for (let n = 0; n < 20 && !client.ended; n++) client.send(`64\r\n${'b'.repeat(100)}\r\n`);
  const rest = (await client.closed()).toString('latin1');
  assert.ok(rest === '' || rest.startsWith('HTTP/1.1 413'), rest.slice(0, 100));
  if (log.length > 0) await eventually("'close'", () => log.includes('close'));
  assert.ok(!log.includes('end'), log.join());
  assert.equal((await get('/')).text, 'ok');
});

test('options out of range throw ERR_OUT_OF_RANGE, of a wrong type ERR_INVALID_ARG_TYPE', httpsys, () => {
  assert.throws(() => createServer({ queueLength: 0 }), { code: 'ERR_OUT_OF_RANGE' });
  assert.throws(() => createServer({ maxRequestBodyBytes: -1 }), { code: 'ERR_OUT_OF_RANGE' });
  assert.throws(() => createServer({ timeouts: { headerWait: 70_000 } }), { code: 'ERR_OUT_OF_RANGE' });
  assert.throws(() => createServer({ queueLength: '5' as never }), { code: 'ERR_INVALID_ARG_TYPE' });
  assert.throws(() => createServer({ engine: 'kernel' as never }), { code: 'ERR_HTTPSYS_ENGINE' });
});

test('a response field of 60,000 bytes passes', async (t) => {
  const { get } = await serve(t, (_req, res) => void (res.setHeader('X-Big', 'v'.repeat(60_000)), res.end('ok')));
  assert.equal((await get('/')).headers['x-big']?.length, 60_000);
});

test('a response field beyond 64 KiB', async (t) => {
  const { get } = await serve(t, (req, res) => {
    if (req.url === '/big') res.setHeader('X-Big', 'v'.repeat(100_000));
    res.end('ok');
  });
  const response = await get('/big');
  await sameAsNode(
    t,
    'limits.response-field',
    () => assert.deepEqual([response.status, response.headers['x-big']?.length], [200, 100_000]),
    () => assert.deepEqual([response.status, response.headers['x-big']], [500, undefined]),
  );
  assert.equal((await get('/')).text, 'ok');
});

test('300 KiB of response fields together pass', async (t) => {
  const { get } = await serve(t, (_req, res) => {
    for (let n = 0; n < 6; n++) res.setHeader(`X-Big-${n}`, 'v'.repeat(50_000));
    res.write('streamed ');
    setImmediate(() => res.end('body'));
  });
  const response = await get('/');
  assert.equal(response.text, 'streamed body');
  assert.equal(response.headers['x-big-5']?.length, 50_000);
});
