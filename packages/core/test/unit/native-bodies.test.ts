/** Large response bodies: DATA frames that are worked off as they come, and bodies that come beside their frame's header. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as frames from '../../src/queue/frames';
import { RawClient } from '../support/client';
import { pace } from '../support/poll';
import { get, makeFrame, makeResponse, open, type Mode } from './native-peer';

for (const mode of ['loop', 'threads'] as Mode[]) {
  const name = (text: string): string => `${mode}: ${text}`;

  test(name('a DATA frame is worked off as it comes, wherever the stream is cut'), async (t) => {
    const { port, attach } = open(t, mode);
    const peer = await attach();
    const client = await RawClient.connect(port);
    const body = Buffer.alloc(100_000, 'x');
    for (const cut of mode === 'loop' ? [0] : [1, 11, 12, 13, 5000, 100_011]) {
      client.send(get('/'));
      const asked = await peer.request(peer.requests.length + 1);
      const bytes = Buffer.concat([
        makeResponse(asked.id, { flags: 0, head: `Content-Length: ${body.length + 3}\r\n` }),
        makeFrame(frames.Data, 0, 0, asked.id, body),
        makeFrame(frames.Data, frames.DataEnd, 0, asked.id, 'end'),
      ]);
      const at = bytes.length - body.length - 27 + cut;
      if (cut === 0) {
        peer.transport.write(bytes);
      } else {
        peer.transport.write(bytes.subarray(0, at));
        await pace(5);
        peer.transport.write(bytes.subarray(at));
      }
      assert.equal((await client.response()).text, `${body.toString()}end`, `cut at ${cut}`);
    }
  });
}

test('loop: a body that comes behind a batch must be that of the DATA header at its end', (t) => {
  const { engine } = open(t, 'loop');
  const header = makeFrame(frames.Data, 0, 0, 1, Buffer.alloc(5)).subarray(0, frames.HeaderBytes);
  const end = makeFrame(frames.End, 0, 0, 1, Buffer.alloc(5)).subarray(0, frames.HeaderBytes);
  const submit = (batch: Uint8Array, body?: Uint8Array): void =>
    engine.submit(
      engine.attach(1, 1, () => undefined),
      batch,
      batch.length,
      body,
    );
  submit(header, Buffer.alloc(5));
  for (const [batch, body] of [
    [header, Buffer.alloc(4)],
    [header, Buffer.alloc(6)],
    [header, Buffer.alloc(0)],
    [header, undefined],
    [header.subarray(0, 7), Buffer.alloc(5)],
    [end, Buffer.alloc(5)],
    [Buffer.alloc(0), Buffer.alloc(5)],
  ] as [Buffer, Buffer | undefined][]) {
    assert.throws(() => submit(batch, body), { code: 'EPROTO' }, `${batch.length} and ${body?.length}`);
  }
});
