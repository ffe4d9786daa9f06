import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { checkHello, ControlDecoder, encodeControl, ownHello } from '../../src/service/control-frames';
import { MAX_CONTROL_FRAME_BYTES } from '../../src/service/limits';

function raw(length: number, text: string): Buffer {
  const out = Buffer.alloc(12 + Buffer.byteLength(text));
  out.writeUInt32LE(length, 0);
  out.writeUInt8(0x41, 4);
  out.write(text, 12);
  return out;
}

describe('control frames', () => {
  test('what is encoded is decoded, however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ type: fc.integer({ min: 0, max: 255 }), id: fc.nat(0x7fffffff), text: fc.string() }), { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
        (messages, cuts) => {
          const stream = Buffer.concat(messages.map((message) => encodeControl(message.type, message.id, { text: message.text })));
          const decoder = new ControlDecoder();
          const out = [];
          for (let at = 0, cut = 0; at < stream.length; cut++) {
            const size = cuts[cut % cuts.length];
            out.push(...decoder.push(stream.subarray(at, at + size)));
            at += size;
          }
          assert.deepEqual(
            out.map((frame) => ({ type: frame.type, id: frame.id, text: frame.body.text })),
            messages.map((message) => ({ ...message })),
          );
        },
      ),
    );
  });

  for (const [what, bytes] of [
    ['a length below the header', raw(11, '{}')],
    ['a length above the limit', raw(MAX_CONTROL_FRAME_BYTES + 1, '{}')],
    ['a body that is not JSON', raw(14, '{]')],
    ['a body that is a list', raw(14, '[]')],
    ['a body that is null', raw(16, 'null')],
    ['an empty body', raw(12, '')],
  ] as const) {
    test(`${what} is ERR_HTTPSYS_PROTOCOL`, () => {
      assert.throws(() => new ControlDecoder().push(bytes), { code: 'ERR_HTTPSYS_PROTOCOL' });
    });
  }

  test('random bytes give frames or ERR_HTTPSYS_PROTOCOL, nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          new ControlDecoder().push(Buffer.from(bytes));
        } catch (error) {
          assert.equal((error as NodeJS.ErrnoException).code, 'ERR_HTTPSYS_PROTOCOL');
        }
      }),
    );
  });

  test('a frame that the other side would refuse is not sent', () => {
    assert.throws(() => encodeControl(1, 1, { text: 'x'.repeat(MAX_CONTROL_FRAME_BYTES) }), { code: 'ERR_HTTPSYS_PROTOCOL' });
  });

  test('HELLO is checked field by field', () => {
    const good = ownHello('1.2.3');
    assert.deepEqual(checkHello({ ...good }), good);
    for (const bad of [
      { protocolMajor: '1' },
      { protocolMinor: -1 },
      { version: 5 },
      { version: 'x'.repeat(200) },
      { pid: 1.5 },
      { pid: undefined },
    ]) {
      assert.throws(() => checkHello({ ...good, ...bad }), { code: 'ERR_HTTPSYS_PROTOCOL' });
    }
  });
});
