/** `respondWithFile`: the engine opens and sends a file (SEND-17), and may store it (CACHE-16). */
import { test, type TestContext } from 'node:test';
import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  engine,
  features,
  serve,
  unless,
  type Running,
  type TestRequest,
  type TestResponse,
  type TestServerOptions,
} from '../support/engine';
import { deferred, eventually, nextEvent, within } from '../support/poll';

const files = unless(features.httpsys, 'node:http has no respondWithFile');
const onPosix = unless(features.httpsys && process.platform !== 'win32', 'no FIFO and no /proc');
const onLinux = unless(features.httpsys && process.platform === 'linux', 'open files of other processes are seen in /proc alone');

interface Options {
  offset?: number;
  length?: number;
}
type Callback = (error: NodeJS.ErrnoException | null) => void;
type FileResponse = TestResponse & {
  respondWithFile(path: fs.PathLike, callback?: Callback): FileResponse;
  respondWithFile(path: fs.PathLike, options?: Options, callback?: Callback): FileResponse;
};
type FileListener = (req: TestRequest, res: FileResponse) => void;

const serveFiles = (t: TestContext, listener: FileListener, options?: TestServerOptions): Promise<Running> =>
  serve(t, (req, res) => listener(req, res as FileResponse), options);

/** Beyond what travels with its head, and no multiple of a piece. */
const largeBytes = 3_000_001;

function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let n = 0; n < length; n++) bytes[n] = (n * 7 + (n >> 8)) & 0xff;
  return bytes;
}

/** A file of its own for the test. */
function makeFile(t: TestContext, content: string | Buffer, name = 'a file ü.txt'): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hs-file-'));
  // Windows keeps what is open, and a stream lets go of its file when it has its turn.
  t.after(() => fs.promises.rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  const file = path.join(folder, name);
  fs.writeFileSync(file, content);
  return file;
}

/** A file without blocks on the disk. */
function makeHole(t: TestContext, bytes: number): string {
  const file = makeFile(t, '');
  fs.truncateSync(file, bytes);
  return file;
}

/** Files this process has streamed since. */
function streamed(t: TestContext): () => number {
  // The module's own object, which an import only copies.
  const mock = t.mock.method(require('node:fs') as typeof fs, 'createReadStream');
  return () => mock.mock.callCount();
}

/** Descriptors of any process that hold the file. */
function holders(file: string): number {
  let count = 0;
  for (const pid of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    let descriptors: string[];
    try {
      descriptors = fs.readdirSync(`/proc/${pid}/fd`);
    } catch {
      continue;
    }
    for (const descriptor of descriptors) {
      try {
        if (fs.readlinkSync(`/proc/${pid}/fd/${descriptor}`) === file) count++;
      } catch {
        // Closed meanwhile.
      }
    }
  }
  return count;
}

const get = (target = '/', version = '1.1', method = 'GET'): string => `${method} ${target} HTTP/${version}\r\nHost: x\r\n\r\n`;

const sizes: [name: string, bytes: number][] = [
  ['an empty file', 0],
  ['one that fits a read', 1000],
  ['one of exactly a read', 65_536],
  ['one byte more', 65_537],
  ['a large one', largeBytes],
];

for (const [name, bytes] of sizes) {
  test(`${name} is the body, and the connection goes on behind it`, files, async (t) => {
    const content = pattern(bytes);
    const file = makeFile(t, content);
    const streams = streamed(t);
    const { connect } = await serveFiles(t, (_req, res) => res.respondWithFile(file));
    const client = await connect();
    for (let round = 0; round < 2; round++) {
      const response = await client.exchange(get());
      assert.equal(response.status, 200);
      assert.equal(response.headers['content-length'], String(bytes));
      assert.equal(response.headers['transfer-encoding'], undefined);
      assert.ok(response.body.equals(content), 'the bytes are those of the file');
    }
    if (engine !== 'httpsys') assert.equal(streams(), 0, 'nothing passed through this process');
  });
}

