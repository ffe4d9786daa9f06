/** What a program sees of request lines, fields and bodies. */
import * as http from 'node:http';
import { attempt, chunked, get, head, post, readAndAnswer, type App, type Scenario, type Table } from '../scenario';

const seeLine: App = (req, res, see) => {
  see(JSON.stringify([req.method, req.url, req.httpVersion, req.httpVersionMajor, req.httpVersionMinor]));
  res.end();
};

const seeFields: App = (req, res, see) => {
  see(`raw ${JSON.stringify(req.rawHeaders)}`);
  see(`headers ${JSON.stringify(Object.entries(req.headers))}`);
  see(`distinct ${JSON.stringify(Object.entries(req.headersDistinct))}`);
  res.end();
};

const targets = [
  '/',
  '/a',
  '/a/b/',
  '/a?b=c',
  '/?',
  '/??',
  '/a?b=c?d',
  '/%20',
  '/%41',
  '/a%2Fb',
  '/a+b',
  '//a//b',
  '/./a/../b',
  "/-._~!$&'()*+,;=:@",
  '/a;b=c',
  '/a|b',
  '/a{b}',
  '/a"b',
  '/a\\b',
  '/a^b`',
  '/?a[]=1&b=<>',
  `/${'a'.repeat(200)}/${'b'.repeat(200)}`,
  '/favicon.ico',
  'http://a/',
  'http://a/b?c',
  'http://a',
  'http://a?x',
  'HTTP://A/b',
];

const fieldRows: Record<string, string[]> = {
  'none beside Host': [],
  spelling: ['X-OwN: 1', 'CONTENT-TYPE: text/plain', 'content-language: de'],
  'white space around values': ['X-A:1', 'X-B:   2   ', 'X-C:\t3\t', 'X-D: a  b', 'X-E:', 'X-F: '],
  'repeated, joined': ['X-A: 1', 'x-a: 2', 'Accept: a', 'Accept: b'],
  'repeated, first counts': [
    'User-Agent: a',
    'User-Agent: b',
    'Referer: a',
    'Referer: b',
    'Authorization: a',
    'Authorization: b',
    'From: a',
    'From: b',
  ],
  'repeated, more that count once': [
    'Age: 1',
    'Age: 2',
    'ETag: a',
    'ETag: b',
    'Max-Forwards: 1',
    'Max-Forwards: 2',
    'Retry-After: 1',
    'Retry-After: 2',
    'Server: a',
    'Server: b',
  ],
  'repeated dates': ['Expires: a', 'Expires: b', 'If-Modified-Since: a', 'If-Modified-Since: b', 'Last-Modified: a', 'Last-Modified: b'],
  cookies: ['Cookie: a=1', 'Cookie: b=2; c=3', 'cookie: d=4'],
  'set-cookie in a request': ['Set-Cookie: a', 'Set-Cookie: b'],
  'high bytes': ['X-A: \xe4\xf6\xff', 'X-B: \x80'],
  'tabs in a value': ['X-A: a\tb'],
  'names that are members of Object': ['constructor: 1', '__proto__: 2', 'toString: 3', 'hasOwnProperty: 4', 'constructor: 5'],
  'all token characters': ["!#$%&'*+-.^_`|~09azAZ: 1"],
  forwarding: ['X-Forwarded-For: 1.2.3.4, 5.6.7.8', 'X-Forwarded-Proto: https', 'Forwarded: for=1.2.3.4', 'Via: 1.1 a'],
  'conditions and ranges': ['If-None-Match: "a", W/"b"', 'If-Match: *', 'If-Range: "a"', 'Range: bytes=0-1,3-'],
  'a colon in a value': ['X-A: a:b:c', 'Referer: http://a:80/b'],
  many: Array.from({ length: 120 }, (_, n) => `X-${n}: v${n}`),
  'a long value': [`X-A: ${'v'.repeat(8000)}`],
  'a long name': [`X-${'n'.repeat(500)}: 1`],
  'transfer fields of a GET without a body': ['Content-Type: text/plain', 'Content-Length: 0'],
  'TE and Trailer': ['TE: trailers', 'Trailer: X-Sum'],
  'Upgrade that nobody takes': ['Upgrade: h2c', 'HTTP2-Settings: AAA'],
};

