import { test } from 'node:test';
import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { serve, type TestListener } from '../support/engine';
import { sameAsNode } from '../support/differences';
import { deferred, eventually, within } from '../support/poll';

const get = (method = 'GET', version = '1.1'): string => `${method} / HTTP/${version}\r\nHost: x\r\n\r\n`;

const forms: [name: string, listener: TestListener, body: string, length: string | undefined][] = [
  ['end(string)', (_req, res) => res.end('héllo'), 'héllo', '6'],
  ['end(Buffer)', (_req, res) => res.end(Buffer.from('buffer')), 'buffer', '6'],
  ['end(Uint8Array)', (_req, res) => res.end(Uint8Array.from([104, 105])), 'hi', '2'],
  ['end(string, encoding)', (_req, res) => res.end('6869', 'hex'), 'hi', '2'],
  ['end() without a body', (_req, res) => res.end(), '', '0'],
  ["end('')", (_req, res) => res.end(''), '', '0'],
  ['end(null, null, null), as Fastify calls it', (_req, res) => res.end(null, null as never, null as never), '', '0'],
  ['end(data, null, null)', (_req, res) => res.end('data', null as never, null as never), 'data', '4'],
  ['write, then end', (_req, res) => void (res.write('one'), res.end('two')), 'onetwo', undefined],
  ['write with an encoding', (_req, res) => void (res.write('aGk=', 'base64'), res.end()), 'hi', undefined],
  [
    "write('') counts for nothing",
    (_req, res) => void (res.write(''), res.write('x'), res.write(Buffer.alloc(0)), res.end('')),
    'x',
    undefined,
  ],
  [
    'a Content-Length of the application',
    (_req, res) => void (res.setHeader('Content-Length', 5), res.write('he'), res.end('llo')),
    'hello',
    '5',
  ],
  [
    'Transfer-Encoding: chunked of the application',
    (_req, res) => void (res.setHeader('Transfer-Encoding', 'chunked'), res.end('hello')),
    'hello',
    undefined,
  ],
  ['cork and uncork', (_req, res) => void (res.cork(), res.write('a'), res.write('b'), res.uncork(), res.end('c')), 'abc', undefined],
  ['flushHeaders, then end', (_req, res) => void (res.flushHeaders(), res.end('later')), 'later', undefined],
];

for (const [name, listener, body, length] of forms) {
  test(`the body of ${name}`, async (t) => {
    const { connect } = await serve(t, listener);
    const client = await connect();
    const response = await client.exchange(get());
    assert.equal(response.text, body);
    assert.equal(response.headers['content-length'], length);
    assert.equal(response.headers['transfer-encoding'], length === undefined ? 'chunked' : undefined);
    assert.equal((await client.exchange(get())).text, body, 'the connection goes on');
  });
}

test('callbacks of write and end are called, in order', async (t) => {
  const calls: string[] = [];
  const { connect } = await serve(t, (_req, res) => {
    res.on('finish', () => calls.push('finish'));
    res.write('a', () => calls.push('write'));
    res.end('b', () => calls.push('end'));
  });
  assert.equal((await (await connect()).exchange(get())).text, 'ab');
  await eventually('three calls', () => calls.length === 3);
  assert.equal(calls[0], 'write');
});

test('writing after end is ERR_STREAM_WRITE_AFTER_END', async (t) => {
  const code = deferred<unknown>();
  const { connect } = await serve(t, (_req, res) => {
    res.on('error', () => undefined);
    res.end('done');
    res.write('late', (error) => code.resolve((error as NodeJS.ErrnoException).code));
  });
  const client = await connect();
  assert.equal((await client.exchange(get())).text, 'done');
  assert.equal(await within(code.promise, 'the error'), 'ERR_STREAM_WRITE_AFTER_END');
});

test('end twice: the callback of the second hears ERR_STREAM_ALREADY_FINISHED or ERR_STREAM_WRITE_AFTER_END', async (t) => {
  const code = deferred<unknown>();
  const { connect } = await serve(t, (_req, res) => {
    res.on('error', () => undefined);
    res.end('done');
    res.on('finish', () => res.end(() => undefined));
    res.end('again', (error?: NodeJS.ErrnoException) => code.resolve(error?.code));
  });
  assert.equal((await (await connect()).exchange(get())).text, 'done');
  assert.match(String(await within(code.promise, 'the error')), /^ERR_STREAM_(WRITE_AFTER_END|ALREADY_FINISHED)$/);
});