test('a range of the file; status and Content-Range are the program’s', files, async (t) => {
  const content = pattern(largeBytes);
  const file = makeFile(t, content);
  const { connect } = await serveFiles(t, (req, res) => {
    const [offset, length] = req.url!.slice(1).split('-').map(Number);
    res.writeHead(206, { 'Content-Range': `bytes ${offset}-${offset! + length! - 1}/${largeBytes}` });
    res.respondWithFile(file, { offset, length });
  });
  const client = await connect();
  for (const [offset, length] of [
    [0, 1],
    [5, 100],
    [1000, 65_536],
    [70_001, 2_000_000],
    [largeBytes - 1, 1],
  ] as const) {
    const response = await client.exchange(get(`/${offset}-${length}`));
    assert.equal(response.status, 206);
    assert.equal(response.headers['content-range'], `bytes ${offset}-${offset + length - 1}/${largeBytes}`);
    assert.ok(response.body.equals(content.subarray(offset, offset + length)), `${length} bytes from ${offset}`);
  }
});

test('the rest of a file from an offset, and nothing from its end', files, async (t) => {
  const file = makeFile(t, 'hello');
  const { get: ask } = await serveFiles(t, (req, res) => res.respondWithFile(file, { offset: Number(req.url!.slice(1)) }));
  assert.equal((await ask('/2')).text, 'llo');
  assert.equal((await ask('/5')).headers['content-length'], '0');
});

test('HEAD has the length and no body', files, async (t) => {
  const file = makeFile(t, pattern(100_000));
  const { connect } = await serveFiles(t, (_req, res) => res.respondWithFile(file));
  const client = await connect();
  const response = await client.exchange(get('/', '1.1', 'HEAD'), { head: true });
  assert.equal(response.headers['content-length'], '100000');
  assert.equal((await client.exchange(get())).body.length, 100_000, 'the connection goes on');
});

test('HTTP/1.0 and pipelined requests', files, async (t) => {
  const content = pattern(largeBytes);
  const file = makeFile(t, content);
  const { connect } = await serveFiles(t, (req, res) => {
    if (req.url === '/text') res.end('text');
    else res.respondWithFile(file);
  });
  const old = await connect();
  assert.ok((await old.exchange(get('/', '1.0'))).body.equals(content));
  await old.closed();
  const client = await connect();
  client.send(get('/a') + get('/text') + get('/b') + get('/text'));
  for (const expected of [content, Buffer.from('text'), content, Buffer.from('text')]) {
    assert.ok((await client.response()).body.equals(expected), 'in order');
  }
});

test('a client that ends its side still gets the whole file', files, async (t) => {
  const content = pattern(largeBytes);
  const file = makeFile(t, content);
  const { connect } = await serveFiles(t, (_req, res) => res.respondWithFile(file));
  const client = await connect();
  client.send(get());
  client.end();
  assert.ok((await client.response()).body.equals(content));
});

test('fields, status and length of the program stay', files, async (t) => {
  const file = makeFile(t, pattern(200_000));
  const { connect } = await serveFiles(t, (_req, res) => {
    res.statusCode = 201;
    res.statusMessage = 'Made';
    res.setHeader('X-Set', 'yes');
    res.setHeader('Content-Length', 200_000);
    res.respondWithFile(file);
  });
  const response = await (await connect()).exchange(get());
  assert.deepEqual([response.status, response.reason, response.headers['x-set']], [201, 'Made', 'yes']);
  assert.equal(response.body.length, 200_000);
});

test('a Content-Length below the file’s cuts it, one above it ends the connection', files, async (t) => {
  const content = pattern(300_000);
  const file = makeFile(t, content);
  const { connect } = await serveFiles(t, (req, res) => {
    res.setHeader('Content-Length', req.url!.slice(1));
    res.respondWithFile(file);
  });
  const cut = await connect();
  assert.ok((await cut.exchange(get('/100000'))).body.equals(content.subarray(0, 100_000)));
  await cut.closed();
  const more = await connect();
  more.send(get('/300001'));
  assert.ok((await more.closed()).length >= 300_000, 'what there is, and then the end');
});

test('URLs and Buffers are paths, too', files, async (t) => {
  const file = makeFile(t, 'content');
  const { get: ask } = await serveFiles(t, (req, res) => res.respondWithFile(req.url === '/url' ? pathToFileURL(file) : Buffer.from(file)));
  assert.equal((await ask('/url')).text, 'content');
  assert.equal((await ask('/buffer')).text, 'content');
});

