/** Range and conditional requests answered from an entry (CACHE-26, CACHE-27; RFC 9110 sections 13 and 14). */
import { test, type TestContext } from 'node:test';
import * as assert from 'node:assert/strict';
import { features, serve, unless, type Running } from '../support/engine';
import { all } from '../support/client';

const cache = unless(features.httpsys, 'node:http has no output cache');
const BODY = 'abcdefghijklmnopqrstuvwxyz';
const ETAG = '"v1"';
const MODIFIED = 'Thu, 01 Jan 2026 10:00:00 GMT';

/** A stored page with validators, already in the cache; the application must not be asked again. */
async function stored(t: TestContext): Promise<Running & { calls: () => number }> {
  let calls = 0;
  const running = await serve(t, (_req, res) => {
    calls++;
    res.cachePolicy = { untilFlushed: true };
    res.writeHead(200, {
      'Content-Type': 'text/plain',
      ETag: ETAG,
      'Last-Modified': MODIFIED,
      'X-Own': 'kept',
      'Cache-Control': 'max-age=9',
    });
    res.end(BODY);
  });
  await running.get('/x');
  return { ...running, calls: () => calls };
}

const single: [range: string, body: string, contentRange: string][] = [
  ['bytes=0-0', 'a', 'bytes 0-0/26'],
  ['bytes=0-4', 'abcde', 'bytes 0-4/26'],
  ['bytes=5-9', 'fghij', 'bytes 5-9/26'],
  ['bytes=20-', 'uvwxyz', 'bytes 20-25/26'],
  ['bytes=-3', 'xyz', 'bytes 23-25/26'],
  ['bytes=-100', BODY, 'bytes 0-25/26'],
  ['bytes=10-1000', 'klmnopqrstuvwxyz', 'bytes 10-25/26'],
  ['BYTES=0-1', 'ab', 'bytes 0-1/26'],
];

for (const [range, body, contentRange] of single) {
  test(`CACHE-26: Range ${range} is answered with 206 from the entry`, cache, async (t) => {
    const { get, calls } = await stored(t);
    const response = await get('/x', { Range: range });
    assert.equal(response.status, 206);
    assert.equal(response.text, body);
    assert.equal(response.headers['content-range'], contentRange);
    assert.deepEqual(all(response, 'content-length'), [String(body.length)]);
    assert.equal(response.headers['x-own'], 'kept');
    assert.equal(response.headers.etag, ETAG);
    assert.equal(calls(), 1);
  });
}

test('CACHE-26: several ranges are answered as multipart/byteranges', cache, async (t) => {
  const { get, calls } = await stored(t);
  const response = await get('/x', { Range: 'bytes=0-1, 5-6, -2' });
  assert.equal(response.status, 206);
  const boundary = /^multipart\/byteranges; ?boundary="?([^"]+)"?$/.exec(response.headers['content-type'] ?? '')?.[1];
  assert.ok(boundary, response.headers['content-type']);
  assert.equal(response.headers['content-range'], undefined);
  const parts = response.text.split(`--${boundary}`).slice(1, -1);
  assert.deepEqual(
    parts.map((part) => {
      const [head, body] = part.replace(/^\r\n/, '').split('\r\n\r\n');
      const fields = Object.fromEntries((head as string).split('\r\n').map((line) => line.toLowerCase().split(': ')));
      return [fields['content-type'], fields['content-range'], (body as string).replace(/\r\n$/, '')];
    }),
    [
      ['text/plain', 'bytes 0-1/26', 'ab'],
      ['text/plain', 'bytes 5-6/26', 'fg'],
      ['text/plain', 'bytes 24-25/26', 'yz'],
    ],
  );
  assert.ok(response.text.trimEnd().endsWith(`--${boundary}--`));
  assert.equal(calls(), 1);
});

test('CACHE-26: an unsatisfiable range is 416 with the length', cache, async (t) => {
  const { get, calls } = await stored(t);
  for (const range of ['bytes=26-', 'bytes=100-200', 'bytes=-0']) {
    const response = await get('/x', { Range: range });
    assert.equal(response.status, 416, range);
    assert.equal(response.headers['content-range'], 'bytes */26');
  }
  assert.equal(calls(), 1);
});

