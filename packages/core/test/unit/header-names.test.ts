import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { describe, test } from 'node:test';
import { canonicalNames, joinRules, lowerNames, lowerOf, type JoinRule } from '../../src/queue/header-names';
import { methodCodes, methodNames } from '../../src/queue/methods';

const nativeCommon = path.join(__dirname, '..', '..', 'native', 'common');

/** The entries of an X-macro table: every string of each `X(...)` line. */
function nativeTable(file: string): string[][] {
  const source = readFileSync(path.join(nativeCommon, file), 'utf8');
  const rows: string[][] = [];
  for (const [, inside] of source.matchAll(/^\s*X\(k\w+, (.*)\)(?: \\)?$/gm)) {
    rows.push([...inside.matchAll(/"([^"]*)"/g)].map((match) => match[1]));
  }
  return rows;
}

type AddHeaderLine = (this: http.IncomingMessage, name: string, value: string, into: Record<string, unknown>) => void;

/** What node:http makes of a field that comes twice. */
function nodeDuplicate(name: string): unknown {
  const addHeaderLine = (http.IncomingMessage.prototype as unknown as { _addHeaderLine: AddHeaderLine })._addHeaderLine;
  const message = Object.create(http.IncomingMessage.prototype) as http.IncomingMessage;
  const into: Record<string, unknown> = {};
  addHeaderLine.call(message, name, 'a', into);
  addHeaderLine.call(message, name, 'b', into);
  return into[name.toLowerCase()];
}

const outcome: Record<JoinRule, unknown> = { ', ': 'a, b', first: 'a', '; ': 'a; b', array: ['a', 'b'] };

describe('header names', () => {
  test('the TypeScript and the C++ table have the same names under the same ids', () => {
    const rows = nativeTable('header_names.h');
    assert.ok(rows.length > 100, `${rows.length} rows found`);
    assert.deepEqual(
      canonicalNames.slice(1),
      rows.map((row) => row[0]),
    );
    assert.deepEqual(
      lowerNames.slice(1),
      rows.map((row) => row[1]),
    );
    assert.ok(canonicalNames.length <= 128);
  });

  test('every known spelling has its lower-case name', () => {
    assert.equal(new Set(lowerNames).size, lowerNames.length);
    for (let id = 1; id < canonicalNames.length; id++) {
      assert.equal(lowerOf.get(canonicalNames[id]), lowerNames[id]);
      assert.equal(lowerOf.get(lowerNames[id]), lowerNames[id]);
    }
  });

  test('duplicates of every known name are treated as node:http treats them', () => {
    for (const name of canonicalNames.slice(1)) {
      assert.deepEqual(nodeDuplicate(name), outcome[joinRules.get(name.toLowerCase()) ?? ', '], name);
    }
  });

  test('every name that node:http does not join into a list has a rule', () => {
    const special = [
      'age',
      'authorization',
      'content-length',
      'content-type',
      'cookie',
      'etag',
      'expires',
      'from',
      'host',
      'if-modified-since',
      'if-unmodified-since',
      'last-modified',
      'location',
      'max-forwards',
      'proxy-authorization',
      'referer',
      'retry-after',
      'server',
      'set-cookie',
      'user-agent',
    ];
    for (const name of special) {
      assert.notDeepEqual(nodeDuplicate(name), 'a, b', name);
      assert.ok(joinRules.has(name), name);
    }
    assert.equal(nodeDuplicate('x-anything'), 'a, b');
  });
});

describe('methods', () => {
  test('the TypeScript and the C++ table have the same methods under the same codes', () => {
    assert.deepEqual(
      methodNames.slice(1),
      nativeTable('http_methods.h').map((row) => row[0]),
    );
    assert.equal(methodNames[1], 'GET');
    assert.equal(methodCodes.get('PATCH'), 7);
  });

  test('every method that node:http knows has a code', () => {
    for (const method of http.METHODS) assert.ok(methodCodes.has(method), method);
  });
});
