/** Wide response windows: for clients that took their last large response as fast as it came (docs/frames.md, Back-pressure). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as frames from '../../src/queue/frames';
import { RawClient } from '../support/client';
import { eventually } from '../support/poll';
import { get, GET, hello, makeFrame, makeResponse, open, stateOf, type Asked, type Mode, type Peer } from './native-peer';

const largeBytes = frames.ResponseWindowBytes + 50_000;
const head = (bytes: number): { flags: number; head: string } => ({ flags: 0, head: `Content-Length: ${bytes}\r\n` });

const credited = (peer: Peer, asked: Asked): number =>
  peer.of(frames.Credit, asked.id).reduce((sum, frame) => sum + frame.body.readUInt32LE(0), 0);

/** Answers with more than the ordinary window takes at a time. */
async function answerLarge(asked: Asked): Promise<void> {
  const { peer } = asked;
  peer.send(
    makeResponse(asked.id, head(largeBytes)),
    makeFrame(frames.Data, 0, 0, asked.id, Buffer.alloc(frames.ResponseWindowBytes, 'a')),
  );
  await eventually('CREDIT', () => credited(peer, asked) === frames.ResponseWindowBytes);
  peer.send(makeFrame(frames.Data, frames.DataEnd, 0, asked.id, Buffer.alloc(largeBytes - frames.ResponseWindowBytes, 'b')));
}

async function ask(client: RawClient, peer: Peer, bytes = GET): Promise<Asked> {
  const before = peer.requests.length;
  client.send(bytes);
  return peer.request(before + 1);
}

async function takeLarge(client: RawClient, peer: Peer): Promise<Asked> {
  const asked = await ask(client, peer);
  await answerLarge(asked);
  assert.equal((await client.response()).body.length, largeBytes);
  return asked;
}