const lines: Scenario[] = [
  ...targets.map((target) => ({
    name: `target ${target.slice(0, 40)}`,
    app: seeLine,
    client: [head(`GET ${target}`, 'Connection: close')],
  })),
  ...http.METHODS.filter((method) => method !== 'CONNECT').map((method) => ({
    name: `method ${method}`,
    app: seeLine,
    client: [head(`${method} /`, 'Connection: close', 'Content-Length: 0')],
  })),
  { name: 'OPTIONS *', app: seeLine, client: [head('OPTIONS *', 'Connection: close')] },
  { name: 'HTTP/1.0', app: seeLine, client: ['GET /a HTTP/1.0\r\n\r\n'] },
  { name: 'HTTP/1.0 with Host', app: seeFields, client: ['GET /a HTTP/1.0\r\nHost: a\r\n\r\n'] },
  { name: 'an empty line before it', app: seeLine, client: [`\r\n${get()}`] },
  { name: 'byte by byte', app: seeFields, client: [{ drip: get('/drip', 'X-A: b') }] },
  { name: 'HTTP/1.1 without Host', app: seeLine, client: ['GET / HTTP/1.1\r\n\r\n', 'LEAVE'] },
];

const fields: Scenario[] = [
  ...Object.entries(fieldRows).map(([name, rows]) => ({ name: `fields: ${name}`, app: seeFields, client: [get('/', ...rows)] })),
  ...['repeated, first counts', 'repeated, joined', 'cookies', 'set-cookie in a request', 'repeated dates'].map((name) => ({
    name: `joinDuplicateHeaders: ${name}`,
    options: { joinDuplicateHeaders: true },
    app: seeFields,
    client: [get('/', ...fieldRows[name]!)],
  })),
  {
    name: 'headers can be written to and replaced',
    app: (req, res, see) => {
      req.headers['x-a'] = 'mine';
      see(JSON.stringify(req.headers['x-a']));
      req.headers = { b: 'c' };
      see(JSON.stringify(req.headers));
      req.url = '/other';
      req.method = 'PUT';
      see(`${req.method} ${req.url}`);
      res.end();
    },
  },
  {
    name: 'facts about a request without a body',
    app: (req, res, see) => {
      for (const name of [
        'complete',
        'aborted',
        'readable',
        'readableEnded',
        'readableFlowing',
        'readableLength',
        'destroyed',
        'upgrade',
        'statusCode',
        'statusMessage',
        'trailers',
        'rawTrailers',
        'closed',
        'errored',
        'readableAborted',
        'readableDidRead',
        'readableEncoding',
        'readableObjectMode',
      ]) {
        attempt(see, name, () => (req as unknown as Record<string, unknown>)[name]);
      }
      res.end();
    },
  },
  {
    name: 'facts about a request with a body',
    app: (req, res, see) => {
      for (const name of ['complete', 'aborted', 'readable', 'readableEnded', 'readableFlowing', 'destroyed', 'upgrade']) {
        attempt(see, name, () => (req as unknown as Record<string, unknown>)[name]);
      }
      req.resume().on('end', () => {
        for (const name of ['complete', 'readable', 'readableEnded', 'destroyed', 'readableDidRead']) {
          attempt(see, `end ${name}`, () => (req as unknown as Record<string, unknown>)[name]);
        }
        res.end();
      });
    },
    client: [post('hello')],
  },
  {
    name: 'own members of a request and a response are those of node:http',
    app: (req, res, see) => {
      const known = [
        'socket',
        'httpVersionMajor',
        'httpVersionMinor',
        'httpVersion',
        'complete',
        'rawHeaders',
        'rawTrailers',
        'joinDuplicateHeaders',
        'aborted',
        'upgrade',
        'url',
        'method',
        'statusCode',
        'statusMessage',
        'client',
        '_consuming',
        '_dumped',
      ];
      for (const name of known) see(`req ${name} ${String(name in req)}`);
      const outgoing = [
        'outputData',
        'outputSize',
        'writable',
        'destroyed',
        '_last',
        'chunkedEncoding',
        'shouldKeepAlive',
        'maxRequestsOnConnectionReached',
        '_defaultKeepAlive',
        'useChunkedEncodingByDefault',
        'sendDate',
        '_removedConnection',
        '_removedContLen',
        '_removedTE',
        'strictContentLength',
        '_contentLength',
        '_hasBody',
        '_trailer',
        'finished',
        '_headerSent',
        '_closed',
        'socket',
        '_header',
        '_keepAliveTimeout',
        '_sent100',
        '_expect_continue',
      ];
      for (const name of outgoing) see(`res ${name} ${String(name in res)}`);
      see(String(req instanceof http.IncomingMessage && res instanceof http.ServerResponse && res instanceof http.OutgoingMessage));
      res.end();
    },
  },
];

