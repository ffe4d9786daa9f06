import { test } from 'node:test';
import * as assert from 'node:assert/strict';
import { serve, type TestRequest } from '../support/engine';

interface Seen {
  headers: Record<string, unknown>;
  distinct: Record<string, string[]>;
  raw: string[];
  method: string;
  url: string;
  version: string;
  major: number;
  minor: number;
}

const describe = (req: TestRequest): Seen => ({
  headers: { ...req.headers },
  distinct: { ...req.headersDistinct } as Record<string, string[]>,
  raw: req.rawHeaders,
  method: req.method as string,
  url: req.url as string,
  version: req.httpVersion,
  major: req.httpVersionMajor,
  minor: req.httpVersionMinor,
});

async function see(t: Parameters<typeof serve>[0], ...heads: string[]): Promise<Seen[]> {
  const seen: Seen[] = [];
  const { connect } = await serve(t, (req, res) => {
    seen.push(describe(req));
    res.end();
  });
  for (const head of heads) {
    const client = await connect();
    const response = await client.exchange(head, { head: head.startsWith('HEAD') });
    assert.equal(response.status, 200, JSON.stringify(head));
    client.destroy();
  }
  return seen;
}

const lines = (...values: string[]): string => `${values.join('\r\n')}\r\n\r\n`;

test('rawHeaders keeps names, order and duplicates as they came', async (t) => {
  const [seen] = await see(t, lines('GET / HTTP/1.1', 'HOST: x', 'x-b: 1', 'X-A: 2', 'x-B: 3', 'Accept: */*', 'accept-Encoding: gzip'));
  assert.deepEqual(seen?.raw, ['HOST', 'x', 'x-b', '1', 'X-A', '2', 'x-B', '3', 'Accept', '*/*', 'accept-Encoding', 'gzip']);
  assert.deepEqual(seen?.headers, { host: 'x', 'x-b': '1, 3', 'x-a': '2', accept: '*/*', 'accept-encoding': 'gzip' });
  assert.deepEqual(seen?.distinct['x-b'], ['1', '3']);
  assert.deepEqual(Object.keys(seen?.headers ?? {}), ['host', 'x-b', 'x-a', 'accept', 'accept-encoding']);
});

test('fields that may come once keep the first value', async (t) => {
  const [seen] = await see(
    t,
    lines(
      'GET / HTTP/1.1',
      'Host: x',
      'User-Agent: a',
      'User-Agent: b',
      'Content-Type: text/a',
      'Content-Type: text/b',
      'Referer: r',
      'Referer: s',
      'Authorization: one',
      'Authorization: two',
    ),
  );
  assert.equal(seen?.headers['user-agent'], 'a');
  assert.equal(seen?.headers['content-type'], 'text/a');
  assert.equal(seen?.headers.referer, 'r');
  assert.equal(seen?.headers.authorization, 'one');
});

test('cookies are joined with a semicolon, set-cookie is an array, others with a comma', async (t) => {
  const [seen] = await see(
    t,
    lines(
      'GET / HTTP/1.1',
      'Host: x',
      'Cookie: a=1',
      'Cookie: b=2',
      'Set-Cookie: c=3',
      'Set-Cookie: d=4',
      'X-Forwarded-For: 1',
      'X-Forwarded-For: 2',
      'Accept: a',
      'Accept: b',
    ),
  );
  assert.equal(seen?.headers.cookie, 'a=1; b=2');
  assert.deepEqual(seen?.headers['set-cookie'], ['c=3', 'd=4']);
  assert.equal(seen?.headers['x-forwarded-for'], '1, 2');
  assert.equal(seen?.headers.accept, 'a, b');
});

test('one Set-Cookie in a request is an array as well', async (t) => {
  const [seen] = await see(t, lines('GET / HTTP/1.1', 'Host: x', 'Set-Cookie: c=3'));
  assert.deepEqual(seen?.headers['set-cookie'], ['c=3']);
});

test('white space around values is no part of them; empty values stay', async (t) => {
  const [seen] = await see(t, lines('GET / HTTP/1.1', 'Host:x', 'X-Pad: \t  value with  spaces \t ', 'X-Empty:', 'X-Blank:   '));
  assert.equal(seen?.headers['x-pad'], 'value with  spaces');
  assert.equal(seen?.headers['x-empty'], '');
  assert.equal(seen?.headers['x-blank'], '');
});

test('bytes beyond ASCII are Latin-1 in values', async (t) => {
  const [seen] = await see(t, lines('GET / HTTP/1.1', 'Host: x', 'X-Name: M\xfcller \xe2\x82\xac', 'User-Agent: caf\xe9'));
  assert.equal(seen?.headers['x-name'], 'M\xfcller \xe2\x82\xac');
  assert.equal(seen?.headers['user-agent'], 'caf\xe9');
});