test('chunks of a wrong type throw', async (t) => {
  const codes: unknown[] = [];
  const { connect } = await serve(t, (_req, res) => {
    for (const chunk of [1, {}, true, null, undefined]) {
      try {
        res.write(chunk as never);
      } catch (error) {
        codes.push((error as NodeJS.ErrnoException).code);
      }
    }
    res.end();
  });
  await (await connect()).exchange(get());
  assert.deepEqual(codes, [
    'ERR_INVALID_ARG_TYPE',
    'ERR_INVALID_ARG_TYPE',
    'ERR_INVALID_ARG_TYPE',
    'ERR_STREAM_NULL_VALUES',
    'ERR_INVALID_ARG_TYPE',
  ]);
});

test('20 MiB to a slow reader: write() says false, drain comes, memory stays bounded', async (t) => {
  const piece = Buffer.alloc(64 * 1024);
  for (let n = 0; n < piece.length; n++) piece[n] = (n * 17) & 0xff;
  let drains = 0;
  let highest = 0;
  let sent = 0;
  const { connect } = await serve(t, (_req, res) => {
    const more = (): void => {
      while (sent < 320) {
        sent++;
        const room = res.write(piece);
        highest = Math.max(highest, res.writableLength);
        if (!room) return;
      }
      res.end();
    };
    res.on('drain', () => {
      drains++;
      more();
    });
    more();
  });
  const client = await connect();
  client.socket.pause();
  client.send(get());
  let before = -1;
  await eventually('the server to stall', () => {
    const stalled = sent > 0 && sent < 320 && sent === before;
    before = sent;
    return stalled ? true : new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 60));
  });
  client.socket.resume();
  const response = await client.response({ ms: 30_000 });
  assert.equal(response.body.length, 320 * piece.length);
  const expected = createHash('sha1');
  for (let n = 0; n < 320; n++) expected.update(piece);
  assert.equal(createHash('sha1').update(response.body).digest('hex'), expected.digest('hex'));
  assert.ok(drains > 0);
  assert.ok(highest <= 4 * 1024 * 1024, `${highest} bytes waited in the response`);
});

test('a large body by one end() reaches a reader that pauses', async (t) => {
  const body = Buffer.alloc(10 * 1024 * 1024, 'large body ');
  const { connect } = await serve(t, (_req, res) => res.end(body));
  const client = await connect();
  client.send(get());
  client.socket.pause();
  await new Promise((resolve) => setTimeout(resolve, 50));
  client.socket.resume();
  const response = await client.response({ ms: 30_000 });
  assert.ok(response.body.equals(body));
  assert.equal(response.headers['content-length'], String(body.length));
});

test('a file piped into the response', async (t) => {
  const { connect } = await serve(t, (_req, res) => void fs.createReadStream(__filename).pipe(res));
  const response = await (await connect()).exchange(get());
  assert.equal(response.text, fs.readFileSync(__filename, 'utf8'));
});

test('an object-mode free Readable of many small pieces', async (t) => {
  const { connect } = await serve(
    t,
    (_req, res) =>
      void Readable.from(
        Array.from({ length: 3000 }, (_u, n) => `${n};`),
        { objectMode: false },
      ).pipe(res),
  );
  const response = await (await connect()).exchange(get());
  assert.equal(response.text, Array.from({ length: 3000 }, (_u, n) => `${n};`).join(''));
});

test('pieces reach the client as they are written', async (t) => {
  const steps: (() => void)[] = [];
  const { connect } = await serve(t, (_req, res) => {
    res.write('first');
    steps.push(
      () => res.write('second'),
      () => res.end('third'),
    );
  });
  const client = await connect();
  client.send(get());
  for (const piece of ['first', 'second', 'third']) {
    await eventually(piece, () => client.buffered.includes(piece));
    steps.shift()?.();
  }
  assert.equal((await client.response()).text, 'firstsecondthird');
});

test('flushHeaders sends the head before any body', async (t) => {
  let finish: (() => void) | undefined;
  const { connect } = await serve(t, (_req, res) => {
    res.setHeader('X-Early', '1');
    res.flushHeaders();
    assert.equal(res.headersSent, true);
    finish = () => res.end('body');
  });
  const client = await connect();
  client.send(get());
  await eventually('the head', () => client.buffered.includes('\r\n\r\n'));
  assert.ok(client.buffered.includes('X-Early: 1'));
  finish?.();
  assert.equal((await client.response()).text, 'body');
});

test('HEAD: fields as for GET, no body, the connection goes on', async (t) => {
  const { connect } = await serve(t, (req, res) => {
    if (req.url === '/length') res.setHeader('Content-Length', '12345');
    res.write('never sent');
    res.end('nor this');
  });
  const client = await connect();
  const known = await client.exchange('HEAD /length HTTP/1.1\r\nHost: x\r\n\r\n', { head: true });
  assert.equal(known.headers['content-length'], '12345');
  const unknown = await client.exchange('HEAD / HTTP/1.1\r\nHost: x\r\n\r\n', { head: true });
  assert.equal(unknown.status, 200);
  assert.equal(unknown.headers['content-length'], undefined);
  assert.equal(client.buffered.length, 0);
});

