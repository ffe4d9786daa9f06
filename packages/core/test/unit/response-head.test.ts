import { test } from 'node:test';
import * as assert from 'node:assert/strict';
import { composeGiven, composeStored, head, type StoredHeaders } from '../../src/http/response-head';

type Fields = Record<string, string | number | string[]>;

const stored = (fields: Fields): StoredHeaders =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name.toLowerCase(), [name, value] as [string, unknown]]));

const compose: Record<string, (fields: Fields) => void> = {
  'an object': (fields) => composeGiven(fields, null),
  'a flat array': (fields) => composeGiven(Object.entries(fields).flat(), null),
  'an array of pairs': (fields) => composeGiven(Object.entries(fields), null),
  'what setHeader has kept': (fields) => composeStored(stored(fields), null),
};

test('a place that has had no field yet takes none for known', () => {
  const filler = Array.from({ length: 15 }, (_, n): [string, string] => [`X-${n}`, 'v']);
  for (const [name, value] of [
    [null, ''],
    [undefined, undefined],
    ['', ''],
  ]) {
    assert.throws(() => composeGiven([...filler, [name, value]], null), { code: 'ERR_INVALID_HTTP_TOKEN' });
  }
});

for (const [from, run] of Object.entries(compose)) {
  test(`fields that come again and again, and others in their places, are composed as they are: from ${from}`, () => {
    const turns: [Fields, string][] = [
      [{ 'content-type': 'text/plain', 'content-length': '12' }, 'content-type: text/plain\r\ncontent-length: 12\r\n'],
      [{ 'content-type': 'text/plain', 'content-length': '12' }, 'content-type: text/plain\r\ncontent-length: 12\r\n'],
      [{ 'Content-Type': 'text/plain', 'content-length': '13' }, 'Content-Type: text/plain\r\ncontent-length: 13\r\n'],
      [{ 'content-length': '13', 'Content-Type': 'text/plain' }, 'content-length: 13\r\nContent-Type: text/plain\r\n'],
      [{ 'X-One': 'text/plain', 'Content-Type': 'text/plain' }, 'X-One: text/plain\r\nContent-Type: text/plain\r\n'],
      [{ 'X-One': ['a', 'b'], 'X-Two': 7 }, 'X-One: a\r\nX-One: b\r\nX-Two: 7\r\n'],
      [{ 'X-One': 'a', 'X-Two': '7' }, 'X-One: a\r\nX-Two: 7\r\n'],
      [{ 'X-One': '', 'X-Two': 'y'.repeat(1000) }, `X-One: \r\nX-Two: ${'y'.repeat(1000)}\r\n`],
      [{ 'X-One': '', 'X-Two': 'y'.repeat(1000) }, `X-One: \r\nX-Two: ${'y'.repeat(1000)}\r\n`],
    ];
    for (const [fields, text] of [...turns, ...turns]) {
      run(fields);
      assert.equal(head.text, text);
      const names = Object.keys(fields).map((name) => name.toLowerCase());
      assert.equal(head.contentType, names.includes('content-type'));
      assert.equal(head.contentLength, names.includes('content-length'));
      if (head.contentLength) assert.equal(head.contentLengthValue, Number(fields['content-length']));
    }
  });

  test(`more fields than places are all composed: from ${from}`, () => {
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`X-${n}`, `value ${n % 3}`]));
    const text = Object.entries(many).map(([name, value]) => `${name}: ${value}\r\n`);
    for (let time = 0; time < 3; time++) {
      run(many);
      assert.equal(head.text, text.join(''));
    }
  });

  test(`what a field says of its response is said each time: from ${from}`, () => {
    for (let time = 0; time < 3; time++) {
      run({ 'Set-Cookie': 'a=b', Vary: 'Accept', 'Cache-Control': 'no-store' });
      assert.deepEqual([head.setCookie, head.vary, head.cacheControl], [true, true, 'no-store']);
      run({ Connection: 'close', 'Transfer-Encoding': 'chunked', Trailer: 'X-T' });
      assert.deepEqual([head.connection, head.transferEncoding, head.trailer, head.setCookie, head.vary], [true, true, true, false, false]);
    }
  });
}

test('what cannot be sent is refused at a place where the same name or value was in order', () => {
  for (let time = 0; time < 2; time++) {
    composeGiven({ 'X-One': 'in order' }, null);
    for (const [name, value, code] of [
      ['X-One', 'a\r\nb', 'ERR_INVALID_CHAR'],
      ['X-One', undefined, 'ERR_HTTP_INVALID_HEADER_VALUE'],
      ['X One', 'in order', 'ERR_INVALID_HTTP_TOKEN'],
      ['', '', 'ERR_INVALID_HTTP_TOKEN'],
      ['', 'in order', 'ERR_INVALID_HTTP_TOKEN'],
      [null, '', 'ERR_INVALID_HTTP_TOKEN'],
    ]) {
      assert.throws(() => composeGiven([name, value], null), { code: code ?? undefined }, `${name}: ${value}`);
    }
  }
});