test('every token character is allowed in a name', async (t) => {
  const [seen] = await see(t, lines('GET / HTTP/1.1', 'Host: x', "!#$%&'*+-.^_`|~09azAZ: v"));
  assert.equal(seen?.headers["!#$%&'*+-.^_`|~09azaz"], 'v');
});

test('names that are members of Object.prototype are ordinary fields', async (t) => {
  const [seen] = await see(t, lines('GET / HTTP/1.1', 'Host: x', 'constructor: c', 'toString: s', 'hasOwnProperty: h'));
  assert.equal(seen?.headers.constructor, 'c');
  assert.equal(seen?.headers.tostring, 's');
  assert.equal(seen?.headers.hasownproperty, 'h');
});

test('300 fields arrive complete and in order', async (t) => {
  const fields = Array.from({ length: 300 }, (_unused, n) => `X-${n}: value ${n}`);
  const [seen] = await see(t, lines('GET / HTTP/1.1', 'Host: x', ...fields));
  assert.equal(seen?.raw.length, 602);
  assert.equal(seen?.headers['x-299'], 'value 299');
});

test('the target reaches the application as it came', async (t) => {
  const targets = ['/', '/a//b', '/a/../b', '/%41%2f?x=%20', "/~!$&'()*+,;=:@-._", '/?', '/??', '//x', '/a?b?c', '/%e2%82%ac'];
  const seen = await see(t, ...targets.map((target) => lines(`GET ${target} HTTP/1.1`, 'Host: x')));
  assert.deepEqual(
    seen.map((request) => request.url),
    targets,
  );
});

test('methods reach the application as they came', async (t) => {
  const methods = ['GET', 'HEAD', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE', 'PROPFIND', 'MKCOL', 'SEARCH', 'PURGE', 'M-SEARCH', 'REPORT'];
  const seen = await see(t, ...methods.map((method) => lines(`${method} / HTTP/1.1`, 'Host: x', 'Content-Length: 0')));
  assert.deepEqual(
    seen.map((request) => request.method),
    methods,
  );
});

test('versions', async (t) => {
  const seen = await see(t, lines('GET / HTTP/1.1', 'Host: x'), lines('GET / HTTP/1.0'));
  assert.deepEqual(
    seen.map((request) => [request.version, request.major, request.minor]),
    [
      ['1.1', 1, 1],
      ['1.0', 1, 0],
    ],
  );
});

test('OPTIONS * reaches the application', async (t) => {
  const [seen] = await see(t, lines('OPTIONS * HTTP/1.1', 'Host: x'));
  assert.equal(seen?.method, 'OPTIONS');
  assert.equal(seen?.url, '*');
});

test('an absolute-form target stays as it came', async (t) => {
  const [seen] = await see(t, lines('GET http://x/path?q HTTP/1.1', 'Host: x'));
  assert.equal(seen?.url, 'http://x/path?q');
});

test('headers, url and method can be written to, and expandos stay', async (t) => {
  const { connect } = await serve(t, (req, res) => {
    req.headers['x-added'] = 'yes';
    req.url = '/rewritten';
    req.method = 'PUT';
    const free = req as TestRequest & { id?: number };
    free.id = 7;
    const before = `${req.headers['x-added']} ${req.url} ${req.method} ${free.id}`;
    req.headers = { only: 'this' };
    res.end(`${before} ${JSON.stringify(req.headers)} ${req.rawHeaders.length}`);
  });
  const response = await (await connect()).exchange(lines('GET / HTTP/1.1', 'Host: x'));
  assert.equal(response.text, 'yes /rewritten PUT 7 {"only":"this"} 2');
});

test('req and res know each other and the socket has its old names', async (t) => {
  const { connect } = await serve(t, (req, res) => {
    const client = (req as unknown as { client: unknown }).client;
    res.end(
      [req.socket === req.connection, client === req.socket, res.req === req, res.socket === req.socket, req.aborted, req.upgrade].join(),
    );
  });
  const response = await (await connect()).exchange(lines('GET / HTTP/1.1', 'Host: x'));
  assert.equal(response.text, 'true,true,true,true,false,false');
});

test('joinDuplicateHeaders joins what would keep the first value', async (t) => {
  const { connect } = await serve(
    t,
    (req, res) => {
      res.end(String(req.headers.authorization));
    },
    { joinDuplicateHeaders: true },
  );
  const response = await (await connect()).exchange(lines('GET / HTTP/1.1', 'Host: x', 'Authorization: a', 'Authorization: b'));
  assert.equal(response.text, 'a, b');
});

test('an upgrade request without an upgrade listener is an ordinary request', async (t) => {
  const { connect } = await serve(t, (req, res) => res.end(`${req.headers.upgrade} ${req.upgrade}`));
  const client = await connect();
  const bytes = lines('GET / HTTP/1.1', 'Host: x', 'Connection: Upgrade', 'Upgrade: websocket');
  assert.equal((await client.exchange(bytes)).text, 'websocket false');
  assert.equal((await client.exchange(bytes)).status, 200);
});