test('a path is one of this process: relative to its directory, or below /proc/self', onLinux, async (t) => {
  const file = makeFile(t, pattern(100_000));
  const fd = fs.openSync(file, 'r');
  t.after(() => fs.closeSync(fd));
  const { get: ask } = await serveFiles(t, (req, res) =>
    res.respondWithFile(req.url === '/fd' ? `/proc/self/fd/${fd}` : path.relative(process.cwd(), file)),
  );
  assert.equal((await ask('/fd')).body.length, 100_000);
  assert.equal((await ask('/relative')).body.length, 100_000);
});

const refusals: [name: string, code: string, path: (file: string) => string, options?: Options][] = [
  ['a missing file', 'ENOENT', (file) => `${file}.missing`],
  ['a folder', 'EISDIR', (file) => path.dirname(file)],
  ['an offset behind the end', 'ERR_OUT_OF_RANGE', (file) => file, { offset: 11 }],
  ['a length beyond the end', 'ERR_OUT_OF_RANGE', (file) => file, { offset: 4, length: 7 }],
];

for (const [name, code, of, options] of refusals) {
  test(`${name}: the callback gets ${code}, and the program can still answer`, files, async (t) => {
    const file = makeFile(t, '0123456789');
    const { connect } = await serveFiles(t, (_req, res) => {
      res.respondWithFile(of(file), options, (error) => {
        assert.equal(res.headersSent, false);
        res.statusCode = 404;
        res.end(error?.code);
      });
    });
    const client = await connect();
    const response = await client.exchange(get());
    assert.deepEqual([response.status, response.text], [404, code]);
    assert.equal((await client.exchange(get())).status, 404, 'the connection goes on');
  });
}

test('without a callback the error is emitted', files, async (t) => {
  const file = makeFile(t, '');
  const { get: ask } = await serveFiles(t, (_req, res) => {
    res.on('error', (error: NodeJS.ErrnoException) => res.end(error.code));
    res.respondWithFile(`${file}.missing`);
  });
  assert.equal((await ask('/')).text, 'ENOENT');
});

test('a FIFO is no file, and nobody waits for its writer', onPosix, async (t) => {
  const fifo = `${makeFile(t, '')}.fifo`;
  execFileSync('mkfifo', [fifo]);
  const { get: ask } = await serveFiles(t, (_req, res) => res.respondWithFile(fifo, (error) => res.end(error?.code)));
  assert.equal((await ask('/')).text, 'ERR_HTTPSYS_FILE');
});

test('a file without a right to it', onPosix, async (t) => {
  if (process.getuid!() === 0) {
    t.skip('root may read everything');
    return;
  }
  const file = makeFile(t, 'secret');
  fs.chmodSync(file, 0);
  const { get: ask } = await serveFiles(t, (_req, res) => res.respondWithFile(file, (error) => res.end(error?.code)));
  assert.equal((await ask('/')).text, 'EACCES');
});

const mistakes: [name: string, code: string, call: (res: FileResponse, file: string) => void][] = [
  ['an offset that is no integer', 'ERR_INVALID_ARG_TYPE', (res, file) => res.respondWithFile(file, { offset: 1.5 })],
  ['a negative length', 'ERR_OUT_OF_RANGE', (res, file) => res.respondWithFile(file, { length: -1 })],
  ['no path', 'ERR_INVALID_ARG_TYPE', (res) => res.respondWithFile(undefined as never)],
  ['a path with NUL', 'ERR_INVALID_ARG_VALUE', (res) => res.respondWithFile('a\0b')],
  ['status 204', 'ERR_HTTP_BODY_NOT_ALLOWED', (res, file) => ((res.statusCode = 204), res.respondWithFile(file))],
  ['status 304', 'ERR_HTTP_BODY_NOT_ALLOWED', (res, file) => (res.writeHead(304), res.respondWithFile(file))],
  ['a response that has begun', 'ERR_HTTP_HEADERS_SENT', (res, file) => (res.write('x'), res.respondWithFile(file))],
  ['a response that has ended', 'ERR_HTTP_HEADERS_SENT', (res, file) => (res.end('x'), res.respondWithFile(file))],
];

