import { test, type TestContext } from 'node:test';
import * as assert from 'node:assert/strict';
import type * as http from 'node:http';
import type { Duplex } from 'node:stream';
import {
  createServer,
  features,
  listening,
  onFreePort,
  serve,
  shutDown,
  unless,
  type Running,
  type TestListener,
  type TestServer,
  type TestServerOptions,
} from '../support/engine';
import { RawClient } from '../support/client';
import { sameAsNode } from '../support/differences';
import { deferred, eventually, within } from '../support/poll';

const BAD = 'GET / HTTP/1.1\r\nHost: x\r\nBad Name: 1\r\n\r\n';
const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

test('a malformed request is answered with 400 without any listener', async (t) => {
  let seen = 0;
  const { connect, get } = await serve(t, (_req, res) => {
    seen++;
    res.end('ok');
  });
  const client = await connect();
  const response = await client.exchange(BAD);
  assert.equal(response.status, 400);
  assert.equal(response.headers.connection, 'close');
  await client.closed();
  assert.equal(seen, 0);
  assert.equal((await get('/')).text, 'ok');
});

test("'clientError' hears of a malformed request, also when the listener comes while the server listens", async (t) => {
  const errors: string[] = [];
  const { server, connect } = await serve(t, (_req, res) => res.end('ok'));
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    errors.push(String(error.code));
    socket.end('HTTP/1.1 418 Mine\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  });
  // The service has to be told first.
  await eventually('the answer', async () => (await (await connect()).exchange(BAD)).status === 418);
  assert.deepEqual(errors, ['HPE_INVALID_HEADER_TOKEN']);
});

test("a listener of 'clientError' that destroys the socket harms no other connection", async (t) => {
  const { server, connect } = await serve(t, (_req, res) => res.end('ok'));
  server.on('clientError', (_error, socket: Duplex) => socket.destroy());
  const other = await connect();
  await other.exchange(GET);
  const client = await connect();
  client.send(BAD);
  await client.closed();
  assert.equal((await other.exchange(GET)).text, 'ok');
});

test('a malformed second request of a connection ends it', async (t) => {
  const { connect } = await serve(t, (_req, res) => res.end('ok'));
  const client = await connect();
  assert.equal((await client.exchange(GET)).text, 'ok');
  assert.equal((await client.exchange('NONSENSE\r\n\r\n')).status, 400);
  await client.closed();
});

test('a malformed chunk ends the request it belongs to', async (t) => {
  const log: string[] = [];
  const { connect, get } = await serve(t, (req, res) => {
    if (req.method === 'GET') return void res.end('ok');
    req.on('aborted', () => log.push('aborted'));
    req.on('error', (error: NodeJS.ErrnoException) => log.push(`error ${error.code}`));
    req.on('end', () => log.push('end'));
    req.on('close', () => log.push('close'));
    req.resume();
  });
  const client = await connect();
  client.send('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nXYZ\r\n');
  await client.closed();
  assert.ok(!log.includes('end'), log.join());
  assert.equal((await get('/')).text, 'ok');
});

test("'clientError' hears of a body that breaks after its request was delivered", async (t) => {
  const codes: unknown[] = [];
  const { server, connect } = await serve(t, (req) => {
    req.on('error', () => undefined);
    req.resume();
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    codes.push(error.code);
    socket.destroy();
  });
  const client = await connect();
  client.send('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
  await eventually('the request', async () => (await countConnections(server)) === 1);
  client.send('XYZ\r\n');
  await client.closed();
  await eventually('the error', () => codes.length > 0);
  assert.deepEqual(codes, ['HPE_INVALID_CHUNK_SIZE']);
});

function countConnections(server: http.Server): Promise<number> {
  return new Promise((resolve) => server.getConnections((_error, count) => resolve(count)));
}

type ErrorListener = (error: ClientError, socket: Duplex) => void;

/** A server that listens to 'clientError' before it listens to its port. */
function serveHearing(t: TestContext, heard: ErrorListener, listener: TestListener, options: TestServerOptions = {}): Promise<Running> {
  return serve(t, listener, options, '/', (server) => server.on('clientError', heard as (error: Error, socket: Duplex) => void));
}

/** The first 'clientError' of a server, whose listener was there before it listened to its port. */
async function serveOnce(
  t: TestContext,
  options: TestServerOptions = {},
): Promise<Running & { heard: Promise<[error: ClientError, socket: Duplex]> }> {
  const first = deferred<[ClientError, Duplex]>();
  const running = await serveHearing(
    t,
    (error, socket) => first.resolve([error, socket]),
    (_req, res) => res.end('ok'),
    options,
  );
  return { ...running, heard: within(first.promise, "'clientError'") };
}

interface ClientError extends NodeJS.ErrnoException {
  rawPacket?: Buffer;
  bytesParsed?: number;
  reason?: string;
}

const post = 'POST / HTTP/1.1\r\nHost: x\r\n';
/** Input, and the code that node:http reports for it. */
const malformed: [what: string, bytes: string, code: string][] = [
  ['a method', 'NONSENSE\r\n\r\n', 'HPE_INVALID_METHOD'],
  ['a TLS hello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc', 'HPE_INVALID_METHOD'],
  ['a field name', BAD, 'HPE_INVALID_HEADER_TOKEN'],
  ['a field value', 'GET / HTTP/1.1\r\nHost: x\r\na: \0\r\n\r\n', 'HPE_INVALID_HEADER_TOKEN'],
  ['a folded field', 'GET / HTTP/1.1\r\nHost: x\r\na: b\r\n c\r\n\r\n', 'HPE_INVALID_HEADER_TOKEN'],
  ['a control character in the target', 'GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n', 'HPE_INVALID_URL'],
  ['a space in the target', 'GET /a b HTTP/1.1\r\nHost: x\r\n\r\n', 'HPE_INVALID_CONSTANT'],
  ['a version', 'GET / HTTP/7.1\r\nHost: x\r\n\r\n', 'HPE_INVALID_VERSION'],
  ['a length', `${post}Content-Length: x1\r\n\r\n`, 'HPE_INVALID_CONTENT_LENGTH'],
  ['two lengths', `${post}Content-Length: 1\r\nContent-Length: 2\r\n\r\na`, 'HPE_UNEXPECTED_CONTENT_LENGTH'],
  ['both framings', `${post}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`, 'HPE_INVALID_TRANSFER_ENCODING'],
  [
    'both framings and no host',
    'POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
    'HPE_INVALID_TRANSFER_ENCODING',
  ],
  ['a carriage return alone', 'GET / HTTP/1.1\r\nHost: x\r\na: b\rc: d\r\n\r\n', 'HPE_LF_EXPECTED'],
  ['a line feed alone', 'GET / HTTP/1.1\r\nHost: x\r\na: b\nc: d\r\n\r\n', 'HPE_CR_EXPECTED'],
  ['an unknown coding', `${post}Transfer-Encoding: foo\r\n\r\n`, 'HPE_INVALID_TRANSFER_ENCODING'],
  ['a first chunk', `${post}Transfer-Encoding: chunked\r\n\r\nXYZ\r\n`, 'HPE_INVALID_CHUNK_SIZE'],
  ['a head beyond the limit', `GET / HTTP/1.1\r\nHost: x\r\na: ${'a'.repeat(40_000)}\r\n\r\n`, 'HPE_HEADER_OVERFLOW'],
];

for (const [what, bytes, code] of malformed) {
  test(`'clientError' of ${what}: ${code}, the bytes, and a socket to answer on`, async (t) => {
    const errors: ClientError[] = [];
    const answer: ErrorListener = (error, socket) => {
      errors.push(error);
      assert.equal(socket.writable, true);
      socket.write('HTTP/1.1 499 Mine\r\nContent-Length: 2\r\n');
      socket.end('Connection: close\r\n\r\nno');
    };
    const { server, connect, get } = await serveHearing(t, answer, (req, res) => {
      // node:http has delivered the head of a request whose first chunk is broken.
      req.on('error', () => undefined);
      req.resume();
      req.on('end', () => res.end('ok'));
    });
    const client = await connect();
    const response = await client.exchange(bytes);
    assert.deepEqual([response.status, response.text], [499, 'no']);
    await client.closed();
    assert.equal(errors.length, 1);
    const [error] = errors;
    assert.equal(error.code, code);
    assert.match(error.message, /^Parse Error/);
    assert.equal(typeof error.bytesParsed, 'number');
    assert.ok(error.rawPacket instanceof Buffer && error.rawPacket.length > 0);
    assert.ok(bytes.includes(error.rawPacket.toString('latin1').slice(0, 1000)));
    server.removeAllListeners('clientError');
    assert.equal((await get('/')).text, 'ok');
  });
}

test("'clientError' of a client that ends in the middle of a head: HPE_INVALID_EOF_STATE", async (t) => {
  const { connect, heard } = await serveOnce(t);
  const client = await connect();
  client.send('GET / HTTP/1.1\r\nHo');
  client.end();
  const [error, socket] = await heard;
  assert.deepEqual([error.code, error.message, error.rawPacket], ['HPE_INVALID_EOF_STATE', 'Parse Error', undefined]);
  socket.end('HTTP/1.1 499 Mine\r\nContent-Length: 0\r\n\r\n');
  assert.equal((await client.response()).status, 499);
  await client.closed();
});

test("'clientError' of a client that ends in the middle of a body, then the request is aborted", async (t) => {
  const log: string[] = [];
  const answer: ErrorListener = (error, socket) => {
    log.push(error.code!);
    socket.end('HTTP/1.1 499 Mine\r\nContent-Length: 0\r\n\r\n');
  };
  const { connect } = await serveHearing(t, answer, (req, res) => {
    req.on('aborted', () => log.push('aborted'));
    req.on('error', (error: NodeJS.ErrnoException) => log.push(`request ${error.code}`));
    res.on('close', () => log.push('response close'));
    req.resume();
  });
  const client = await connect();
  client.send(`${post}Content-Length: 10\r\n\r\n123`);
  client.end();
  assert.equal((await client.response()).status, 499);
  await client.closed();
  await eventually('the events', () => log.length === 4);
  assert.deepEqual(log, ['HPE_INVALID_EOF_STATE', 'aborted', 'response close', 'request ECONNRESET']);
});

test("'clientError' of a client that ended: its socket is not readable any more", async (t) => {
  const { connect, heard } = await serveOnce(t);
  const client = await connect();
  client.send('GET / HTTP/1.1\r\nHo');
  client.end();
  const [, socket] = await heard;
  assert.deepEqual([socket.readable, socket.writable], [false, true]);
  socket.destroy();
  await client.closed();
});

for (const [what, answer, prepare] of [
  ['whole', (res) => res.end('late'), () => undefined],
  ['in pieces', (res) => (res.write('la'), res.end('te')), () => undefined],
  ['with a head that was fixed before', (res) => res.end('late'), (res) => res.writeHead(200, { 'Content-Length': 4 })],
] as [string, (res: http.ServerResponse) => void, (res: http.ServerResponse) => void][]) {
  test(`'clientError' of a client that ended in its body: the answer of its response, ${what}, is sent`, async (t) => {
    const answers: (() => void)[] = [];
    const { connect } = await serveHearing(
      t,
      () => answers.forEach((late) => late()),
      (_req, res) => {
        res.setHeader('Connection', 'close');
        prepare(res);
        answers.push(() => answer(res));
      },
    );
    const client = await connect();
    client.send(`${post}Content-Length: 10\r\n\r\n123`);
    await eventually('the request', () => answers.length === 1);
    client.end();
    const response = await client.response();
    assert.deepEqual([response.status, response.text, 'date' in response.headers], [200, 'late', true]);
    await client.closed();
  });
}

test("'clientError' of a body that is malformed: the answer of its response is sent, and the connection ends with it", async (t) => {
  const answers: (() => void)[] = [];
  const log: string[] = [];
  const { server, connect } = await serveHearing(
    t,
    () => answers.forEach((answer) => answer()),
    (req, res) => {
      req.on('error', () => undefined);
      for (const event of ['finish', 'close']) res.on(event, () => log.push(`response ${event}`));
      answers.push(() => {
        res.setHeader('Connection', 'close');
        res.end('late');
      });
    },
  );
  const client = await connect();
  client.send(`${post}Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n`);
  await eventually('the request', () => answers.length === 1);
  client.send('xyz\r\n');
  assert.equal((await client.response()).text, 'late');
  await client.closed();
  client.end();
  await eventually('the end', () => log.length === 2);
  assert.deepEqual(log, ['response finish', 'response close']);
  const count = (): Promise<number> => new Promise((resolve) => server.getConnections((_error, open) => resolve(open)));
  await eventually('no connection', async () => (await count()) === 0);
});

test("'clientError' of a client that ended behind what was no request: it gets its answer, also a later one", async (t) => {
  const answer: ErrorListener = (_error, socket) => setImmediate(() => socket.end('HTTP/1.1 499 Mine\r\nContent-Length: 0\r\n\r\n'));
  const { connect } = await serveHearing(t, answer, (_req, res) => res.end('ok'));
  for (let n = 0; n < 20; n++) {
    const client = await connect();
    client.socket.end('oops!');
    assert.match((await client.closed()).toString('latin1'), /^HTTP\/1\.1 499 /);
  }
});

test("'clientError' of a reset: ECONNRESET on a socket that is gone", async (t) => {
  const { connect, heard } = await serveOnce(t);
  const client = await connect();
  assert.equal((await client.exchange(GET)).text, 'ok');
  client.reset();
  const [error, socket] = await heard;
  assert.deepEqual([error.code, socket.writable, socket.destroyed], ['ECONNRESET', false, true]);
});

test("'clientError' of a head that is late: ERR_HTTP_REQUEST_TIMEOUT", async (t) => {
  const options = { headersTimeout: 200, requestTimeout: 200, connectionsCheckingInterval: 50 };
  const { connect, heard } = await serveOnce(t, options);
  const client = await connect();
  client.send('GET / HTTP/1.1\r\nHo');
  const [error, socket] = await heard;
  assert.deepEqual([error.code, error.message], ['ERR_HTTP_REQUEST_TIMEOUT', 'Request timeout']);
  socket.end('HTTP/1.1 499 Mine\r\nContent-Length: 0\r\n\r\n');
  assert.equal((await client.response()).status, 499);
});

test("'clientError' without an answer: the connection stays until the program destroys it", async (t) => {
  const { connect, heard } = await serveOnce(t);
  const client = await connect();
  client.send(BAD);
  const [, socket] = await heard;
  client.send('more that nobody looks at');
  socket.destroy();
  assert.equal((await client.closed()).length, 0);
});

test("'clientError' of what follows a request: its answer comes first", async (t) => {
  const answer: ErrorListener = (_error, socket) => socket.end('HTTP/1.1 499 Mine\r\nContent-Length: 0\r\n\r\n');
  const { connect } = await serveHearing(t, answer, (_req, res) => setImmediate(() => res.end('ok')));
  const client = await connect();
  client.send(`${GET}NONSENSE\r\n\r\n`);
  const text = (await client.closed()).toString('latin1');
  await sameAsNode(
    t,
    'client-error.pipelined',
    () => assert.match(text, /^HTTP\/1\.1 499 /),
    () => assert.match(text, /^HTTP\/1\.1 200 [^]*okHTTP\/1\.1 499 /),
  );
});

test("without a listener of 'clientError' any more the engine answers again", async (t) => {
  let heard = 0;
  const answer: ErrorListener = (_error, socket) => {
    heard++;
    socket.end('HTTP/1.1 499 Mine\r\nContent-Length: 0\r\n\r\n');
    server.removeListener('clientError', answer as (error: Error, socket: Duplex) => void);
  };
  const { server, connect } = await serveHearing(t, answer, (_req, res) => res.end('ok'));
  assert.equal((await (await connect()).exchange(BAD)).status, 499);
  await eventually('the engine to know', async () => (await (await connect()).exchange(BAD)).status === 400);
  assert.equal(heard, 1);
});

/** Servers `a` and `b`, each on its prefix of one port, which is returned; they answer with their name. */
async function shareAPort(t: TestContext, prepare: (server: TestServer, name: string) => void): Promise<number> {
  const servers = ['a', 'b'].map((name) => {
    const server = createServer({}, (_req, res) => res.end(name));
    prepare(server, name);
    return server;
  });
  t.after(() => Promise.all(servers.map((server) => shutDown(server))));
  return onFreePort(async (free) => {
    await listening(servers[0], `http://*:${free}/a/`);
    await listening(servers[1], `http://*:${free}/b/`);
    return free;
  });
}

test("on a port that two servers share, malformed requests are the engine's", unless(features.sharing, 'one server a port'), async (t) => {
  const heard: string[] = [];
  const port = await shareAPort(t, (server, name) =>
    server.on('clientError', (_error, socket: Duplex) => {
      heard.push(name);
      socket.destroy();
    }),
  );
  const client = await RawClient.connect(port);
  assert.equal((await client.exchange(BAD)).status, 400);
  await client.closed();
  assert.deepEqual(heard, []);
});

test(
  "on a port that two servers share, 'connection' is told with the first request",
  unless(features.sharing, 'one server a port'),
  async (t) => {
    const heard: string[] = [];
    const port = await shareAPort(t, (server, name) => server.on('connection', () => heard.push(name)));
    const silent = await RawClient.connect(port);
    const client = await RawClient.connect(port);
    assert.equal((await client.exchange(GET.replace('/', '/b/'))).text, 'b');
    assert.deepEqual(heard, ['b']);
    assert.equal((await silent.exchange(GET.replace('/', '/a/'))).text, 'a');
    assert.deepEqual(heard, ['b', 'a']);
  },
);

test('RAW beyond its bound resets the client', unless(features.httpsys, 'a bound of the engine'), async (t) => {
  const flood: ErrorListener = (_error, socket) => socket.write(Buffer.alloc(70_000, 'x'));
  const { connect } = await serveHearing(t, flood, (_req, res) => res.end('ok'));
  const client = await connect();
  client.send(BAD);
  await client.closed();
  assert.equal(client.error?.code, 'ECONNRESET');
});