for (const range of ['bytes', 'bytes=', 'bytes=a-b', 'bytes=5-2', 'items=0-1', 'bytes=1-2-3', 'bytes=--1', 'bytes=0x1-2']) {
  test(`CACHE-26: Range ${JSON.stringify(range)} means nothing and gets the whole`, cache, async (t) => {
    const { get } = await stored(t);
    const response = await get('/x', { Range: range });
    assert.deepEqual([response.status, response.text], [200, BODY]);
  });
}

test('CACHE-26: a flood of ranges does not make a larger answer than the whole by much', cache, async (t) => {
  const { get } = await stored(t);
  const response = await get('/x', { Range: `bytes=${Array.from({ length: 2000 }, () => '0-25').join(',')}` });
  assert.ok([200, 206, 416].includes(response.status));
  assert.ok(response.body.length < 100 * 1024, `${response.body.length} bytes for a page of 26`);
});

const ifRange: [value: string, status: number][] = [
  [ETAG, 206],
  ['"other"', 200],
  [`W/${ETAG}`, 200],
  [MODIFIED, 206],
  ['Thu, 01 Jan 2026 10:00:01 GMT', 200],
  ['Thu, 01 Jan 2026 09:59:59 GMT', 200],
];

for (const [value, status] of ifRange) {
  test(`RFC 9110 13.1.5: If-Range ${value} gives ${status}`, cache, async (t) => {
    const { get } = await stored(t);
    const response = await get('/x', { Range: 'bytes=0-1', 'If-Range': value });
    assert.equal(response.status, status);
    assert.equal(response.text, status === 206 ? 'ab' : BODY);
  });
}

const conditional: [headers: Record<string, string>, status: number][] = [
  [{ 'If-None-Match': ETAG }, 304],
  [{ 'If-None-Match': `W/${ETAG}` }, 304],
  [{ 'If-None-Match': '"a", "v1"' }, 304],
  [{ 'If-None-Match': '*' }, 304],
  [{ 'If-None-Match': '"other"' }, 200],
  [{ 'If-None-Match': 'v1' }, 200],
  [{ 'If-Modified-Since': MODIFIED }, 304],
  [{ 'If-Modified-Since': 'Fri, 02 Jan 2026 10:00:00 GMT' }, 304],
  [{ 'If-Modified-Since': 'Thu, 01 Jan 2026 09:00:00 GMT' }, 200],
  [{ 'If-Modified-Since': 'not a date' }, 200],
  [{ 'If-Modified-Since': 'Thursday, 01-Jan-26 10:00:00 GMT' }, 304],
  // If-None-Match goes before If-Modified-Since (RFC 9110 section 13.2.2).
  [{ 'If-None-Match': '"other"', 'If-Modified-Since': MODIFIED }, 200],
  [{ 'If-None-Match': ETAG, 'If-Modified-Since': 'Thu, 01 Jan 2026 09:00:00 GMT' }, 304],
  [{ 'If-None-Match': ETAG, Range: 'bytes=0-1' }, 304],
];

for (const [headers, status] of conditional) {
  test(`CACHE-27: ${JSON.stringify(headers)} gives ${status} from the entry`, cache, async (t) => {
    const { get, calls } = await stored(t);
    const response = await get('/x', headers);
    assert.equal(response.status, status);
    assert.equal(response.text, status === 304 ? '' : BODY);
    if (status === 304) {
      assert.equal(response.headers.etag, ETAG);
      assert.equal(response.headers['cache-control'], 'max-age=9');
      assert.equal(response.headers['content-length'], undefined);
      assert.ok(response.headers.date);
    }
    assert.equal(calls(), 1);
  });
}

test('a kept connection goes on after 206, 304 and 416 from the cache', cache, async (t) => {
  const { connect, port } = await stored(t);
  const client = await connect();
  const ask = (field: string): string => `GET /x HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${field}\r\n\r\n`;
  for (const [field, status] of [
    ['Range: bytes=0-1', 206],
    [`If-None-Match: ${ETAG}`, 304],
    ['Range: bytes=99-', 416],
    ['Range: bytes=0-1,3-4', 206],
    ['X: y', 200],
  ] as const) {
    assert.equal((await client.exchange(ask(field))).status, status, field);
  }
});
