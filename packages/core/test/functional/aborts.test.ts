import { test } from 'node:test';
import * as assert from 'node:assert/strict';
import { finished, pipeline, PassThrough, Readable } from 'node:stream';
import { serve, type TestRequest, type TestResponse } from '../support/engine';
import { sameAsNode } from '../support/differences';
import { deferred, eventually, within } from '../support/poll';

const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
const HALF = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf';

/** Notes what happens to a request and its response. */
function watch(req: TestRequest, res: TestResponse): string[] {
  const log: string[] = [];
  for (const name of ['aborted', 'close', 'end']) req.on(name, () => log.push(`req ${name}`));
  req.on('error', (error: NodeJS.ErrnoException) => log.push(`req error ${error.code}`));
  for (const name of ['finish', 'close', 'error']) res.on(name, () => log.push(`res ${name}`));
  return log;
}

for (const how of ['reset', 'destroy', 'end'] as const) {
  test(`a client that leaves in the middle of its body (${how}): aborted, ECONNRESET, close`, async (t) => {
    const started = deferred<{ req: TestRequest; res: TestResponse; log: string[] }>();
    const { connect, get } = await serve(t, (req, res) => {
      if (req.method === 'GET') return void res.end('next');
      started.resolve({ req, res, log: watch(req, res) });
      req.resume();
    });
    const client = await connect();
    client.send(HALF);
    const { req, res, log } = await within(started.promise, 'the request');
    client[how]();
    await eventually('the end of both', () => log.includes('req close') && log.includes('res close'));
    assert.deepEqual(
      log.filter((entry) => entry.startsWith('req')),
      ['req aborted', 'req error ECONNRESET', 'req close'],
    );
    assert.deepEqual(
      log.filter((entry) => entry.startsWith('res')),
      ['res close'],
    );
    assert.deepEqual([req.aborted, req.destroyed, req.complete, req.readableAborted, req.readableEnded], [true, true, false, true, false]);
    assert.deepEqual([res.destroyed, res.writableFinished, res.writableEnded], [true, false, false]);
    assert.equal((await get('/')).text, 'next');
  });
}