test('HEAD answered by end(body) has no body', async (t) => {
  const { connect } = await serve(t, (_req, res) => res.end('hello'));
  const client = await connect();
  const response = await client.exchange(get('HEAD'), { head: true });
  assert.equal(response.status, 200);
  assert.equal((await client.exchange(get('HEAD'), { head: true })).status, 200);
  assert.equal(client.buffered.length, 0);
});

for (const status of [204, 304]) {
  test(`${status} has neither body nor framing fields`, async (t) => {
    const { connect } = await serve(t, (_req, res) => {
      res.statusCode = status;
      res.end('dropped');
    });
    const client = await connect();
    const response = await client.exchange(get());
    assert.equal(response.status, status);
    assert.equal(response.headers['transfer-encoding'], undefined);
    assert.equal(response.headers['content-length'], undefined);
    assert.equal((await client.exchange(get())).status, status);
    assert.equal(client.buffered.length, 0);
  });
}

test('more body than Content-Length says', async (t) => {
  const { connect } = await serve(t, (req, res) => {
    if (req.url === '/more') res.setHeader('Content-Length', '3');
    res.write('abc');
    res.end('def');
  });
  const client = await connect();
  client.send('GET /more HTTP/1.1\r\nHost: x\r\n\r\n');
  const response = await client.response();
  assert.equal(response.text, 'abc');
  client.send(get());
  const rest = await client.closed(1500).catch(() => client.buffered);
  await sameAsNode(
    t,
    'response.content-length-exceeded',
    () => assert.equal(rest.toString('latin1', 0, 3), 'def'),
    () => assert.deepEqual([rest.length, client.ended], [0, true]),
  );
});

test('less body than Content-Length says', async (t) => {
  const { connect } = await serve(t, (_req, res) => {
    res.setHeader('Content-Length', '10');
    res.end('abc');
  });
  const client = await connect();
  client.send(get());
  const rest = await client.closed(1500).catch(() => client.buffered);
  assert.ok(rest.toString('latin1').endsWith('\r\n\r\nabc'));
  await sameAsNode(
    t,
    'response.content-length-unmet',
    () => assert.equal(client.ended, false),
    () => assert.equal(client.ended, true),
  );
});

test('strictContentLength throws ERR_HTTP_CONTENT_LENGTH_MISMATCH', async (t) => {
  const code = deferred<unknown>();
  const { connect } = await serve(t, (_req, res) => {
    res.strictContentLength = true;
    res.setHeader('Content-Length', '3');
    try {
      res.end('four');
      code.resolve('none');
    } catch (error) {
      code.resolve((error as NodeJS.ErrnoException).code);
      res.destroy();
    }
  });
  (await connect()).send(get());
  assert.equal(await within(code.promise, 'the error'), 'ERR_HTTP_CONTENT_LENGTH_MISMATCH');
});

test('the state of a response, step by step', async (t) => {
  const states: unknown[] = [];
  const closed = deferred();
  const { connect } = await serve(t, (_req, res) => {
    const state = (): unknown[] => [res.headersSent, res.finished, res.writableEnded, res.writableFinished, res.writable, res.destroyed];
    states.push(state());
    res.write('x');
    states.push(state());
    res.on('finish', () => states.push(state()));
    res.on('close', () => {
      states.push([res.writableFinished, res.closed, res.errored]);
      closed.resolve();
    });
    res.end();
    states.push(state().slice(0, 3));
  });
  await (await connect()).exchange(get());
  await within(closed.promise, "'close'");
  assert.deepEqual(states, [
    [false, false, false, false, true, false],
    [true, false, false, false, true, false],
    [true, true, true],
    [true, true, true, true, true, false],
    [true, true, null],
  ]);
});

test('writableHighWaterMark, writableLength and writableNeedDrain tell the truth', async (t) => {
  const seen = deferred<unknown[]>();
  const { connect } = await serve(t, (_req, res) => {
    const before = [res.writableHighWaterMark > 0, res.writableLength, res.writableNeedDrain];
    let room = true;
    let writes = 0;
    while (room && writes < 10_000) {
      room = res.write(Buffer.alloc(64 * 1024));
      writes++;
    }
    seen.resolve([...before, room, res.writableNeedDrain]);
    res.end();
  });
  const client = await connect();
  client.socket.pause();
  client.send(get());
  assert.deepEqual(await within(seen.promise, 'a full response'), [true, 0, false, false, true]);
});

