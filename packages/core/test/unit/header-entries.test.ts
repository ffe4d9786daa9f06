import { test } from 'node:test';
import * as assert from 'node:assert/strict';
import { readHeaderEntries } from '../../src/queue/header-entries';

const protocolError = { code: 'ERR_HTTPSYS_PROTOCOL' };
const spelled = (name: string, value: string): string =>
  `\0${String.fromCharCode(value.length & 0xff, value.length >> 8, name.length & 0xff, name.length >> 8)}${name}${value}`;

test('entries are read with names from the table and names written out', () => {
  const text = `xx\x01\x03\x00abc${spelled('X-Own', 'v')}`;
  const [first, value, ...rest] = readHeaderEntries(text, 2, 2);
  assert.ok(first !== undefined && first.length > 0);
  assert.deepEqual([value, ...rest], ['abc', 'X-Own', 'v']);
});

test('a count beyond what the frame holds is a protocol error', () => {
  const text = spelled('a', 'b');
  assert.deepEqual(readHeaderEntries(text, 0, 1), ['a', 'b']);
  for (const count of [2, 3, 65535]) assert.throws(() => readHeaderEntries(text, 0, count), protocolError, String(count));
});

test('a length that runs past the end of the frame is a protocol error', () => {
  for (const text of ['\x01\xff\xffabc', '\0\x01\x00\xff\x00ab', '\0\x01', '\x01', '']) {
    assert.throws(() => readHeaderEntries(text, 0, 1), protocolError, JSON.stringify(text));
  }
});

test('a name that is in no table is a protocol error', () => {
  for (const id of [0x7f, 0x80, 0xff])
    assert.throws(() => readHeaderEntries(`${String.fromCharCode(id)}\0\0`, 0, 1), protocolError, String(id));
});
