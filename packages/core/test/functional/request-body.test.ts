import { test } from 'node:test';
import * as assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Writable } from 'node:stream';
import { serve, type TestRequest } from '../support/engine';
import { sameAsNode } from '../support/differences';
import { deferred, eventually, pace, within } from '../support/poll';

async function readAll(req: TestRequest): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of req) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

const post = (body: string, ...fields: string[]): string =>
  ['POST / HTTP/1.1', 'Host: x', `Content-Length: ${body.length}`, ...fields, '', body].join('\r\n');
const chunked = (pieces: string[]): string => `${pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`).join('')}0\r\n\r\n`;
const chunkedPost = (pieces: string[]): string => `POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${chunked(pieces)}`;

const echo = (req: TestRequest, res: { end(data: unknown): unknown }): void => {
  void readAll(req).then((body) => res.end(body));
};

test('a Content-Length body arrives whole', async (t) => {
  const { connect } = await serve(t, echo);
  assert.equal((await (await connect()).exchange(post('hello world'))).text, 'hello world');
});

test('Content-Length: 0 ends at once', async (t) => {
  const { connect } = await serve(t, (req, res) => {
    req.resume();
    req.on('end', () => res.end(`complete ${req.complete}`));
  });
  assert.equal((await (await connect()).exchange(post(''))).text, 'complete true');
});

test('a chunked body arrives without its framing; the field stays visible', async (t) => {
  const { connect } = await serve(t, (req, res) => {
    void readAll(req).then((body) => res.end(`${req.headers['transfer-encoding']} ${req.headers['content-length']} ${body.toString()}`));
  });
  assert.equal((await (await connect()).exchange(chunkedPost(['hello', ' ', 'world']))).text, 'chunked undefined hello world');
});

test('chunk extensions and upper-case sizes are understood', async (t) => {
  const { connect } = await serve(t, echo);
  const body = 'x'.repeat(0x1af);
  const bytes = `POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1AF;name=value\r\n${body}\r\n0;last\r\n\r\n`;
  assert.equal((await (await connect()).exchange(bytes)).text, body);
});

test('a chunked body that comes byte by byte', async (t) => {
  const { connect } = await serve(t, echo);
  const client = await connect();
  await client.drip(chunkedPost(['a', 'bc', 'def'.repeat(6)]));
  assert.equal((await client.response()).text, `abc${'def'.repeat(6)}`);
});

test('a body that comes byte by byte', async (t) => {
  const { connect } = await serve(t, echo);
  const client = await connect();
  await client.drip(post('slowly but surely'));
  assert.equal((await client.response()).text, 'slowly but surely');
});

for (const framing of ['Content-Length', 'chunked']) {
  test(`8 MiB with ${framing} arrive unharmed`, async (t) => {
    const { connect } = await serve(t, (req, res) => {
      const hash = createHash('sha256');
      req.on('data', (piece: Buffer) => hash.update(piece));
      req.on('end', () => res.end(hash.digest('hex')));
    });
    const piece = Buffer.alloc(65_536);
    for (let n = 0; n < piece.length; n++) piece[n] = (n * 31 + 7) & 0xff;
    const hash = createHash('sha256');
    const client = await connect();
    client.send(
      `POST / HTTP/1.1\r\nHost: x\r\n${framing === 'chunked' ? 'Transfer-Encoding: chunked' : `Content-Length: ${128 * 65_536}`}\r\n\r\n`,
    );
    for (let n = 0; n < 128; n++) {
      hash.update(piece);
      if (framing === 'chunked') client.send('10000\r\n');
      client.send(piece);
      if (framing === 'chunked') client.send('\r\n');
    }
    if (framing === 'chunked') client.send('0\r\n\r\n');
    assert.equal((await client.response()).text, hash.digest('hex'));
  });
}

test('pieces reach the application as they come, before the body ends', async (t) => {
  const pieces: string[] = [];
  const { connect } = await serve(t, (req, res) => {
    req.on('data', (piece: Buffer) => pieces.push(piece.toString()));
    req.on('end', () => res.end(pieces.join('|')));
  });
  const client = await connect();
  client.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n');
  for (const piece of ['one', 'two', 'six']) {
    client.send(piece);
    await eventually(piece, () => pieces.join('').endsWith(piece));
  }
  assert.equal((await client.response()).text, 'one|two|six');
});

test('a paused body stalls the client, and everything arrives after resume', async (t) => {
  const total = 48 * 1024 * 1024;
  const paused = deferred<TestRequest>();
  let received = 0;
  const { connect } = await serve(t, (req, res) => {
    req.on('data', (piece: Buffer) => (received += piece.length));
    req.on('end', () => res.end(String(received)));
    req.pause();
    paused.resolve(req);
  });
  const client = await connect();
  client.send(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${total}\r\n\r\n`);
  client.send(Buffer.alloc(total));
  const req = await within(paused.promise, 'the request');
  // Kernel buffers take some; then the client's queue no longer shrinks.
  let before = -1;
  await eventually('the client to stall', async () => {
    const now = client.socket.writableLength + client.socket.bytesWritten * 0;
    if (now === before) return true;
    before = now;
    await pace(100);
    return false;
  });
  assert.equal(received, 0);
  const unread = (req as unknown as { readableLength: number }).readableLength;
  assert.ok(unread <= 1024 * 1024, `${unread} bytes wait in the request`);
  assert.ok(client.socket.writableLength > 0, 'the client wrote everything although nobody reads');
  req.resume();
  assert.equal((await client.response()).text, String(total));
});