for (const [name, code, call] of mistakes) {
  test(`${name}: respondWithFile throws ${code}`, files, async (t) => {
    const file = makeFile(t, 'content');
    const thrown = deferred<NodeJS.ErrnoException>();
    const { get: ask } = await serveFiles(t, (_req, res) => {
      try {
        call(res, file);
        thrown.reject(new Error('nothing was thrown'));
      } catch (error) {
        thrown.resolve(error as NodeJS.ErrnoException);
        if (!res.writableEnded) res.end();
      }
    });
    await ask('/');
    assert.equal((await within(thrown.promise, 'the error')).code, code);
  });
}

test('a response that the program ends while the file is looked at', files, async (t) => {
  const file = makeFile(t, 'content');
  const told = deferred<NodeJS.ErrnoException | null>();
  const { get: ask } = await serveFiles(t, (_req, res) => {
    res.respondWithFile(file, told.resolve);
    res.end('mine');
  });
  assert.equal((await ask('/')).text, 'mine');
  assert.equal((await within(told.promise, 'the callback'))?.code, 'ERR_HTTP_HEADERS_SENT');
});

test('a client that leaves while the file is looked at', files, async (t) => {
  const file = makeFile(t, 'content');
  const told = deferred<NodeJS.ErrnoException | null>();
  const { connect } = await serveFiles(t, (_req, res) => {
    client.reset();
    res.once('close', () => res.respondWithFile(file, told.resolve));
  });
  const client = await connect();
  client.send(get());
  assert.equal((await within(told.promise, 'the callback'))?.code, 'ERR_STREAM_DESTROYED');
});

for (const how of ['by the engine', 'through the program']) {
  test(`a head that cannot be sent is told in the callback: a file sent ${how}`, files, async (t) => {
    const file = makeFile(t, pattern(100_000));
    const { get: ask } = await serveFiles(t, (_req, res) => {
      res.statusCode = 1000;
      // Somebody who may want to see the body.
      if (how === 'through the program') res.write = res.write.bind(res);
      res.respondWithFile(file, (error) => {
        res.statusCode = 500;
        res.removeHeader('Content-Length');
        res.end(error?.code);
      });
    });
    assert.equal((await ask('/')).text, 'ERR_HTTP_INVALID_STATUS_CODE');
  });
}

test('events and properties are those of other responses', files, async (t) => {
  const file = makeFile(t, pattern(100_000));
  const seen: string[] = [];
  const closed = deferred();
  const { get: ask } = await serveFiles(t, (_req, res) => {
    assert.equal(
      res.respondWithFile(file, (error) => seen.push(`callback ${String(error)}`)),
      res,
    );
    seen.push(`headersSent ${res.headersSent}`);
    res.on('prefinish', () => seen.push('prefinish'));
    res.on('finish', () => seen.push(`finish ${res.headersSent} ${res.writableEnded} ${res.writableFinished}`));
    res.on('close', () => {
      seen.push('close');
      closed.resolve();
    });
  });
  await ask('/');
  await within(closed.promise, 'close');
  // Behind 'close' where the file went through the program.
  await eventually('the callback', () => seen.some((one) => one.startsWith('callback')));
  assert.deepEqual(seen.sort(), ['callback null', 'close', 'finish true true true', 'headersSent false', 'prefinish'].sort());
});

test('a request whose body is still coming is answered by a file all the same', files, async (t) => {
  const content = pattern(200_000);
  const file = makeFile(t, content);
  const { connect } = await serveFiles(t, (_req, res) => res.respondWithFile(file));
  const client = await connect();
  client.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345');
  assert.ok((await client.response()).body.equals(content));
  client.send('67890');
  assert.ok((await client.exchange(get())).body.equals(content));
});

test('middleware that rewrites the body is not passed by', files, async (t) => {
  const file = makeFile(t, 'abc');
  const streams = streamed(t);
  const { get: ask } = await serveFiles(t, (_req, res) => {
    const write = res.write.bind(res) as (chunk: string) => boolean;
    res.write = ((chunk: Buffer) => write(chunk.toString().toUpperCase())) as never;
    res.respondWithFile(file);
  });
  assert.equal((await ask('/')).text, 'ABC');
  assert.equal(streams(), 1);
});