test("a client that leaves while the end of a large answer is on its way: no 'finish' behind 'close'", async (t) => {
  const logs: string[][] = [];
  let leave = (): void => undefined;
  const { connect } = await serve(t, (req, res) => {
    logs.push(watch(req, res));
    res.write(Buffer.alloc(115));
    res.end(Buffer.alloc(300_000));
    leave();
  });
  for (let round = 1; round <= 40; round++) {
    const client = await connect();
    // At once, or when a part of it has come.
    const delay = round % 4;
    leave = () => {
      let turns = delay;
      const turn = (): void => void (turns-- === 0 ? client.destroy() : setImmediate(turn));
      turn();
    };
    client.send('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
    await eventually('close', () => logs.length === round && logs[round - 1]?.includes('res close'));
  }
  // What comes late has come when another exchange is over.
  for (const log of logs) {
    const told = log.filter((entry) => entry === 'res finish' || entry === 'res close');
    assert.ok(told.join() === 'res close' || told.join() === 'res finish,res close', told.join());
  }
});

test('a client that leaves before the answer: close without finish', async (t) => {
  const started = deferred<{ req: TestRequest; res: TestResponse; log: string[] }>();
  const { connect } = await serve(t, (req, res) => {
    started.resolve({ req, res, log: watch(req, res) });
    req.resume();
  });
  const client = await connect();
  client.send(GET);
  const { req, res, log } = await within(started.promise, 'the request');
  await eventually("the request's end", () => req.readableEnded);
  client.reset();
  await eventually('close', () => log.includes('res close'));
  await eventually("the request's close", () => log.includes('req close'));
  assert.ok(!log.includes('res finish'));
  assert.equal(res.writableFinished, false);
  assert.equal(log.filter((entry) => entry === 'res close').length, 1);
  // Whatever the application still writes goes nowhere and harms nobody.
  res.write('late');
  res.end('later');
});

test("a client that resets: 'error' with ECONNRESET on its socket, whether somebody listens to 'clientError' or not", async (t) => {
  for (const listens of [false, true]) {
    const log: string[] = [];
    const { connect, server } = await serve(t, (req) => {
      req.socket.on('error', (error: NodeJS.ErrnoException) => log.push(`error ${error.code} ${error.syscall} ${error.errno! < 0}`));
      req.socket.on('end', () => log.push('end'));
      req.socket.on('close', (hadError) => log.push(`close ${hadError}`));
      log.push('request');
    });
    if (listens) server.on('clientError', (error) => log.push(`clientError ${(error as NodeJS.ErrnoException).code}`));
    const client = await connect();
    client.send(GET);
    await eventually('the request', () => log.length === 1);
    client.reset();
    await eventually('close', () => log.includes('close true'));
    const heard = listens ? ['clientError ECONNRESET'] : [];
    assert.deepEqual(log, ['request', ...heard, 'error ECONNRESET read true', 'close true']);
  }
});

test("a body in chunks whose client has left is not finished, though it is ended: no 'finish'", async (t) => {
  const log: string[] = [];
  const { connect } = await serve(t, (_req, res) => {
    res.write('begun');
    res.on('finish', () => log.push('finish'));
    res.on('close', () => {
      res.end('never');
      log.push('close');
      setImmediate(() => setImmediate(() => log.push('later')));
    });
  });
  const client = await connect();
  client.send(GET);
  await client.bytes(10);
  client.reset();
  await eventually('the end', () => log.includes('later'));
  assert.deepEqual(log, ['close', 'later']);
});

test('a client that leaves in the middle of a streamed answer: writing goes on harmlessly until close', async (t) => {
  const done = deferred<string[]>();
  const { connect, get } = await serve(t, (req, res) => {
    if (req.url === '/next') return void res.end('next');
    const log = watch(req, res);
    const piece = Buffer.alloc(32 * 1024);
    const timer = setInterval(() => res.write(piece), 2);
    res.on('close', () => {
      clearInterval(timer);
      done.resolve(log);
    });
  });
  const client = await connect();
  client.send(GET);
  await client.bytes(100_000);
  client.reset();
  const log = await within(done.promise, 'close');
  assert.ok(!log.includes('res finish'));
  assert.equal((await get('/next')).text, 'next');
});

test('a client that ends its side after the request has left, as far as node:http is concerned', async (t) => {
  const { connect } = await serve(t, (req, res) => {
    req.resume();
    req.on('end', () => setTimeout(() => res.end('answered'), 30));
  });
  const client = await connect();
  client.send(GET);
  client.end();
  const answer = (await client.closed()).toString('latin1');
  await sameAsNode(
    t,
    'aborts.half-close',
    () => assert.equal(answer, ''),
    () => assert.ok(answer.endsWith('answered')),
  );
});

test("destroying the request's socket closes the connection", async (t) => {
  const log = deferred<string[]>();
  const { connect } = await serve(t, (req, res) => {
    const events = watch(req, res);
    res.on('close', () => setImmediate(() => log.resolve(events)));
    req.socket.destroy();
  });
  const client = await connect();
  client.send(GET);
  assert.equal((await client.closed()).length, 0);
  assert.ok(!(await within(log.promise, 'close')).includes('res finish'));
});

test('req.destroy() closes the connection', async (t) => {
  const { connect } = await serve(t, (req) => void req.destroy());
  const client = await connect();
  client.send(HALF);
  assert.equal((await client.closed()).length, 0);
});

test('req.destroy(error) hands over the error', async (t) => {
  const seen = deferred<Error>();
  const { connect } = await serve(t, (req) => {
    req.on('error', (error) => seen.resolve(error));
    req.destroy(new Error('enough'));
  });
  const client = await connect();
  client.send(HALF);
  await client.closed();
  assert.equal((await within(seen.promise, 'the error')).message, 'enough');
});

test('res.destroy() before the head closes the connection', async (t) => {
  const closes: string[] = [];
  const { connect } = await serve(t, (req, res) => {
    closes.push(...watch(req, res));
    res.on('close', () => closes.push('close'));
    res.destroy();
  });
  const client = await connect();
  client.send(GET);
  assert.equal((await client.closed()).length, 0);
  await eventually('close', () => closes.length === 1);
});

test('res.destroy(error) closes and keeps the error', async (t) => {
  const seen = deferred<unknown[]>();
  const { connect } = await serve(t, (_req, res) => {
    res.on('error', () => undefined);
    res.on('close', () => seen.resolve([res.errored?.message, res.destroyed]));
    res.destroy(new Error('broken'));
  });
  const client = await connect();
  client.send(GET);
  await client.closed();
  assert.deepEqual(await within(seen.promise, "'close'"), ['broken', true]);
});

test('stream.finished(res) settles: null after an answer, ERR_STREAM_PREMATURE_CLOSE after a disconnect', async (t) => {
  const results: unknown[] = [];
  let hold = false;
  const { connect } = await serve(t, (req, res) => {
    finished(res, (error) => results.push(error?.code ?? null));
    if (req.url === '/hold') hold = true;
    else res.end('ok');
  });
  const client = await connect();
  await client.exchange(GET);
  await eventually('the first', () => results.length === 1);
  client.send(GET.replace('/', '/hold'));
  await eventually('the second request', () => hold);
  client.reset();
  await eventually('the second', () => results.length === 2);
  assert.deepEqual(results, [null, 'ERR_STREAM_PREMATURE_CLOSE']);
});

test('stream.finished(req) settles after an abort', async (t) => {
  const result = deferred<unknown>();
  let started = false;
  const { connect } = await serve(t, (req) => {
    started = true;
    finished(req, (error) => result.resolve(error?.code));
    req.resume();
  });
  const client = await connect();
  client.send(HALF);
  await eventually('the request', () => started);
  client.reset();
  assert.match(String(await within(result.promise, 'finished')), /^(ECONNRESET|ERR_STREAM_PREMATURE_CLOSE)$/);
});

test('stream.pipeline(source, res) destroys its source when the client leaves', async (t) => {
  const result = deferred<unknown>();
  const source = new Readable({
    read() {
      setTimeout(() => this.push(Buffer.alloc(16 * 1024)), 2);
    },
  });
  const { connect } = await serve(t, (_req, res) => {
    pipeline(source, res, (error) => result.resolve(error?.code));
  });
  const client = await connect();
  client.send(GET);
  await client.bytes(50_000);
  client.reset();
  assert.equal(await within(result.promise, 'the pipeline'), 'ERR_STREAM_PREMATURE_CLOSE');
  assert.equal(source.destroyed, true);
});

test('stream.pipeline(req, through, res) settles without an error', async (t) => {
  const result = deferred<unknown>();
  const { connect } = await serve(t, (req, res) => {
    pipeline(req, new PassThrough(), res, (error) => result.resolve(error ?? null));
  });
  const body = 'p'.repeat(100_000);
  const response = await (await connect()).exchange(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  assert.equal(response.text, body);
  assert.equal(await within(result.promise, 'the pipeline'), null);
});

test('a raw-body style reader hears of a vanished client', async (t) => {
  const heard = deferred<string>();
  let started = false;
  const { connect } = await serve(t, (req) => {
    started = true;
    req.on('data', () => undefined);
    req.on('aborted', () => heard.resolve('aborted'));
    req.on('error', () => heard.resolve('error'));
  });
  const client = await connect();
  client.send(HALF);
  await eventually('the request', () => started);
  client.destroy();
  assert.match(await within(heard.promise, 'the news'), /^(aborted|error)$/);
});

test('an abort without any listener does not crash the process', async (t) => {
  let started = 0;
  const { connect, get } = await serve(t, (req, res) => {
    started++;
    if (req.method === 'GET') res.end('alive');
  });
  const client = await connect();
  client.send(HALF);
  await eventually('the request', () => started === 1);
  client.reset();
  assert.equal((await get('/')).text, 'alive');
});