test('setEncoding joins characters that two pieces share', async (t) => {
  const pieces: string[] = [];
  const { connect } = await serve(t, (req, res) => {
    req.setEncoding('utf8');
    req.on('data', (piece: string) => pieces.push(piece));
    req.on('end', () => res.end(pieces.join('')));
  });
  const client = await connect();
  const bytes = Buffer.from('añ€😀');
  client.send(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${bytes.length}\r\n\r\n`);
  for (const byte of bytes) {
    client.send(Uint8Array.of(byte));
    await pace(2);
  }
  assert.equal((await client.response()).text, 'añ€😀');
  assert.ok(!pieces.join('').includes('\ufffd'));
});

test("'readable' and read() deliver the body", async (t) => {
  const { connect } = await serve(t, (req, res) => {
    let body = '';
    req.on('readable', () => {
      for (let piece = req.read() as Buffer | null; piece !== null; piece = req.read() as Buffer | null) body += piece.toString();
    });
    req.on('end', () => res.end(body));
  });
  assert.equal((await (await connect()).exchange(chunkedPost(['read', 'able']))).text, 'readable');
});

test('pipe into a slow writable keeps order and ends', async (t) => {
  const { connect } = await serve(t, (req, res) => {
    const pieces: Buffer[] = [];
    const slow = new Writable({
      highWaterMark: 1024,
      write(piece: Buffer, _encoding, done) {
        pieces.push(piece);
        setImmediate(done);
      },
    });
    req.pipe(slow);
    slow.on('finish', () => res.end(createHash('sha1').update(Buffer.concat(pieces)).digest('hex')));
  });
  const body = 'abcdefghij'.repeat(50_000);
  const response = await (await connect()).exchange(post(body));
  assert.equal(response.text, createHash('sha1').update(body).digest('hex'));
});

test('unpipe() without argument, then resume(), still reaches the end', async (t) => {
  const { connect } = await serve(t, (req, res) => {
    const sink = new Writable({ write: (_piece, _encoding, done) => done() });
    req.pipe(sink);
    req.unpipe();
    req.resume();
    req.on('end', () => res.end('drained'));
  });
  assert.equal((await (await connect()).exchange(post('x'.repeat(200_000)))).text, 'drained');
});

test("an unread body reaches 'end' after resume()", async (t) => {
  const { connect } = await serve(t, (req, res) => {
    req.on('end', () => res.end('end'));
    setTimeout(() => req.resume(), 10);
  });
  assert.equal((await (await connect()).exchange(post('y'.repeat(500_000)))).text, 'end');
});

test('a GET may have a body', async (t) => {
  const { connect } = await serve(t, echo);
  const response = await (await connect()).exchange('GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc');
  assert.equal(response.text, 'abc');
});

test('a GET without a body ends at once', async (t) => {
  const { connect } = await serve(t, (req, res) => {
    const events: string[] = [];
    req.on('data', () => events.push('data'));
    req.on('end', () => {
      events.push('end');
      res.end(`${events.join()} ${req.complete} ${req.readableEnded}`);
    });
  });
  assert.equal((await (await connect()).exchange('GET / HTTP/1.1\r\nHost: x\r\n\r\n')).text, 'end true true');
});

test('PARSE-9: POST without Content-Length and without chunked', async (t) => {
  let seen = 0;
  const { connect } = await serve(t, (req, res) => {
    seen++;
    req.resume();
    req.on('end', () => res.end('empty'));
  });
  const response = await (await connect()).exchange('POST / HTTP/1.1\r\nHost: x\r\n\r\n');
  await sameAsNode(
    t,
    'body.post-without-length',
    () => assert.deepEqual([response.status, seen], [200, 1]),
    () => assert.deepEqual([response.status, seen], [411, 0]),
  );
});

test('a response may be sent while the body is still coming', async (t) => {
  const ended = deferred<string>();
  const { connect } = await serve(t, (req, res) => {
    res.end('early');
    let body = '';
    req.on('data', (piece: Buffer) => (body += piece.toString()));
    req.on('end', () => ended.resolve(body));
  });
  const client = await connect();
  client.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\nhalf');
  assert.equal((await client.response()).text, 'early');
  client.send('half');
  assert.equal(await within(ended.promise, 'the end of the body'), 'halfhalf');
});

test('a request and a response stream at the same time', async (t) => {
  const { connect } = await serve(t, (req, res) => {
    req.pipe(res);
  });
  const client = await connect();
  client.send('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nping\r\n');
  await eventually('the first piece back', () => client.buffered.includes('ping'));
  client.send('4\r\npong\r\n0\r\n\r\n');
  assert.equal((await client.response()).text, 'pingpong');
});

test('complete is false until the whole body has come', async (t) => {
  const first = deferred<boolean>();
  const { connect } = await serve(t, (req, res) => {
    first.resolve(req.complete);
    req.resume();
    req.on('end', () => res.end(String(req.complete)));
  });
  const client = await connect();
  client.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab');
  assert.equal(await within(first.promise, 'the request'), false);
  client.send('cd');
  assert.equal((await client.response()).text, 'true');
});

test('leaving a for await loop early leaves the response usable', async (t) => {
  const { connect } = await serve(t, (req, res) => {
    void (async () => {
      for await (const piece of req) {
        assert.ok(piece);
        break;
      }
      res.end(`destroyed ${req.destroyed}`);
    })();
  });
  const client = await connect();
  client.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nstart');
  assert.equal((await client.response()).text, 'destroyed true');
});

test('a raw-body style reader gets every byte of a body with a declared length', async (t) => {
  const { connect } = await serve(t, (req, res) => {
    const declared = Number(req.headers['content-length']);
    let received = 0;
    req.on('data', (piece: Buffer) => (received += piece.length));
    req.on('end', () => res.end(String(declared === received)));
  });
  assert.equal((await (await connect()).exchange(post('z'.repeat(123_457)))).text, 'true');
});