test('a program that asks for chunks gets them, with its trailers', files, async (t) => {
  const file = makeFile(t, 'abc');
  const { get: ask } = await serveFiles(t, (_req, res) => {
    res.setHeader('Transfer-Encoding', 'chunked');
    res.respondWithFile(file);
  });
  const response = await ask('/');
  assert.equal(response.headers['transfer-encoding'], 'chunked');
  assert.equal(response.text, 'abc');
});

test('CACHE-16: a file is stored, up to the cache’s bound, and answers ranges', files, async (t) => {
  const content = pattern(100_000);
  const file = makeFile(t, content);
  let calls = 0;
  const { get: ask } = await serveFiles(
    t,
    (_req, res) => {
      calls++;
      res.cachePolicy = { ttl: 60 };
      res.setHeader('Content-Type', 'text/plain');
      res.respondWithFile(file, { length: Number(_req.url!.slice(1)) });
    },
    { cacheEntryBytes: 90_000 },
  );
  for (let round = 0; round < 2; round++) {
    for (const length of [100, 80_000, 95_000]) {
      assert.ok((await ask(`/${length}`)).body.equals(content.subarray(0, length)), `${length} bytes`);
    }
  }
  if (engine === 'httpsys') return;
  assert.equal(calls, 4, 'the one beyond the bound is not stored');
  const part = await ask('/80000', { Range: 'bytes=70000-70099' });
  assert.equal(part.status, 206);
  assert.ok(part.body.equals(content.subarray(70_000, 70_100)));
});

test('SEND-17: a file that becomes shorter while it is sent ends the connection', files, async (t) => {
  const bytes = 64 * 1024 * 1024;
  const file = makeHole(t, bytes);
  const { connect } = await serveFiles(t, (_req, res) => res.respondWithFile(file));
  const client = await connect();
  client.send(get());
  await client.bytes(1000);
  client.socket.pause();
  fs.truncateSync(file, 1000);
  client.socket.resume();
  let got = client.buffered.length;
  client.socket.on('data', (piece: Buffer) => (got += piece.length));
  await client.closed();
  assert.ok(got < bytes, 'the body broke off');
});

test('a client that does not read holds up nobody, and its file is closed when it leaves', onLinux, async (t) => {
  const slow = makeHole(t, 64 * 1024 * 1024);
  const quick = makeFile(t, pattern(largeBytes));
  const { connect } = await serveFiles(t, (req, res) => res.respondWithFile(req.url === '/slow' ? slow : quick));
  const before = holders(slow);
  const clients = await Promise.all(Array.from({ length: 5 }, () => connect()));
  for (const client of clients) {
    client.send(get('/slow'));
    await client.bytes(1000);
    client.socket.pause();
  }
  assert.equal((await (await connect()).exchange(get('/quick'))).body.length, largeBytes);
  assert.equal(holders(slow), before + clients.length, 'one descriptor a client');
  clients.forEach((client, n) => (n % 2 === 0 ? client.reset() : client.destroy()));
  await eventually('the files to be closed', () => holders(slow) === before);
});

test('a file is closed when the server is', onLinux, async (t) => {
  const file = makeHole(t, 64 * 1024 * 1024);
  const { connect, server } = await serveFiles(t, (_req, res) => res.respondWithFile(file));
  const client = await connect();
  client.send(get());
  await client.bytes(1000);
  client.socket.pause();
  const closed = nextEvent(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
  client.destroy();
  await eventually('the file to be closed', () => holders(file) === 0);
});

test('the minimum send rate holds for files', onLinux, async (t) => {
  const file = makeHole(t, 64 * 1024 * 1024);
  const { connect } = await serveFiles(t, (_req, res) => res.respondWithFile(file), { timeouts: { minSendRate: 1_000_000 } });
  const client = await connect();
  client.send(get());
  await client.bytes(1000);
  client.socket.pause();
  await eventually('the connection to be given up', () => holders(file) === 0, 20_000);
});
