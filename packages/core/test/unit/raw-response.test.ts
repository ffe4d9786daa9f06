/** The response that a program writes to the socket of an upgrade as text. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isInterim, RawResponse } from '../../src/http/socket/raw-response';

function read(...pieces: string[]): unknown {
  const response = new RawResponse();
  for (const piece of pieces) {
    response.add(Buffer.from(piece, 'latin1'));
    const head = response.next();
    if (head !== null) return { ...head, rest: response.rest.toString('latin1') };
  }
  return null;
}

test('status, reason, fields and what follows', () => {
  const head = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nA:b\r\n\r\n';
  const result = { status: 101, reason: 'Switching Protocols', block: 'Upgrade: x\r\nA:b\r\n', rest: 'bytes' };
  assert.deepEqual(read(`${head}bytes`), result);
  assert.deepEqual(read(...head, 'x'), { ...result, rest: '' }, 'byte by byte');
  assert.deepEqual(read('HTTP/1.0 200\r\n\r\n'), { status: 200, reason: '', block: '', rest: '' });
  assert.deepEqual(read('HTTP/1.1 200 \r\n\r\n'), { status: 200, reason: '', block: '', rest: '' });
  assert.equal(read('HTTP/1.1 200 OK\r\nA: b\r\n'), null);
  assert.equal(read('HT'), null);
});

test('anything else is ERR_HTTPSYS_RAW_RESPONSE', () => {
  for (const text of [
    'SSH-2.0\r\n',
    'http/1.1 200 OK\r\n\r\n',
    'HTTP/2 200 OK\r\n\r\n',
    'HTTP/1.1 20 OK\r\n\r\n',
    'HTTP/1.1 099 OK\r\n\r\n',
    'HTTP/1.1 200 O\0K\r\n\r\n',
    'HTTP/1.1 200 OK\r\nno colon\r\n\r\n',
    'HTTP/1.1 200 OK\r\nA : b\r\n\r\n',
    'HTTP/1.1 200 OK\r\n folded: x\r\n\r\n',
    'HTTP/1.1 200 OK\r\nA: b\nB: c\r\n\r\n',
    `HTTP/1.1 200 OK\r\n${'A: b\r\n'.repeat(20_000)}`,
    `HTTP/1.1 200 OK\r\n${'A: b\r\n'.repeat(20_000)}\r\n`,
  ]) {
    assert.throws(() => read(text), { code: 'ERR_HTTPSYS_RAW_RESPONSE' }, JSON.stringify(text.slice(0, 40)));
  }
});

test('interim statuses are those below 200 but 101', () => {
  assert.deepEqual([100, 101, 102, 103, 200].map(isInterim), [true, false, true, true, false]);
});
