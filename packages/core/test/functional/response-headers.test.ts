import { test } from 'node:test';
import * as assert from 'node:assert/strict';
import * as http from 'node:http';
import { serve, type TestListener, type TestResponse } from '../support/engine';
import { all } from '../support/client';
import { deferred, within } from '../support/poll';

const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

/** What `attempt` throws, as a code. */
function codeOf(attempt: () => unknown): string {
  try {
    attempt();
    return 'none';
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}

/** Runs `inspect` in a listener and hands over what it returns. */
async function inspect<T>(t: Parameters<typeof serve>[0], look: (res: TestResponse) => T): Promise<T> {
  const result = deferred<T>();
  const { connect } = await serve(t, (_req, res) => {
    try {
      result.resolve(look(res));
    } catch (error) {
      result.reject(error);
    }
    res.statusMessage = '';
    if (!res.writableEnded) res.end();
  });
  await (await connect()).exchange(GET);
  return within(result.promise, 'the listener');
}

test('set, get, has, remove, names', async (t) => {
  const seen = await inspect(t, (res) => {
    res.setHeader('X-One', '1');
    res.setHeader('x-two', ['a', 'b']);
    res.setHeader('X-Gone', 'soon');
    res.removeHeader('x-gone');
    res.setHeader('X-Number', 5);
    return [
      res.getHeader('x-one'),
      res.getHeader('X-TWO'),
      res.hasHeader('x-ONE'),
      res.hasHeader('x-gone'),
      res.getHeaderNames(),
      (res as unknown as { getRawHeaderNames(): string[] }).getRawHeaderNames(),
      { ...res.getHeaders() },
      Object.getPrototypeOf(res.getHeaders()),
      res.setHeader('X-Chain', '1') === res,
      res.getHeader('x-number'),
    ];
  });
  assert.deepEqual(seen, [
    '1',
    ['a', 'b'],
    true,
    false,
    ['x-one', 'x-two', 'x-number'],
    ['X-One', 'x-two', 'X-Number'],
    { 'x-one': '1', 'x-two': ['a', 'b'], 'x-number': 5 },
    null,
    true,
    5,
  ]);
});

const onTheWire: [name: string, listener: TestListener, check: (fields: [string, string][], status: number, reason: string) => void][] = [
  [
    'names keep their case, the last setHeader wins',
    (_req, res) => void (res.setHeader('X-cAsE', '1'), res.setHeader('x-again', 'first'), res.setHeader('X-Again', 'second'), res.end()),
    (fields) => {
      assert.ok(fields.some(([name, value]) => name === 'X-cAsE' && value === '1'));
      assert.deepEqual(
        fields.filter(([name]) => name.toLowerCase() === 'x-again'),
        [['X-Again', 'second']],
      );
    },
  ],
  [
    'Set-Cookie as an array becomes several fields',
    (_req, res) => void (res.setHeader('Set-Cookie', ['a=1', 'b=2']), res.end()),
    (fields) =>
      assert.deepEqual(
        fields.filter(([name]) => name === 'Set-Cookie').map(([, value]) => value),
        ['a=1', 'b=2'],
      ),
  ],
  [
    'an array value becomes several fields',
    (_req, res) => void (res.setHeader('WWW-Authenticate', ['Basic', 'Bearer']), res.end()),
    (fields) => assert.deepEqual(fields.filter(([name]) => name === 'WWW-Authenticate').length, 2),
  ],
  [
    'appendHeader adds values',
    (_req, res) => void (res.appendHeader('X-List', 'a'), res.appendHeader('X-List', ['b', 'c']), res.end()),
    (fields) =>
      assert.deepEqual(
        fields.filter(([name]) => name === 'X-List').map(([, value]) => value),
        ['a', 'b', 'c'],
      ),
  ],
  [
    'setHeaders takes a Map',
    (_req, res) => void (res.setHeaders(new Map([['x-a', '1']])), res.end()),
    (fields) => assert.ok(fields.some(([name, value]) => name === 'x-a' && value === '1')),
  ],
  [
    'setHeaders takes Headers, cookies apart',
    (_req, res) => {
      const headers = new Headers({ 'X-B': '2' });
      headers.append('Set-Cookie', 'a=1');
      headers.append('Set-Cookie', 'b=2');
      res.setHeaders(headers);
      res.end();
    },
    (fields) => {
      assert.ok(fields.some(([name, value]) => name === 'x-b' && value === '2'));
      assert.equal(fields.filter(([name]) => name === 'set-cookie').length, 2);
    },
  ],
  [
    'writeHead(code)',
    (_req, res) => void res.writeHead(201).end(),
    (_fields, status, reason) => assert.deepEqual([status, reason], [201, 'Created']),
  ],
  [
    'writeHead(code, object)',
    (_req, res) => void res.writeHead(202, { 'X-A': '1', 'X-B': ['2', '3'] }).end(),
    (fields, status) => {
      assert.equal(status, 202);
      assert.equal(fields.filter(([name]) => name === 'X-B').length, 2);
    },
  ],
  [
    'writeHead(code, text, object)',
    (_req, res) => void res.writeHead(200, 'Fine indeed', { 'X-A': '1' }).end(),
    (fields, _status, reason) => {
      assert.equal(reason, 'Fine indeed');
      assert.ok(fields.some(([name]) => name === 'X-A'));
    },
  ],
  [
    'writeHead(code, flat array) keeps order and duplicates',
    (_req, res) => void res.writeHead(200, ['X-Z', '1', 'X-A', '2', 'X-Z', '3']).end(),
    (fields) =>
      assert.deepEqual(
        fields.filter(([name]) => name.startsWith('X-')),
        [
          ['X-Z', '1'],
          ['X-A', '2'],
          ['X-Z', '3'],
        ],
      ),
  ],
  [
    'writeHead(code, array of pairs)',
    (_req, res) =>
      void res
        .writeHead(200, [
          ['X-P', '1'],
          ['X-P', '2'],
        ] as never)
        .end(),
    (fields) => assert.equal(fields.filter(([name]) => name === 'X-P').length, 2),
  ],
  [
    'writeHead() merges with setHeader, its own values win',
    (_req, res) => void (res.setHeader('X-Set', '1'), res.setHeader('X-Both', 'set'), res.writeHead(200, { 'x-both': 'head' }).end()),
    (fields) => {
      assert.ok(fields.some(([name, value]) => name === 'X-Set' && value === '1'));
      assert.deepEqual(
        fields.filter(([name]) => name.toLowerCase() === 'x-both').map(([, value]) => value),
        ['head'],
      );
    },
  ],
  [
    'statusMessage',
    (_req, res) => void ((res.statusCode = 404), (res.statusMessage = 'Nope'), res.end()),
    (_f, status, reason) => assert.deepEqual([status, reason], [404, 'Nope']),
  ],
  [
    'a status without a name',
    (_req, res) => void ((res.statusCode = 299), res.end()),
    (_f, status, reason) => assert.deepEqual([status, reason], [299, 'unknown']),
  ],
  [
    'an empty value',
    (_req, res) => void (res.setHeader('X-Empty', ''), res.end()),
    (fields) => assert.ok(fields.some(([name, value]) => name === 'X-Empty' && value === '')),
  ],
  [
    'Latin-1 values',
    (_req, res) => void (res.setHeader('X-L', 'caf\xe9'), res.end()),
    (fields) => assert.ok(fields.some(([, value]) => value === 'caf\xe9')),
  ],
  [
    'Date is added',
    (_req, res) => void res.end(),
    (fields) => assert.match(fields.find(([name]) => name === 'Date')?.[1] ?? '', /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/),
  ],
  [
    'a Date of the application stays',
    (_req, res) => void (res.setHeader('Date', 'Thu, 01 Jan 1970 00:00:00 GMT'), res.end()),
    (fields) =>
      assert.deepEqual(
        fields.filter(([name]) => name === 'Date').map(([, value]) => value),
        ['Thu, 01 Jan 1970 00:00:00 GMT'],
      ),
  ],
  [
    'sendDate = false',
    (_req, res) => void ((res.sendDate = false), res.end()),
    (fields) => assert.ok(!fields.some(([name]) => name === 'Date')),
  ],
];

for (const [name, listener, check] of onTheWire) {
  test(`on the wire: ${name}`, async (t) => {
    const { connect } = await serve(t, listener);
    const response = await (await connect()).exchange(GET);
    check(response.fields, response.status, response.reason);
  });
}

test('names that are no tokens are ERR_INVALID_HTTP_TOKEN', async (t) => {
  const codes = await inspect(t, (res) => ['', 'a b', 'a:b', 'a\r\nb', 'ä', 'a\0'].map((name) => codeOf(() => res.setHeader(name, 'v'))));
  assert.deepEqual(
    codes,
    Array.from({ length: 6 }, () => 'ERR_INVALID_HTTP_TOKEN'),
  );
});

test('values with control characters are ERR_INVALID_CHAR', async (t) => {
  const codes = await inspect(t, (res) => [
    ...['a\r\nb', 'a\nb', 'a\rb', 'a\0', 'a\x7f', '\u20ac', 'a\x01'].map((value) => codeOf(() => res.setHeader('X', value))),
    codeOf(() => res.setHeader('X', ['fine', 'a\r\nb'])),
    codeOf(() => res.appendHeader('X', 'a\nb')),
  ]);
  assert.deepEqual(
    codes,
    Array.from({ length: 9 }, () => 'ERR_INVALID_CHAR'),
  );
});

test('undefined values are ERR_HTTP_INVALID_HEADER_VALUE', async (t) => {
  const codes = await inspect(t, (res) => [
    codeOf(() => res.setHeader('X', undefined as never)),
    codeOf(() => res.writeHead(200, { X: undefined })),
  ]);
  assert.deepEqual(codes, ['ERR_HTTP_INVALID_HEADER_VALUE', 'ERR_HTTP_INVALID_HEADER_VALUE']);
});

test('writeHead checks status, message and fields', async (t) => {
  const attempts: [unknown[], string][] = [
    [[99], 'ERR_HTTP_INVALID_STATUS_CODE'],
    [[1000], 'ERR_HTTP_INVALID_STATUS_CODE'],
    [['abc'], 'ERR_HTTP_INVALID_STATUS_CODE'],
    [[200, 'bad\r\nreason'], 'ERR_INVALID_CHAR'],
    [[200, { 'a b': '1' }], 'ERR_INVALID_HTTP_TOKEN'],
    [[200, { X: 'a\r\nInjected: 1' }], 'ERR_INVALID_CHAR'],
    [[200, ['odd']], 'ERR_INVALID_ARG_VALUE'],
  ];
  for (const [values, expected] of attempts) {
    const code = await inspect(t, (res) => codeOf(() => (res.writeHead as (...all: unknown[]) => unknown).apply(res, values)));
    assert.equal(code, expected, JSON.stringify(values));
  }
});

test('an invalid statusCode throws when the head is made', async (t) => {
  const code = await inspect(t, (res) => {
    res.statusCode = 42;
    const thrown = codeOf(() => res.end());
    res.statusCode = 200;
    return thrown;
  });
  assert.equal(code, 'ERR_HTTP_INVALID_STATUS_CODE');
});

test('everything that changes fields after the head is ERR_HTTP_HEADERS_SENT', async (t) => {
  const codes = await inspect(t, (res) => {
    res.setHeader('X-Kept', 'yes');
    res.write('x');
    return [
      codeOf(() => res.setHeader('X', '1')),
      codeOf(() => res.removeHeader('X')),
      codeOf(() => res.appendHeader('X', '1')),
      codeOf(() => res.setHeaders(new Map())),
      codeOf(() => res.writeHead(200)),
      res.headersSent,
      res.getHeader('x-kept'),
    ];
  });
  const sent = 'ERR_HTTP_HEADERS_SENT';
  assert.deepEqual(codes, [sent, sent, sent, sent, sent, true, 'yes']);
});

test('a second writeHead is ERR_HTTP_HEADERS_SENT', async (t) => {
  const code = await inspect(t, (res) => {
    res.writeHead(200);
    return codeOf(() => res.writeHead(200));
  });
  assert.equal(code, 'ERR_HTTP_HEADERS_SENT');
});

test('fields can be read after the response has finished, as morgan does', async (t) => {
  const seen = deferred<unknown[]>();
  const { connect } = await serve(t, (_req, res) => {
    res.setHeader('X-Late', 'readable');
    res.on('finish', () => seen.resolve([res.getHeader('x-late'), res.getHeaderNames(), res.headersSent, res.statusCode]));
    res.end('body');
  });
  await (await connect()).exchange(GET);
  assert.deepEqual(await within(seen.promise, "'finish'"), ['readable', ['x-late'], true, 200]);
});

for (const [name, finish] of [
  ['end', (res: TestResponse) => res.end('x')],
  ['write', (res: TestResponse) => void (res.write('x'), res.end())],
  ['flushHeaders', (res: TestResponse) => void (res.flushHeaders(), res.end('x'))],
] as const) {
  test(`the implicit head of ${name} goes through this.writeHead, so that on-headers works`, async (t) => {
    const { connect } = await serve(t, (_req, res) => {
      const original = res.writeHead;
      let calls = 0;
      res.writeHead = function patched(this: TestResponse, ...values: unknown[]): never {
        calls++;
        this.setHeader('X-Patched', `${calls} ${String(values[0])}`);
        return (original as (...values: unknown[]) => unknown).apply(this, values) as never;
      } as never;
      res.statusCode = 203;
      finish(res);
    });
    const response = await (await connect()).exchange(GET);
    assert.equal(response.headers['x-patched'], '1 203');
    assert.equal(response.status, 203);
  });
}

test('our own end does not come back through a replaced write or end', async (t) => {
  const calls: string[] = [];
  const { connect } = await serve(t, (_req, res) => {
    const write = res.write;
    const end = res.end;
    res.write = ((...values: unknown[]) => {
      calls.push('write');
      return (write as (...values: unknown[]) => boolean).apply(res, values);
    }) as never;
    res.end = ((...values: unknown[]) => {
      calls.push('end');
      return (end as (...values: unknown[]) => unknown).apply(res, values);
    }) as never;
    res.write('a');
    res.end('b');
  });
  assert.equal((await (await connect()).exchange(GET)).text, 'ab');
  assert.deepEqual(calls, ['write', 'end']);
});

test('_header and _implicitHeader() are what express-session needs', async (t) => {
  const seen = await inspect(t, (res) => {
    const inner = res as unknown as { _header: string | null; _implicitHeader(): void };
    const before = inner._header;
    res.setHeader('X-I', '1');
    inner._implicitHeader();
    return [before, typeof inner._header, res.headersSent];
  });
  assert.deepEqual(seen, [null, 'string', true]);
});

test('a field of the application named like an engine field is not doubled', async (t) => {
  const { connect } = await serve(t, (_req, res) => {
    res.setHeader('Connection', 'keep-alive');
    res.setHeader('Content-Length', '2');
    res.setHeader('Date', 'now');
    res.end('ok');
  });
  const response = await (await connect()).exchange(GET);
  for (const name of ['connection', 'content-length', 'date']) assert.equal(all(response, name).length, 1, name);
});

test('classes: instanceof http.ServerResponse and http.IncomingMessage', async (t) => {
  const { connect } = await serve(t, (req, res) => res.end(`${req instanceof http.IncomingMessage} ${res instanceof http.ServerResponse}`));
  assert.equal((await (await connect()).exchange(GET)).text, 'true true');
});

test('uniqueHeaders joins the values of an array', async (t) => {
  const { connect } = await serve(t, (_req, res) => void (res.setHeader('X-U', ['a', 'b']), res.end()), { uniqueHeaders: ['x-u'] });
  const response = await (await connect()).exchange(GET);
  assert.deepEqual(all(response, 'x-u'), ['a; b']);
});
