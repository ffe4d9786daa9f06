/** A whole HTTP response that a program writes to the socket of an ordinary request, past `res`. */
import { test, type TestContext } from 'node:test';
import * as assert from 'node:assert/strict';
import { finished } from 'node:stream';
import { engine, features, serve, unless, type TestListener } from '../support/engine';
import { sameAsNode } from '../support/differences';
import { deferred, eventually, within } from '../support/poll';

const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
const plain = 'HTTP/1.1 201 Mine\r\nX-Mine: 1\r\nConnection: close\r\n';
/** HTTP.SYS sends its own Date and Server. */
const exact = engine !== 'httpsys';

async function receive(t: TestContext, listener: TestListener, bytes = GET): Promise<string> {
  const { connect } = await serve(t, listener);
  const client = await connect();
  client.send(bytes);
  return (await client.closed()).toString('latin1');
}

for (const [what, text] of [
  ['a length', `${plain}Content-Length: 5\r\n\r\nhello`],
  ['no length', `${plain}\r\nhello`],
  ['chunks', `${plain}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`],
  ['chunks and trailers', `${plain}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n`],
  ['no body', `${plain.replace('201 Mine', '204 None')}\r\n`],
] as const) {
  test(`a response with ${what} that is written to the socket reaches the client as it is`, async (t) => {
    const got = await receive(t, (req) => void req.socket.end(text));
    if (exact) assert.equal(got, text);
    else assert.match(got, /^HTTP\/1\.1 20[14] [^]*X-Mine: 1\r\n/);
  });

  test(`a response with ${what} may be written in pieces of any size`, async (t) => {
    const { connect } = await serve(t, (req) => {
      for (const byte of Buffer.from(text)) req.socket.write(Buffer.from([byte]));
      req.socket.end();
    });
    const client = await connect();
    const response = await client.exchange(GET);
    assert.deepEqual(
      [response.status, response.headers['x-mine'], response.text],
      [Number(text.slice(9, 12)), '1', text.includes('hello') ? 'hello' : ''],
    );
    await client.closed();
  });
}

test('the answer to HEAD has no body', async (t) => {
  const text = `${plain}Content-Length: 5\r\n\r\n`;
  const got = await receive(t, (req) => void req.socket.end(text), GET.replace('GET', 'HEAD'));
  if (exact) assert.equal(got, text);
});

test('an interim response on the socket leaves the final one to `res`', async (t) => {
  const got = await receive(
    t,
    (req, res) => {
      req.socket.write('HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n');
      res.end('final');
    },
    GET.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'),
  );
  if (exact) assert.match(got, /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a>; rel=preload\r\n\r\nHTTP\/1\.1 200 OK\r\n[^]*final$/);
  else assert.match(got, /HTTP\/1\.1 200 OK\r\n[^]*final$/);
});

test('interim responses on the socket of each request of a connection', async (t) => {
  const { connect } = await serve(t, (req, res) => {
    req.socket.write('HTTP/1.1 103 Early Hints\r\n\r\n');
    setImmediate(() => res.end(req.url));
  });
  const client = await connect();
  for (const path of ['/1', '/2']) {
    const first = await client.exchange(GET.replace('/', path));
    assert.equal((first.status === 103 ? await client.response() : first).text, path);
  }
});

test("the response object closes without 'finish', and the request and the connection end", async (t) => {
  const log: string[] = [];
  const { server, connect } = await serve(t, (req, res) => {
    for (const event of ['finish', 'close']) res.on(event, () => log.push(`response ${event}`));
    req.on('error', () => undefined);
    req.on('close', () => log.push('request close'));
    req.socket.on('close', () => log.push('socket close'));
    req.socket.end(`${plain}Content-Length: 2\r\n\r\nok`);
  });
  const client = await connect();
  client.send(GET);
  await client.closed();
  client.destroy();
  await eventually('the events', () => log.length === 3);
  assert.deepEqual(log.sort(), ['request close', 'response close', 'socket close']);
  await within(new Promise((resolve) => server.close(resolve)), 'the server to close');
});

test('a large answer keeps to what its client reads', async (t) => {
  const bytes = 8 * 1024 * 1024;
  const held = deferred();
  const { connect } = await serve(t, (req) => {
    const { socket } = req;
    const piece = Buffer.alloc(64 * 1024, 'y');
    let left = bytes / piece.length;
    socket.write(`${plain}Content-Length: ${bytes}\r\n\r\n`);
    const next = (): void => {
      while (left > 0) {
        left--;
        if (socket.write(piece)) continue;
        held.resolve();
        return;
      }
      socket.end();
    };
    socket.on('drain', next);
    next();
  });
  const client = await connect();
  client.socket.pause();
  client.send(GET);
  await held.promise;
  client.socket.resume();
  const got = await client.closed();
  const at = got.indexOf('\r\n\r\n') + 4;
  assert.equal(got.length - at, bytes);
  assert.ok(got.subarray(at).every((byte) => byte === 'y'.charCodeAt(0)));
});

test('a client that leaves is told to who writes', async (t) => {
  const gone = deferred();
  const { connect } = await serve(t, (req, res) => {
    req.on('error', () => undefined);
    finished(res, () => gone.resolve());
    req.socket.write(`${plain}Content-Length: 100\r\n\r\nhalf`);
  });
  const client = await connect();
  client.send(GET);
  await client.bytes(plain.length);
  client.reset();
  await within(gone.promise, 'the end');
});

for (const [what, bytes, end] of [
  ['what is no response', 'garbage\r\n\r\n', false],
  ['half a head, and the end', 'HTTP/1.1 200 OK\r\nContent-', true],
  ['chunks that are none', `${plain}Transfer-Encoding: chunked\r\n\r\nxyz\r\n`, false],
] as const) {
  test(`${what} ends the connection`, unless(features.httpsys, 'node:http sends any bytes, and waits'), async (t) => {
    const got = await receive(t, (req) => {
      req.on('error', () => undefined);
      if (end) req.socket.end(bytes);
      else req.socket.write(bytes);
    });
    assert.ok(!got.includes('garbage') && !got.includes('xyz'), got);
  });
}

test('what is no response: the writer is told', async (t) => {
  const outcome = deferred<string>();
  const { connect } = await serve(t, (req) => {
    req.on('error', () => undefined);
    req.socket.write('garbage\r\n\r\n', (error) => outcome.resolve((error as NodeJS.ErrnoException | null)?.code ?? 'sent'));
  });
  const client = await connect();
  client.send(GET);
  const told = await within(outcome.promise, 'the callback');
  await sameAsNode(
    t,
    'response.raw-bytes',
    () => assert.equal(told, 'sent'),
    () => assert.equal(told, 'ERR_HTTPSYS_RAW_RESPONSE'),
  );
});

test('bytes between those of a response that has begun end the connection', unless(features.httpsys, 'node:http mixes them'), async (t) => {
  const got = await receive(t, (req, res) => {
    req.on('error', () => undefined);
    res.setHeader('Content-Length', 10);
    res.write('begun');
    req.socket.write('other');
  });
  assert.ok(!got.includes('other'), got);
});