for (const mode of ['loop', 'threads'] as Mode[]) {
  const name = (text: string): string => `${mode}: ${text}`;

  test(name('a client that took a large response as it came has a wide window for the next one, and not behind a small one'), async (t) => {
    const { port, attach } = open(t, mode);
    const peer = await attach();
    const client = await RawClient.connect(port);
    assert.equal((await takeLarge(client, peer)).wide, false);
    const second = await ask(client, peer);
    assert.equal(second.wide, true);
    assert.equal(typeof second.method, 'number');
    const body = Buffer.alloc(frames.WideWindowBytes, 'c');
    peer.send(makeResponse(second.id, head(body.length)), makeFrame(frames.Data, frames.DataEnd, 0, second.id, body));
    assert.ok((await client.response()).body.equals(body));
    const third = await ask(client, peer);
    assert.equal(third.wide, true);
    hello(third);
    await client.response();
    assert.equal((await ask(client, peer)).wide, false);
    assert.equal(peer.closed, false);
  });

  test(name('a request that may be upgraded has the ordinary window'), async (t) => {
    const { port, attach } = open(t, mode);
    const peer = await attach();
    const client = await RawClient.connect(port);
    await takeLarge(client, peer);
    const asked = await ask(client, peer, get('/', 'Connection: upgrade\r\nUpgrade: echo\r\n'));
    assert.deepEqual([asked.flags & frames.RequestUpgrade, asked.wide], [frames.RequestUpgrade, false]);
  });

  test(name('a client that does not keep up has the ordinary window again'), async (t) => {
    const { port, attach } = open(t, mode);
    const peer = await attach();
    const client = await RawClient.connect(port);
    await takeLarge(client, peer);
    const asked = await ask(client, peer);
    assert.equal(asked.wide, true);
    client.socket.pause();
    const pieces = 400;
    peer.send(makeResponse(asked.id, head(pieces * 50_000)));
    // As long as everything leaves there is credit for all; what stays behind then waits for the client.
    let sent = 0;
    while (sent < pieces && (await creditFor(peer, asked, sent * 50_000))) {
      peer.send(makeFrame(frames.Data, 0, 0, asked.id, Buffer.alloc(50_000)));
      sent++;
    }
    assert.ok(sent < pieces, 'the sockets hold less than 20 MB');
    const rest = Buffer.alloc(50_000);
    client.socket.resume();
    for (; sent < pieces; sent++) {
      await eventually('room', () => sent * 50_000 - credited(peer, asked) < frames.ResponseWindowBytes);
      peer.send(makeFrame(frames.Data, 0, 0, asked.id, rest));
    }
    peer.send(makeFrame(frames.End, 0, 0, asked.id));
    assert.equal((await client.response()).body.length, pieces * 50_000);
    assert.equal((await ask(client, peer)).wide, false);
  });

  test(name('a channel that overruns a wide window is ended'), async (t) => {
    const { engine, port, attach } = open(t, mode);
    const peer = await attach();
    const client = await RawClient.connect(port);
    await takeLarge(client, peer);
    client.socket.pause();
    const asked = await ask(client, peer);
    assert.equal(asked.wide, true);
    const flood = (): void =>
      peer.send(
        makeResponse(asked.id, { flags: 0 }),
        ...Array.from({ length: 400 }, () => makeFrame(frames.Data, 0, 0, asked.id, Buffer.alloc(50_000))),
      );
    if (mode === 'loop') assert.throws(flood, { code: 'EPROTO', message: /window/ });
    else {
      flood();
      await eventually('the end of the channel', () => peer.closed);
    }
    assert.equal(stateOf(engine).rejections.Channel, 1);
    client.socket.resume();
    await client.closed();
  });

  test(name('wide windows are limited, and a connection gives its own back'), async (t) => {
    const most = mode === 'loop' ? 64 : 4;
    const { port, attach } = open(t, mode);
    const peer = await attach();
    const clients: RawClient[] = [];
    for (let n = 0; n <= most; n++) clients.push(await RawClient.connect(port));
    await Promise.all(
      clients.map(async (client, n) => {
        client.send(GET);
        await answerLarge(await peer.request(n + 1));
        await client.response();
      }),
    );
    const asked: Asked[] = [];
    for (const client of clients) asked.push(await ask(client, peer));
    assert.deepEqual(
      asked.map(({ wide }) => wide),
      [...Array<boolean>(most).fill(true), false],
    );
    hello(asked[0]!);
    await clients[0]!.response();
    clients[1]!.reset();
    await peer.aborted(asked[1]!);
    await answerLarge(asked[most]!);
    await clients[most]!.response();
    assert.equal((await ask(clients[most]!, peer)).wide, true);
    const newcomer = await RawClient.connect(port);
    await takeLarge(newcomer, peer);
    assert.equal((await ask(newcomer, peer)).wide, true);
  });
}

/** Whether everything that was sent has left, or enough of it; false when the client has stopped that. */
async function creditFor(peer: Peer, asked: Asked, sent: number): Promise<boolean> {
  const deadline = Date.now() + 1000;
  while (sent - credited(peer, asked) > 0) {
    if (Date.now() > deadline) return false;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return true;
}

test('threads: an application of an earlier minor version has the ordinary window', async (t) => {
  const { port, attach } = open(t, 'threads');
  const peer = await attach({ minor: frames.MinorWithWideWindows - 1 });
  const client = await RawClient.connect(port);
  await takeLarge(client, peer);
  assert.equal((await ask(client, peer)).wide, false);
});

test('threads: the pieces of one frame are reported as one', async (t) => {
  const { port, attach } = open(t, 'threads');
  const peer = await attach();
  const client = await RawClient.connect(port);
  const asked = await ask(client, peer);
  const bytes = Buffer.concat([makeResponse(asked.id, head(90_000)), makeFrame(frames.Data, 0, 0, asked.id, Buffer.alloc(80_000))]);
  peer.send(bytes.subarray(0, 40_000));
  await client.bytes(30_000);
  peer.send(bytes.subarray(40_000));
  await eventually('CREDIT', () => credited(peer, asked) === 80_000);
  assert.equal(peer.of(frames.Credit, asked.id).length, 1);
});
