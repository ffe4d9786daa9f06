import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { FrameWriter } from '../../src/queue/frame-writer';
import * as frames from '../../src/queue/frames';

interface Frame {
  type: number;
  flags: number;
  aux: number;
  id: number;
  body: Buffer;
}

function framesOf(writer: FrameWriter): Frame[] {
  const found: Frame[] = [];
  let at = 0;
  while (at < writer.length) {
    const length = writer.buffer.readUInt32LE(at);
    assert.ok(length >= frames.HeaderBytes && at + length <= writer.length);
    found.push({
      type: writer.buffer[at + 4]!,
      flags: writer.buffer[at + 5]!,
      aux: writer.buffer.readUInt16LE(at + 6),
      id: writer.buffer.readUInt32LE(at + 8),
      body: Buffer.from(writer.buffer.subarray(at + 12, at + length)),
    });
    at += length;
  }
  return found;
}

function readResponse(body: Buffer): { reason: string; policy: Buffer; head: string; rest: Buffer } {
  const reasonBytes = body.readUInt16LE(0);
  const policyBytes = body.readUInt16LE(2);
  const headBytes = body.readUInt32LE(4);
  const policyAt = 8 + reasonBytes;
  const headAt = policyAt + policyBytes;
  return {
    reason: body.toString('latin1', 8, policyAt),
    policy: body.subarray(policyAt, headAt),
    head: body.toString('latin1', headAt, headAt + headBytes),
    rest: body.subarray(headAt + headBytes),
  };
}

test('a response frame carries status, reason, policy, head and body', () => {
  const writer = new FrameWriter();
  const policy = Uint8Array.of(1, 0, 0, 0, 2, 0, 0, 0);
  const bytes = writer.response(7, frames.ResponseEnd | frames.ResponsePolicy, 299, 'Fine', policy, 'A: b\r\n', 'größe');
  assert.equal(bytes, Buffer.byteLength('größe'));
  const [frame] = framesOf(writer);
  assert.ok(frame);
  assert.deepEqual([frame.type, frame.flags, frame.aux, frame.id], [frames.Response, 3, 299, 7]);
  const parts = readResponse(frame.body);
  assert.equal(parts.reason, 'Fine');
  assert.deepEqual([...parts.policy], [...policy]);
  assert.equal(parts.head, 'A: b\r\n');
  assert.equal(parts.rest.toString(), 'größe');
});

test('the end of a response amends its newest frame, or travels alone behind another frame', () => {
  const writer = new FrameWriter();
  writer.response(1, 0, 200, '', null, '', 'x');
  writer.end(1, '', false, false);
  writer.data(2, 'y');
  writer.credit(0, 64);
  writer.end(2, '', false, false);
  writer.data(3, 'z');
  writer.end(3, 'T: v\r\n', false, false);
  writer.data(4, 'w');
  writer.end(4, '', true, false);
  assert.deepEqual(
    framesOf(writer).map((frame) => [frame.type, frame.flags, frame.id]),
    [
      [frames.Response, frames.ResponseEnd, 1],
      [frames.Data, 0, 2],
      [frames.Credit, 0, 0],
      [frames.End, 0, 2],
      [frames.Data, 0, 3],
      [frames.End, 0, 3],
      [frames.Data, 0, 4],
      [frames.End, 0, 4],
    ],
  );
});

test('any sequence of pieces comes out as it went in, whatever the buffer has to grow to', () => {
  const piece = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 300 }),
    fc.uint8Array({ maxLength: 300 }),
    fc.integer({ min: 1, max: 4 }).map((n) => 'ä'.repeat(n * 30_000)),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 0x7fffffff }), piece), { maxLength: 12 }), (pieces) => {
      const writer = new FrameWriter();
      for (const [id, data] of pieces) writer.data(id, data);
      const out = framesOf(writer);
      assert.equal(out.length, pieces.length);
      out.forEach((frame, n) => {
        assert.equal(frame.id, pieces[n]![0]);
        assert.ok(frame.body.equals(Buffer.from(pieces[n]![1] as string)));
      });
    }),
    { numRuns: 200, seed: 20261123 },
  );
});

test('a buffer that grew for one batch is given back', () => {
  const writer = new FrameWriter();
  writer.data(1, Buffer.alloc(3 * 1024 * 1024));
  const grown = writer.buffer.length;
  writer.reset();
  assert.ok(writer.buffer.length < grown);
  assert.equal(writer.length, 0);
});
