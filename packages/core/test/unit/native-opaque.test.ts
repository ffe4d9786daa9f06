/** Connections that leave HTTP, as the engine has them: docs/frames.md, "Upgrades and CONNECT", sentence by sentence. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as frames from '../../src/queue/frames';
import { RawClient } from '../support/client';
import { eventually } from '../support/poll';
import { makeFrame, makeResponse, open, u32, type Asked, type Mode, type Peer } from './native-peer';

const ask = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n';
const head = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n';

const take = (asked: Asked): Buffer => makeFrame(frames.Opaque, 0, 0, asked.id);
const bytes = (asked: Asked, body: string | Uint8Array, flags = 0): Buffer => makeFrame(frames.Opaque, flags, 0, asked.id, body);
const accept = (asked: Asked, body = ''): Buffer =>
  makeResponse(asked.id, { status: 101, head: 'Upgrade: x\r\n', body, flags: frames.ResponseOpaque });
const came = (peer: Peer): string => Buffer.concat(peer.of(frames.Opaque).map((frame) => frame.body)).toString('latin1');
const ended = (peer: Peer): boolean => peer.of(frames.Opaque).some((frame) => (frame.flags & frames.OpaqueIsLast) !== 0);

for (const mode of ['loop', 'threads'] as Mode[]) {
  const name = (text: string): string => `${mode}: ${text}`;

  test(name('what was sent ahead is shown; the bytes behind it come as OPAQUE, and those to the client follow RESPONSE'), async (t) => {
    const { port, attach } = open(t, mode);
    const peer = await attach();
    const client = await RawClient.connect(port);
    client.send(`${ask}ahead`);
    const asked = await peer.request();
    assert.equal(asked.flags & (frames.RequestUpgrade | frames.RequestEnd), frames.RequestUpgrade | frames.RequestEnd);
    const shown = asked.body.toString();
    peer.send(take(asked));
    client.send(' more');
    await eventually('the rest', () => shown + came(peer) === 'ahead more');
    peer.send(accept(asked, 'first,'), bytes(asked, 'second'));
    assert.equal((await client.bytes(head.length + 12)).toString('latin1'), `${head}first,second`);
    client.end();
    await eventually("the client's end", () => ended(peer));
    peer.send(bytes(asked, '.', frames.OpaqueIsLast));
    assert.equal((await client.closed()).toString('latin1'), `${head}first,second.`);
    await eventually('CONNECTION_CLOSED', () => peer.of(frames.ConnectionClosed).length === 1);
    assert.equal(peer.of(frames.Aborted).length, 0);
  });

  test(name('what was shown and not taken is the next request'), async (t) => {
    const { port, attach } = open(t, mode);
    const peer = await attach();
    const client = await RawClient.connect(port);
    client.send(`${ask}GET /next HTTP/1.1\r\nHost: a\r\n\r\n`);
    peer.answer(await peer.request(1), { body: 'one' });
    const next = await peer.request(2);
    assert.equal(next.target, '/next');
    peer.answer(next, { body: 'two' });
    assert.deepEqual([(await client.response()).text, (await client.response()).text], ['one', 'two']);
  });

  test(name('credit bounds what comes: 64 KiB, and as much as CREDIT says'), async (t) => {
    const { port, attach } = open(t, mode);
    const peer = await attach();
    const client = await RawClient.connect(port);
    client.send(ask);
    const asked = await peer.request();
    peer.send(accept(asked));
    await client.bytes(head.length);
    client.send(Buffer.alloc(1024 * 1024, 97));
    await eventually('the window', () => came(peer).length === frames.BodyWindowBytes);
    peer.send(makeFrame(frames.Credit, 0, 0, asked.id, u32(1000)));
    await eventually('1,000 more', () => came(peer).length === frames.BodyWindowBytes + 1000);
  });

  test(name('more bytes than the window end the channel, not the engine'), async (t) => {
    const { port, attach } = open(t, mode);
    const peer = await attach();
    const client = await RawClient.connect(port);
    client.send(ask);
    const asked = await peer.request();
    // The client does not read: what the kernel does not take is more than the window.
    client.socket.pause();
    const piece = Buffer.alloc(frames.ResponseWindowBytes, 98);
    const flood = (): void => peer.send(accept(asked), ...Array.from({ length: 64 }, () => bytes(asked, piece)));
    if (mode === 'loop') assert.throws(flood, { code: 'EPROTO' });
    else flood();
    await eventually('the end of the channel', () => peer.closed || mode === 'loop');
    client.socket.resume();
    await client.closed();
    const other = await attach();
    const second = await RawClient.connect(port);
    second.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    other.answer(await other.request(), { body: 'goes on' });
    assert.equal((await second.response()).text, 'goes on');
    second.destroy();
  });

  test(name('CLOSE_CONNECTIONS passes by what was taken; CLOSE lets leave what was sent, and finishes the request'), async (t) => {
    const { port, attach } = open(t, mode);
    const peer = await attach();
    const client = await RawClient.connect(port);
    client.send(ask);
    const asked = await peer.request();
    peer.send(accept(asked), makeFrame(frames.CloseConnections, frames.CloseAll, 0, 0));
    await client.bytes(head.length);
    peer.send(bytes(asked, 'last words', frames.OpaqueClose), bytes(asked, 'nobody hears this'));
    assert.equal((await client.closed()).toString('latin1'), `${head}last words`);
    client.end();
    await eventually('CONNECTION_CLOSED', () => peer.of(frames.ConnectionClosed).length === 1);
  });

  test(name('OPAQUE with bytes before RESPONSE, and for a request that asked for nothing, aborts the request'), async (t) => {
    const { port, attach } = open(t, mode);
    const peer = await attach();
    for (const [n, request, frame] of [
      [1, ask, (asked: Asked) => bytes(asked, 'too early')],
      [2, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', take],
      [3, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', accept],
    ] as [number, string, (asked: Asked) => Buffer][]) {
      const client = await RawClient.connect(port);
      client.send(request);
      peer.send(frame(await peer.request(n)));
      assert.equal((await client.response()).status, 500);
      await eventually('ABORTED', () => peer.of(frames.Aborted).length === n);
      assert.equal(peer.of(frames.Aborted)[n - 1]!.aux, frames.AbortResponse);
      client.destroy();
    }
  });

  test(name('a channel that ends closes what it had taken: 503 before the switch'), async (t) => {
    const { port, attach } = open(t, mode);
    const peer = await attach();
    const [before, after] = [await RawClient.connect(port), await RawClient.connect(port)];
    before.send(ask);
    peer.send(take(await peer.request(1)));
    after.send(ask);
    peer.send(accept(await peer.request(2), 'x'));
    await after.bytes(head.length + 1);
    peer.transport.end();
    assert.equal((await before.response()).status, 503);
    assert.equal((await after.closed()).toString('latin1'), `${head}x`);
  });
}