const bodies: Scenario[] = [
  { name: 'body of a length', app: readAndAnswer, client: [post('hello')] },
  { name: 'body of length 0', app: readAndAnswer, client: [post('')] },
  {
    name: 'body in pieces',
    app: readAndAnswer,
    client: [head('POST /', 'Connection: close', 'Content-Length: 6'), 'abc', { drip: 'def' }],
  },
  { name: 'body of all bytes', app: readAndAnswer, client: [post(String.fromCharCode(...Array.from({ length: 256 }, (_, n) => n)))] },
  {
    name: 'body of 200,000 bytes',
    app: (req, res, see) => {
      let bytes = 0;
      req.on('data', (piece: Buffer) => (bytes += piece.length));
      req.on('end', () => {
        see(String(bytes));
        res.end();
      });
    },
    client: [post('x'.repeat(200_000))],
  },
  { name: 'GET with a body', app: readAndAnswer, client: [get('/', 'Content-Length: 3') + 'abc'] },
  { name: 'DELETE with a body', app: readAndAnswer, client: [head('DELETE /', 'Connection: close', 'Content-Length: 3') + 'abc'] },
  { name: 'DELETE without a body', app: readAndAnswer, client: [head('DELETE /', 'Connection: close')] },
  { name: 'PATCH without a length', app: readAndAnswer, client: [head('PATCH /', 'Connection: close')] },
  { name: 'POST without a length', app: readAndAnswer, client: [head('POST /', 'Connection: close')] },
  { name: 'PUT without a length', app: readAndAnswer, client: [head('PUT /', 'Connection: close')] },
  { name: 'one chunk', app: readAndAnswer, client: [chunked(['hello'])] },
  { name: 'no chunk', app: readAndAnswer, client: [chunked([])] },
  { name: 'several chunks', app: readAndAnswer, client: [chunked(['a', 'bc', 'def'])] },
  {
    name: 'chunks with extensions',
    app: readAndAnswer,
    client: [head('POST /', 'Connection: close', 'Transfer-Encoding: chunked') + '3;a=b\r\nabc\r\n0;c\r\n\r\n'],
  },
  {
    name: 'chunk sizes in both cases',
    app: readAndAnswer,
    client: [
      head('POST /', 'Connection: close', 'Transfer-Encoding: chunked') +
        `A\r\n${'a'.repeat(10)}\r\n0b\r\n${'b'.repeat(11)}\r\n000\r\n\r\n`,
    ],
  },
  { name: 'chunks byte by byte', app: readAndAnswer, client: [{ drip: chunked(['ab', 'c']) }] },
  {
    name: 'trailers',
    app: (req, res, see) => {
      see(`before ${JSON.stringify(req.trailers)}`);
      req.resume().on('end', () => {
        see(`trailers ${JSON.stringify([req.trailers, req.rawTrailers, req.trailersDistinct])}`);
        see(`headers ${JSON.stringify(req.headers)}`);
        res.end();
      });
    },
    client: [chunked(['a'], ['X-Sum: 1', 'x-sum: 2', 'Set-Cookie: a', 'X-Other:  b '])],
  },
  {
    name: 'two bodies on one connection',
    app: readAndAnswer,
    client: [head('POST /', 'Content-Length: 2') + 'ab', { await: 1 }, post('cd')],
  },
  {
    name: 'setEncoding',
    app: (req, res, see) => {
      see(String(req.setEncoding('utf8') === req));
      let text = '';
      req.on('data', (piece) => {
        text += String(piece);
      });
      req.on('end', () => {
        see(text);
        res.end();
      });
    },
    client: [head('POST /', 'Connection: close', 'Content-Length: 4'), '\xc3', '\xa4', '\xc3\xb6'],
  },
  {
    name: 'setEncoding in hex',
    app: (req, res, see) => {
      req.setEncoding('hex');
      let text = '';
      req.on('data', (piece) => (text += String(piece)));
      req.on('end', () => res.end(text, () => see(text)));
    },
    client: [post('\x01\x02\xff')],
    until: ['0102ff'],
  },
  { name: 'answered without reading', app: (_req, res) => void res.end('unread'), client: [post('never read')] },
  {
    name: 'answered without reading, connection stays',
    app: (req, res) => void res.end(req.url),
    client: [head('POST /one', 'Content-Length: 10') + '0123456789', { await: '/one' }, get('/two')],
  },
  {
    name: 'answered before the body is there, connection stays',
    app: (req, res) => void res.end(req.url),
    client: [head('POST /one', 'Content-Length: 10') + '01234', { await: '/one' }, '56789', get('/two')],
  },
  {
    name: 'answered in pieces while the body comes',
    app: (req, res, see) => {
      res.write('first ');
      let bytes = 0;
      req.on('data', (piece: Buffer) => (bytes += piece.length));
      req.on('end', () => {
        see(String(bytes));
        res.end('last');
      });
    },
    client: [head('POST /', 'Connection: close', 'Content-Length: 6') + 'abc', { await: 'first' }, 'def'],
  },
];

const columns: Scenario[] = [...lines, ...fields, ...bodies];
export const requests: Table = { subject: 'requests', scenarios: columns };
