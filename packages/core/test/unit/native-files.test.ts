/** Files as bodies on raw frames, in both modes: the optional block FILE of RESPONSE (docs/frames.md, SEND-17). */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { test, type TestContext } from 'node:test';
import * as frames from '../../src/queue/frames';
import { encodeFileBlock } from '../../src/queue/body-blocks';
import { RawClient } from '../support/client';
import { get, makeBlock, makeFileBlock, open, type Mode, type ResponseParts } from './native-peer';

const content = Buffer.from(Array.from({ length: 200_000 }, (_unused, n) => (n * 11 + (n >> 8)) & 0xff));

function folder(t: TestContext): string {
  const made = fs.mkdtempSync(path.join(os.tmpdir(), 'hs-file-'));
  t.after(() => fs.rmSync(made, { recursive: true, force: true }));
  fs.writeFileSync(path.join(made, 'file'), content);
  return made;
}

test('the block of a file, with a policy and without', () => {
  const policy = Uint8Array.of(1, 0, 0, 0, 60, 0, 0, 0);
  for (const one of [policy, null]) {
    const block = encodeFileBlock(one, '/ü', 2 ** 32 + 7, 2 ** 33 + 1);
    assert.deepEqual(block, Buffer.concat([one ?? Buffer.alloc(8), makeFileBlock('/ü', 2 ** 32 + 7, 2 ** 33 + 1)]));
  }
});

test('a path that no frame can carry has no block', () => {
  const longest = `/${'x'.repeat(frames.FilePathBytesMax - 1)}`;
  assert.equal(encodeFileBlock(null, longest, 0, 1)?.length, 28 + frames.FilePathBytesMax);
  assert.equal(encodeFileBlock(null, `${longest}x`, 0, 1), null);
});

/** What the engine must not take for a file: each is answered as a broken response. */
const broken: [name: string, parts: (folder: string) => ResponseParts][] = [
  ['without END', (at) => ({ flags: 0, blocks: makeFileBlock(`${at}/file`, 0, 10) })],
  ['beside other bytes', (at) => ({ body: 'x', blocks: makeFileBlock(`${at}/file`, 0, 10) })],
  ['of a switch', (at) => ({ status: 101, flags: frames.ResponseOpaque | frames.ResponseEnd, blocks: makeFileBlock(`${at}/file`, 0, 10) })],
  ['of no bytes', (at) => ({ blocks: makeFileBlock(`${at}/file`, 0, 0) })],
  ['that is missing', (at) => ({ blocks: makeFileBlock(`${at}/missing`, 0, 10) })],
  ['that is a folder', (at) => ({ blocks: makeFileBlock(at, 0, 10) })],
  ['whose name is not absolute', () => ({ blocks: makeFileBlock('package.json', 0, 10) })],
  ['whose name has a NUL', (at) => ({ blocks: makeFileBlock(`${at}/file\0x`, 0, 10) })],
  ['whose name is longer than a path may be', (at) => ({ blocks: makeFileBlock(`${at}/${'x'.repeat(frames.FilePathBytesMax)}`, 0, 10) })],
  ['without a name', () => ({ blocks: makeFileBlock('', 0, 10) })],
  ['that ends before the range', (at) => ({ blocks: makeFileBlock(`${at}/file`, content.length - 9, 10) })],
  ['that ends before a range that is sent piece by piece', (at) => ({ blocks: makeFileBlock(`${at}/file`, 1, content.length) })],
  ['from beyond 63 bits', (at) => ({ blocks: makeFileBlock(`${at}/file`, 2 ** 63, 10) })],
  ['to beyond 63 bits', (at) => ({ blocks: makeFileBlock(`${at}/file`, 10, 2 ** 63 - 1024) })],
  ['in a block that is cut off', (at) => ({ blocks: makeFileBlock(`${at}/file`, 0, 10).subarray(0, -1) })],
  ['behind half a block', (at) => ({ blocks: Buffer.concat([makeFileBlock(`${at}/file`, 0, 10), Buffer.from([9, 0])]) })],
];

