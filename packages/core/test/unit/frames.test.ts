import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadAddon } from '../../src/carriers/load-addon';
import * as frames from '../../src/queue/frames';

test('the frame tables of TypeScript and C++ are the same', () => {
  const native = loadAddon().frameTable();
  const ours = Object.entries(frames).filter((entry): entry is [string, number] => typeof entry[1] === 'number');
  assert.ok(ours.length > 50);
  for (const [name, value] of ours) {
    if (name === 'SlotMask') continue;
    assert.equal(native[name], value, `${name} differs`);
  }
  const constants = Object.keys(native).filter((name) => typeof native[name] === 'number');
  const missing = constants.filter((name) => !(name in frames));
  assert.deepEqual(missing, [], 'constants of frames.h without a twin in frames.ts');
});
