import { after, before, test } from 'node:test';
import * as assert from 'node:assert/strict';
import { createServer, listen, shutDown } from '../support/engine';
import { RawClient, fetchOnce } from '../support/client';
import { sameAsNode } from '../support/differences';

/** One request that must not reach the application, and the status it is refused with. */
interface Row {
  id: string;
  bytes: string;
  status: number;
  /** What node:http answers, where it is not the same: a status, 'served' when it passes the request on, 'closed' when it says nothing. */
  node?: number | 'served' | 'closed' | 'waits';
}

const line = (requestLine: string, ...fields: string[]): string => `${[requestLine, ...fields].join('\r\n')}\r\n\r\n`;
const field = (...fields: string[]): string => line('GET / HTTP/1.1', 'Host: x', ...fields);
const target = (value: string): string => line(`GET ${value} HTTP/1.1`, 'Host: x');
const post = (...fields: string[]): string => line('POST / HTTP/1.1', 'Host: x', ...fields);
const chunked = (body: string): string => `${post('Transfer-Encoding: chunked')}${body}`;

const rows: Row[] = [
  // Request line (RFC 9112 section 3).
  { id: 'garbage', bytes: 'asdf qwer zxcv\r\n\r\n', status: 400 },
  { id: 'tls-hello', bytes: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', status: 400 },
  { id: 'no-target', bytes: line('GET', 'Host: x'), status: 400 },
  { id: 'no-version', bytes: line('GET /', 'Host: x'), status: 400, node: 'served' },
  { id: 'http-0.9', bytes: 'GET /\r\n\r\n', status: 400, node: 'served' },
  { id: 'lower-case-method', bytes: line('get / HTTP/1.1', 'Host: x'), status: 400 },
  { id: 'method-with-bracket', bytes: line('G{T / HTTP/1.1', 'Host: x'), status: 400 },
  { id: 'empty-method', bytes: line(' / HTTP/1.1', 'Host: x'), status: 400 },
  { id: 'two-spaces', bytes: line('GET  / HTTP/1.1', 'Host: x'), status: 400, node: 'served' },
  { id: 'tab-in-request-line', bytes: line('GET\t/ HTTP/1.1', 'Host: x'), status: 400 },
  { id: 'space-in-target', bytes: line('GET /a b HTTP/1.1', 'Host: x'), status: 400 },
  { id: 'trailing-space', bytes: line('GET / HTTP/1.1 ', 'Host: x'), status: 400 },
  { id: 'lower-case-http', bytes: line('GET / http/1.1', 'Host: x'), status: 400 },
  { id: 'version-without-minor', bytes: line('GET / HTTP/1', 'Host: x'), status: 400 },
  { id: 'version-long-minor', bytes: line('GET / HTTP/1.10', 'Host: x'), status: 400 },
  { id: 'version-letters', bytes: line('GET / HTTP/x.y', 'Host: x'), status: 400 },
  { id: 'version-2.0', bytes: line('GET / HTTP/2.0', 'Host: x'), status: 505, node: 'served' },
  { id: 'version-3.0', bytes: line('GET / HTTP/3.0', 'Host: x'), status: 505, node: 400 },
  { id: 'version-9.9', bytes: line('GET / HTTP/9.9', 'Host: x'), status: 505, node: 400 },
  { id: 'h2-preface', bytes: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', status: 505, node: 400 },
  { id: 'nul-in-request-line', bytes: line('GET /\0 HTTP/1.1', 'Host: x'), status: 400 },
  { id: 'cr-in-request-line', bytes: line('GET /\r HTTP/1.1', 'Host: x'), status: 400 },
  // Target (PARSE-5, ROUTE-10).
  { id: 'relative-target', bytes: target('path'), status: 400 },
  { id: 'percent-alone', bytes: target('/%'), status: 400, node: 'served' },
  { id: 'percent-one-digit', bytes: target('/%F'), status: 400, node: 'served' },
  { id: 'percent-no-hex', bytes: target('/%XY'), status: 400, node: 'served' },
  { id: 'percent-percent', bytes: target('/%%32'), status: 400, node: 'served' },
  { id: 'percent-bad-utf8', bytes: target('/%F0%8F%8F%BF'), status: 400, node: 'served' },
  { id: 'percent-nul', bytes: target('/a%00b'), status: 400, node: 'served' },
  { id: 'percent-control', bytes: target('/a%1fb'), status: 400, node: 'served' },
  { id: 'percent-crlf', bytes: target('/a%0d%0aX:1'), status: 400, node: 'served' },
  { id: 'control-in-target', bytes: target('/a\x01b'), status: 400 },
  { id: 'del-in-target', bytes: target('/a\x7fb'), status: 400 },
  { id: 'asterisk-for-get', bytes: target('*'), status: 400, node: 'served' },
  { id: 'absolute-without-host', bytes: line('GET http:///path HTTP/1.1', 'Host: x'), status: 400, node: 'served' },
  { id: 'absolute-slash-in-query', bytes: line('GET http://x?query=value/1/2 HTTP/1.1', 'Host: x'), status: 400, node: 'served' },
  { id: 'absolute-other-scheme', bytes: line('GET ftp://x/ HTTP/1.1', 'Host: x'), status: 400, node: 'served' },
  // Host (RFC 9112 section 3.2).
  { id: 'host-missing', bytes: line('GET / HTTP/1.1'), status: 400 },
  { id: 'host-twice', bytes: field('Host: x'), status: 400, node: 'served' },
  { id: 'host-two-values', bytes: field('Host: y'), status: 400, node: 'served' },
  { id: 'host-with-path', bytes: line('GET / HTTP/1.1', 'Host: x/y'), status: 400, node: 'served' },
  { id: 'host-with-userinfo', bytes: line('GET / HTTP/1.1', 'Host: user@x'), status: 400, node: 'served' },
  { id: 'host-bad-port', bytes: line('GET / HTTP/1.1', 'Host: x:port'), status: 400, node: 'served' },
  { id: 'host-port-too-big', bytes: line('GET / HTTP/1.1', 'Host: x:70000'), status: 400, node: 'served' },
  { id: 'host-with-space', bytes: line('GET / HTTP/1.1', 'Host: a b'), status: 400, node: 'served' },
  { id: 'host-bad-ipv6', bytes: line('GET / HTTP/1.1', 'Host: [::1'), status: 400, node: 'served' },
  // Fields (RFC 9112 section 5).
  { id: 'space-before-colon', bytes: field('X-A : 1'), status: 400 },
  { id: 'tab-before-colon', bytes: field('X-A\t: 1'), status: 400 },
  { id: 'no-colon', bytes: field('NoColonHere'), status: 400 },
  { id: 'empty-name', bytes: field(': value'), status: 400 },
  { id: 'space-in-name', bytes: field('X A: 1'), status: 400 },
  { id: 'bracket-in-name', bytes: field('X(A): 1'), status: 400 },
  { id: 'latin1-in-name', bytes: field('X-\xe4: 1'), status: 400 },
  { id: 'obs-fold', bytes: field('X-A: 1\r\n 2'), status: 400 },
  { id: 'obs-fold-tab', bytes: field('X-A: 1\r\n\t2'), status: 400 },
  { id: 'fold-on-first-field', bytes: line('GET / HTTP/1.1', ' Host: x'), status: 400 },
  { id: 'nul-in-value', bytes: field('X-A: a\0b'), status: 400 },
  { id: 'cr-in-value', bytes: field('X-A: a\rb'), status: 400 },
  { id: 'control-in-value', bytes: field('X-A: a\x01b'), status: 400 },
  { id: 'del-in-value', bytes: field('X-A: a\x7fb'), status: 400 },
  { id: 'nul-in-name', bytes: field('X\0A: 1'), status: 400 },
  // Body framing (RFC 9112 section 6).
  { id: 'cl-and-te', bytes: `${post('Content-Length: 5', 'Transfer-Encoding: chunked')}0\r\n\r\n`, status: 400 },
  { id: 'te-and-cl', bytes: `${post('Transfer-Encoding: chunked', 'Content-Length: 5')}0\r\n\r\n`, status: 400 },
  { id: 'cl-conflict', bytes: `${post('Content-Length: 5', 'Content-Length: 6')}hello!`, status: 400 },
  { id: 'cl-repeated', bytes: `${post('Content-Length: 5', 'Content-Length: 5')}hello`, status: 400 },
  { id: 'cl-list', bytes: `${post('Content-Length: 5, 5')}hello`, status: 400 },
  { id: 'cl-negative', bytes: post('Content-Length: -1'), status: 400 },
  { id: 'cl-plus', bytes: `${post('Content-Length: +5')}hello`, status: 400 },
  { id: 'cl-hex', bytes: `${post('Content-Length: 0x5')}hello`, status: 400 },
  { id: 'cl-empty', bytes: post('Content-Length:'), status: 400 },
  { id: 'cl-letters', bytes: post('Content-Length: five'), status: 400 },
  { id: 'cl-fraction', bytes: post('Content-Length: 5.0'), status: 400 },
  { id: 'cl-overflow', bytes: post('Content-Length: 99999999999999999999999'), status: 400 },
  { id: 'te-unknown', bytes: `${post('Transfer-Encoding: bogus')}hello`, status: 501, node: 400 },
  { id: 'te-gzip-chunked', bytes: `${post('Transfer-Encoding: gzip, chunked')}0\r\n\r\n`, status: 501, node: 'served' },
  { id: 'te-chunked-gzip', bytes: `${post('Transfer-Encoding: chunked, gzip')}0\r\n\r\n`, status: 501, node: 400 },
  { id: 'te-chunked-twice', bytes: `${post('Transfer-Encoding: chunked, chunked')}0\r\n\r\n`, status: 400 },
  { id: 'te-two-fields', bytes: `${post('Transfer-Encoding: chunked', 'Transfer-Encoding: identity')}0\r\n\r\n`, status: 400 },
  { id: 'te-in-1.0', bytes: `POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, status: 400, node: 'served' },
  { id: 'post-without-length', bytes: post(), status: 411, node: 'served' },
  { id: 'put-without-length', bytes: line('PUT / HTTP/1.1', 'Host: x'), status: 411, node: 'served' },
];

/** Chunked bodies that go wrong after a correct head: the application may have been called, but never sees an end of the body. */
const chunkRows: Row[] = [
  { id: 'chunk-no-size', bytes: chunked('\r\nabc\r\n'), status: 400 },
  { id: 'chunk-letters', bytes: chunked('xyz\r\nabc\r\n'), status: 400 },
  { id: 'chunk-negative', bytes: chunked('-1\r\nabc\r\n'), status: 400 },
  { id: 'chunk-0x', bytes: chunked('0x3\r\nabc\r\n0\r\n\r\n'), status: 400 },
  { id: 'chunk-space-before-size', bytes: chunked(' 3\r\nabc\r\n0\r\n\r\n'), status: 400 },
  { id: 'chunk-overflow', bytes: chunked('fffffffffffffffff\r\nabc\r\n'), status: 400 },
  { id: 'chunk-too-long', bytes: chunked('3\r\nabcd\r\n0\r\n\r\n'), status: 400 },
  { id: 'chunk-too-short', bytes: chunked('3\r\nab\r\n0\r\n\r\n'), status: 400 },
  { id: 'chunk-lf-only', bytes: chunked('3\nabc\n0\n\n'), status: 400 },
  { id: 'chunk-cr-in-extension', bytes: chunked('3;a\rb\r\nabc\r\n0\r\n\r\n'), status: 400 },
  { id: 'chunk-bad-trailer', bytes: chunked('3\r\nabc\r\n0\r\nBad Trailer: 1\r\n\r\n'), status: 400 },
  { id: 'chunk-folded-trailer', bytes: chunked('3\r\nabc\r\n0\r\nX: 1\r\n 2\r\n\r\n'), status: 400 },
  { id: 'chunk-extension-flood', bytes: chunked(`3;${'a'.repeat(40_000)}\r\nabc\r\n0\r\n\r\n`), status: 400, node: 413 },
];

let port = 0;
const reached: string[] = [];
const server = createServer({}, (req, res) => {
  reached.push(`${req.method} ${req.url}`);
  req.on('error', () => undefined);
  req.on('end', () => {
    reached.push('end');
    if (!res.destroyed) res.end('served');
  });
  req.resume();
});
before(async () => {
  port = await listen(server);
});
after(() => shutDown(server));

/** What became of the bytes: a status, 'served', or 'closed' without a word. */
async function outcome(bytes: string): Promise<string> {
  reached.length = 0;
  const client = await RawClient.connect(port);
  try {
    client.send(bytes);
    const response = await client.response({ ms: 3000 });
    if (response.text === 'served') return 'served';
    if (response.status >= 400) await client.closed();
    return String(response.status);
  } catch (error) {
    if (client.ended) return 'closed';
    if (/timed out/.test((error as Error).message)) return 'waits';
    throw error;
  } finally {
    client.destroy();
  }
}

for (const row of rows) {
  test(`malformed ${row.id} is ${row.status}`, async (t) => {
    const was = await outcome(row.bytes);
    const check = (): void => {
      assert.equal(was, String(row.status));
      assert.deepEqual(reached, [], 'the application must not see it');
    };
    if (row.node === undefined) check();
    else await sameAsNode(t, `malformed.${row.id}`, () => assert.equal(was, String(row.node)), check);
    assert.equal((await fetchOnce(port, '/next')).text, 'served', 'the next client is served');
  });
}

for (const row of chunkRows) {
  test(`malformed body ${row.id} ends the connection`, async (t) => {
    const was = await outcome(row.bytes);
    const check = (): void => {
      assert.ok(was === String(row.status) || was === 'closed', was);
      assert.ok(!reached.includes('end'), 'the body must not seem complete');
    };
    if (row.node === undefined) check();
    else await sameAsNode(t, `malformed.${row.id}`, () => assert.equal(was, String(row.node)), check);
    assert.equal((await fetchOnce(port, '/next')).text, 'served', 'the next client is served');
  });
}

for (const row of rows.filter(({ id }) => ['garbage', 'no-colon', 'cl-and-te', 'obs-fold'].includes(id))) {
  test(`malformed ${row.id} is refused as well when it comes byte by byte`, async () => {
    reached.length = 0;
    const client = await RawClient.connect(port);
    await client.drip(row.bytes);
    const response = await client.response();
    assert.equal(response.status, row.status);
    await client.closed();
    assert.deepEqual(reached, []);
  });
}

test('two hundred malformed connections in a row leave the server as it was', async () => {
  const bad = rows.filter((row) => row.node === undefined);
  for (let n = 0; n < 200; n++) {
    const client = await RawClient.connect(port);
    client.send((bad[n % bad.length] as Row).bytes);
    await client.closed();
    client.destroy();
  }
  assert.equal((await fetchOnce(port, '/next')).text, 'served');
});