for (const mode of ['loop', 'threads'] as Mode[]) {
  const name = (text: string): string => `${mode}: ${text}`;

  test(name('a file is the body, whole or a part of it'), async (t) => {
    const at = folder(t);
    const { port, attach } = open(t, mode);
    const peer = await attach();
    const client = await RawClient.connect(port);
    for (const [offset, length] of [
      [0, content.length],
      [1, 65_536],
      [2, 65_537],
      [content.length - 1, 1],
    ] as const) {
      client.send(get('/'));
      const asked = await peer.request(peer.requests.length + 1);
      // An unknown block is skipped.
      peer.answer(asked, { blocks: Buffer.concat([makeBlock(999, Buffer.from('later')), makeFileBlock(`${at}/file`, offset, length)]) });
      const response = await client.response();
      assert.equal(response.headers['content-length'], String(length));
      assert.ok(response.body.equals(content.subarray(offset, offset + length)), `${length} from ${offset}`);
    }
  });

  test(name('HEAD, 204 and 304 open no file'), async (t) => {
    const { port, attach } = open(t, mode);
    const peer = await attach();
    const client = await RawClient.connect(port);
    for (const [method, status] of [
      ['HEAD', 200],
      ['GET', 204],
      ['GET', 304],
    ] as const) {
      client.send(`${method} / HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      const asked = await peer.request(peer.requests.length + 1);
      peer.answer(asked, { status, blocks: makeFileBlock('/missing', 0, 10) });
      assert.equal((await client.response({ head: true })).status, status);
    }
  });

  test(name('a body that ends with the connection breaks off by a reset'), async (t) => {
    const at = folder(t);
    fs.truncateSync(`${at}/file`, 64 * 1024 * 1024);
    const { port, attach } = open(t, mode);
    const peer = await attach();
    const client = await RawClient.connect(port);
    client.send(get('/'));
    const asked = await peer.request();
    peer.answer(asked, { flags: frames.ResponseEnd | frames.ResponseUntilClose, blocks: makeFileBlock(`${at}/file`, 0, 64 * 1024 * 1024) });
    await client.bytes(1000);
    client.socket.pause();
    fs.truncateSync(`${at}/file`, 1000);
    client.socket.resume();
    await client.closed();
    assert.equal(client.error?.code, 'ECONNRESET');
  });

  for (const [what, parts] of broken) {
    test(name(`a file ${what} breaks the response: ABORTED, and a page for the client`), async (t) => {
      const at = folder(t);
      const { port, attach } = open(t, mode);
      const peer = await attach();
      const client = await RawClient.connect(port);
      client.send(get('/'));
      const asked = await peer.request();
      peer.answer(asked, parts(at));
      assert.equal((await client.response()).status, 500);
      await client.closed();
      assert.equal((await peer.aborted(asked)).aux, frames.AbortResponse);
    });
  }

  test(name('a FIFO in the place of a file is not waited for'), { skip: process.platform === 'win32' }, async (t) => {
    const at = folder(t);
    execFileSync('mkfifo', [`${at}/fifo`]);
    const { port, attach } = open(t, mode);
    const peer = await attach();
    peer.onRequest = (asked) => peer.answer(asked, { blocks: makeFileBlock(`${at}/fifo`, 0, 10) });
    const client = await RawClient.connect(port);
    assert.equal((await client.exchange(get('/'))).status, 500);
  });

  test(name('CACHE-16: a file is stored with a policy, and the entry outlives it'), async (t) => {
    const at = folder(t);
    const { port, attach } = open(t, mode);
    const peer = await attach();
    peer.onRequest = (asked) => peer.answer(asked, { ttl: 60, blocks: makeFileBlock(`${at}/file`, 5, 150_000) });
    const client = await RawClient.connect(port);
    assert.ok((await client.exchange(get('/'))).body.equals(content.subarray(5, 150_005)));
    fs.rmSync(`${at}/file`);
    assert.ok((await client.exchange(get('/'))).body.equals(content.subarray(5, 150_005)));
    assert.equal(peer.requests.length, 1);
  });

  test(name('CACHE-10: a file beyond the bound of entries is sent and not stored'), async (t) => {
    const at = folder(t);
    const { port, attach } = open(t, mode, { queue: { cacheEntryBytes: 100_000 } });
    const peer = await attach();
    peer.onRequest = (asked) => peer.answer(asked, { ttl: 60, blocks: makeFileBlock(`${at}/file`, 0, 150_000) });
    const client = await RawClient.connect(port);
    for (let round = 1; round <= 2; round++) {
      assert.equal((await client.exchange(get('/'))).body.length, 150_000);
      assert.equal(peer.requests.length, round);
    }
  });
}