test('a response destroyed while it streams ends the connection without a last chunk', async (t) => {
  const { connect } = await serve(t, (_req, res) => {
    res.write('part');
    setTimeout(() => res.destroy(), 10);
  });
  const client = await connect();
  client.send(get());
  const rest = (await client.closed()).toString('latin1');
  assert.ok(rest.includes('part'));
  assert.ok(!rest.endsWith('0\r\n\r\n'));
});

test('a body of characters of several bytes, larger than every window', async (t) => {
  const text = 'añ€😀'.repeat(200_000);
  const { connect } = await serve(t, (_req, res) => res.end(text));
  const response = await (await connect()).exchange(get());
  assert.equal(response.text, text);
  assert.equal(response.headers['content-length'], String(Buffer.byteLength(text)));
});

test('large responses one behind the other on a connection, each whole', async (t) => {
  const sizes = [300_000, 1_048_576, 1_048_577, 5_000_000, 40_000, 1_300_000, 262_145];
  const ask = (n: number): string => `GET /${n} HTTP/1.1\r\nHost: x\r\n\r\n`;
  const bodyOf = (n: number): Buffer => Buffer.alloc(sizes[n]!, `${n}: what is in response ${n} and in no other; `);
  const { connect } = await serve(t, (req, res) => {
    const n = Number(req.url!.slice(1));
    if (n % 2 === 0) {
      res.end(bodyOf(n));
      return;
    }
    // Two frames by reference, chunked.
    res.write(bodyOf(n).subarray(0, 200_000));
    res.end(bodyOf(n).subarray(200_000));
  });
  const client = await connect();
  for (let n = 0; n < sizes.length; n++) {
    const response = await client.exchange(ask(n));
    assert.ok(response.body.equals(bodyOf(n)), `response ${n}`);
  }
  client.send(sizes.map((_size, n) => ask(n)).join(''));
  for (let n = 0; n < sizes.length; n++) assert.ok((await client.response()).body.equals(bodyOf(n)), `pipelined response ${n}`);
});

test('a buffer may be used again once its write has called back', async (t) => {
  const { connect } = await serve(t, (_req, res) => {
    const buffer = Buffer.alloc(300_000);
    let round = 0;
    const more = (): void => {
      if (round === 8) {
        res.end();
        return;
      }
      buffer.fill(97 + round++);
      res.write(buffer, more);
    };
    more();
  });
  const response = await (await connect()).exchange(get());
  assert.equal(response.body.length, 8 * 300_000);
  for (let n = 0; n < 8; n++)
    assert.ok(response.body.subarray(n * 300_000, (n + 1) * 300_000).equals(Buffer.alloc(300_000, 97 + n)), `piece ${n}`);
});

test('a buffer given to end may be used again at finish, however slowly the client reads', async (t) => {
  const bytes = 3 * 1024 * 1024;
  const { connect } = await serve(t, (_req, res) => {
    const buffer = Buffer.alloc(bytes, 'a');
    res.once('finish', () => buffer.fill('b'));
    res.end(buffer);
  });
  const client = await connect();
  client.socket.pause();
  client.send(get());
  // Other requests meanwhile: the answers of one program share channels.
  for (let n = 0; n < 5; n++) assert.equal((await (await connect()).exchange(get())).body.length, bytes);
  client.socket.resume();
  const { body } = await client.response({ ms: 20_000 });
  assert.ok(body.equals(Buffer.alloc(bytes, 'a')));
});

test('large pieces, small ones and an end with data keep their order', async (t) => {
  const pieces = Array.from({ length: 24 }, (_, n) => Buffer.alloc([10, 70_000, 33_000, 300_000][n % 4]!, 97 + n));
  const { connect } = await serve(t, (_req, res) => {
    for (const piece of pieces.slice(0, -1)) res.write(piece);
    res.end(pieces.at(-1));
  });
  const client = await connect();
  for (let n = 0; n < 2; n++) assert.ok((await client.exchange(get())).body.equals(Buffer.concat(pieces)));
});

test('shared memory as a body', async (t) => {
  const shared = new Uint8Array(new SharedArrayBuffer(200_000)).fill(120);
  const { connect } = await serve(t, (_req, res) => res.end(shared));
  assert.ok((await (await connect()).exchange(get())).body.equals(Buffer.alloc(200_000, 'x')));
});

test('50,000 small writes', async (t) => {
  const { connect } = await serve(t, (_req, res) => {
    for (let n = 0; n < 50_000; n++) res.write('ab');
    res.end();
  });
  const client = await connect();
  client.send(get());
  assert.equal((await client.response({ ms: 20_000 })).body.length, 100_000);
});
