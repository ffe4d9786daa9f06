import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { fold } from '../../src/prefix';

describe('case folding', () => {
  test('URL-1: folding agrees with the table that C++ is held to', () => {
    const rows = readFileSync(join(__dirname, '..', 'fixtures', 'fold.txt'), 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('# '));
    assert.ok(rows.length > 200);
    for (const row of rows) {
      const [input, output] = row.split('\t');
      assert.equal(fold(input), output, row);
    }
  });

  test('every folded character is the small letter that Unicode gives it, in all tables of two UTF-8 bytes', () => {
    let folded = 0;
    for (let code = 0; code < 0x800; code++) {
      const text = String.fromCharCode(code);
      if (fold(text) === text) continue;
      assert.equal(fold(text), text.toLowerCase(), code.toString(16));
      folded++;
    }
    assert.ok(folded > 190);
    // Whole blocks: what has a capital there and is not folded would be matched with regard to case.
    for (const [first, last] of [
      [0x41, 0x5a],
      [0xc0, 0xde],
      [0x100, 0x12f],
      [0x386, 0x3ab],
      [0x400, 0x42f],
    ]) {
      for (let code = first; code <= last; code++) {
        const text = String.fromCharCode(code);
        assert.equal(fold(text), text.toLowerCase(), code.toString(16));
      }
    }
  });

  test('folding twice changes nothing more, and lengths stay', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const once = fold(text);
        assert.equal(fold(once), once);
        assert.equal(once.length, text.length);
        assert.equal(Buffer.byteLength(once), Buffer.byteLength(text));
      }),
    );
  });
});
