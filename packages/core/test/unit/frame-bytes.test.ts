import { test } from 'node:test';
import * as assert from 'node:assert/strict';
import { readLatin1, readU16, readU32, writeLatin1, writeUtf8 } from '../../src/queue/frame-bytes';
import { isInvalidValue } from '../../src/http/response-head';

test('integers are read as Buffer reads them', () => {
  for (const value of [0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfedcba98, 0xffffffff]) {
    const bytes = Buffer.alloc(7);
    bytes.writeUInt32LE(value, 3);
    assert.equal(readU32(bytes, 3), value);
    assert.equal(readU16(bytes, 3), value & 0xffff);
  }
});

test('text is written and read as Buffer does it, whatever its length and letters', () => {
  const units = ['a', '\0', '\x7f', '\x80', 'ÿ', 'ß', 'Ā', '\u07ff', '\u0800', '€', '\uffff', '😀', '\ud800', '\udc00'];
  for (let length = 0; length < 40; length++) {
    for (const unit of units) {
      for (const text of ['x'.repeat(length), 'x'.repeat(length) + unit, unit + 'x'.repeat(length), unit.repeat(length)]) {
        const bytes = Buffer.alloc(text.length * 3 + 2, 0xee);
        const count = writeUtf8(bytes, text, 1);
        assert.deepEqual(bytes.subarray(1, 1 + count), Buffer.from(text, 'utf8'), JSON.stringify(text));
        assert.equal(bytes[0], 0xee);
        assert.equal(writeLatin1(bytes, text, 1), text.length);
        assert.equal(readLatin1(bytes, 1, 1 + text.length), Buffer.from(text, 'latin1').toString('latin1'));
      }
    }
  }
});

test('a value that cannot be sent is found at any length and place', () => {
  const refused = /[^\t\x20-\x7e\x80-\xff]/;
  for (const length of [0, 1, 5, 31, 32, 33, 200]) {
    for (let unit = 0; unit <= 0x110; unit++) {
      for (const value of ['v'.repeat(length) + String.fromCharCode(unit), String.fromCharCode(unit) + 'v'.repeat(length)]) {
        assert.equal(isInvalidValue(value), refused.test(value), JSON.stringify(value));
      }
    }
  }
});
