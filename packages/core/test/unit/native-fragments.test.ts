/** Fragments on raw frames, in both modes: ADD_FRAGMENT and the optional block FRAGMENT of RESPONSE (docs/frames.md, section 5.5). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as frames from '../../src/queue/frames';
import { encodeFragmentBlock } from '../../src/queue/body-blocks';
import { FrameWriter } from '../../src/queue/frame-writer';
import { RawClient } from '../support/client';
import { eventually } from '../support/poll';
import { get, makeBlock, makeFileBlock, makeFrame, open, u32, type Mode, type Peer } from './native-peer';

const name = (port: number, path = '/piece'): string => `http://*:${port}${path}`;
const makeFragmentBlock = (text: string): Buffer => makeBlock(frames.BlockFragment, Buffer.from(text));

function makeFragment(token: number, url: string, data: string | Buffer, kind = frames.PolicyUntilFlushed, seconds = 0): Buffer {
  const head = Buffer.alloc(4);
  head[0] = kind;
  head.writeUInt16LE(Buffer.byteLength(url), 2);
  return makeFrame(frames.AddFragment, 0, 0, token, Buffer.concat([head, u32(seconds), Buffer.from(url), Buffer.from(data)]));
}

async function added(peer: Peer, token: number): Promise<number> {
  return (await eventually('FRAGMENT_ADDED', () => peer.of(frames.FragmentAdded, token)[0])).aux;
}

test('the frame and the block of a fragment', () => {
  const writer = new FrameWriter();
  writer.addFragment(7, Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0), 'http://*:1/ü', 'größe');
  assert.deepEqual(Buffer.from(writer.buffer.subarray(0, writer.length)), makeFragment(7, 'http://*:1/ü', 'größe'));
  assert.deepEqual(encodeFragmentBlock(null, '/ü'), Buffer.concat([Buffer.alloc(8), makeFragmentBlock('/ü')]));
});

for (const mode of ['loop', 'threads'] as Mode[]) {
  const titled = (text: string): string => `${mode}: ${text}`;

  test(titled('a fragment is stored, used and told of'), async (t) => {
    const { port, attach } = open(t, mode);
    const peer = await attach();
    peer.send(makeFragment(9, name(port), 'piece'));
    assert.equal(await added(peer, 9), frames.FragmentStored);
    const client = await RawClient.connect(port);
    client.send(get('/'));
    const asked = await peer.request();
    peer.answer(asked, { blocks: makeFragmentBlock(name(port)) });
    assert.equal((await client.response()).text, 'piece');
    const used = await eventually('FRAGMENT_USED', () => peer.of(frames.FragmentUsed, asked.id)[0]);
    assert.equal(used.aux, frames.FragmentSent);
  });

  test(titled('a missing one leaves the request as it is'), async (t) => {
    const { port, attach } = open(t, mode);
    const peer = await attach();
    const client = await RawClient.connect(port);
    client.send(get('/'));
    const asked = await peer.request();
    for (const wrong of [name(port), 'no URL']) {
      const before = peer.of(frames.FragmentUsed).length;
      peer.answer(asked, { blocks: makeFragmentBlock(wrong) });
      const used = await eventually('FRAGMENT_USED', () => peer.of(frames.FragmentUsed, asked.id)[before]);
      assert.equal(used.aux, frames.FragmentMissing);
    }
    peer.answer(asked, { body: 'otherwise' });
    assert.equal((await client.response()).text, 'otherwise');
  });

  test(titled('a fragment of another queue is none'), async (t) => {
    const { engine, port, attach } = open(t, mode);
    const peer = await attach();
    engine.openQueue(2, {});
    const other = await attach({ queueId: 2 });
    other.send(makeFragment(1, name(port), 'theirs'));
    assert.equal(await added(other, 1), frames.FragmentStored);
    const client = await RawClient.connect(port);
    client.send(get('/'));
    const asked = await peer.request();
    peer.answer(asked, { blocks: makeFragmentBlock(name(port)) });
    assert.equal((await eventually('FRAGMENT_USED', () => peer.of(frames.FragmentUsed, asked.id)[0])).aux, frames.FragmentMissing);
  });

  test(titled('what the cache does not take'), async (t) => {
    const { port, attach } = open(t, mode, { queue: { cacheEntryBytes: 1000 }, engine: { cacheBytes: 900 } });
    const peer = await attach();
    peer.send(
      makeFragment(1, 'no URL', 'x'),
      makeFragment(2, name(port), Buffer.alloc(1001)),
      makeFragment(3, name(port), Buffer.alloc(1000)),
    );
    assert.deepEqual(
      [await added(peer, 1), await added(peer, 2), await added(peer, 3)],
      [frames.FragmentInvalid, frames.FragmentTooLarge, frames.FragmentTooLarge],
    );
  });

  test(titled('fragments count against the cache, whose oldest give way'), async (t) => {
    const { engine, port, attach } = open(t, mode, { engine: { cacheBytes: 500_000 } });
    const peer = await attach();
    for (let n = 1; n <= 20; n++) {
      peer.send(makeFragment(n, name(port, `/${n}`), Buffer.alloc(100_000)));
      assert.equal(await added(peer, n), frames.FragmentStored);
    }
    const { cache } = engine.queryState() as { cache: { entries: number; bytes: number } };
    assert.ok(cache.entries <= 5 && cache.bytes <= 500_000, JSON.stringify(cache));
  });

  for (const [what, frame] of [
    ['without a policy', (port: number) => makeFragment(1, name(port), 'x', frames.PolicyNone)],
    ['of no time', (port: number) => makeFragment(1, name(port), 'x', frames.PolicyTimeToLive, 0)],
    ['without data', (port: number) => makeFragment(1, name(port), '')],
    ['without a name', () => makeFragment(1, '', 'x')],
    ['that is cut off', () => makeFrame(frames.AddFragment, 0, 0, 1, Buffer.from([2, 0, 200, 0, 0, 0, 0, 0, 65]))],
    ['that has no parts', () => makeFrame(frames.AddFragment, 0, 0, 1, Buffer.alloc(7))],
  ] as [string, (port: number) => Buffer][]) {
    test(titled(`ADD_FRAGMENT ${what} ends the channel`), async (t) => {
      const { port, attach } = open(t, mode);
      const peer = await attach();
      if (mode === 'loop') {
        assert.throws(() => peer.send(frame(port)), { code: 'EPROTO' });
      } else {
        peer.send(frame(port));
        await eventually('the end of the channel', () => peer.closed);
      }
    });
  }

  test(titled('a fragment beside another body breaks the response'), async (t) => {
    const { port, attach } = open(t, mode);
    const peer = await attach();
    const block = makeFragmentBlock(name(port));
    for (const parts of [
      { body: 'x', blocks: block },
      { flags: 0, blocks: block },
      { blocks: Buffer.concat([block, makeFileBlock('/file', 0, 1)]) },
      { blocks: makeFragmentBlock('') },
    ]) {
      const client = await RawClient.connect(port);
      client.send(get('/'));
      const asked = await peer.request(peer.requests.length + 1);
      peer.answer(asked, parts);
      assert.equal((await client.response()).status, 500);
      assert.equal((await peer.aborted(asked)).aux, frames.AbortResponse);
    }
  });
}
