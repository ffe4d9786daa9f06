import { test } from 'node:test';
import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { differences, differenceFor } from '../support/differences';
import { engine } from '../support/engine';

test('every listed difference from node:http is checked by a test', (t) => {
  const sources = fs
    .readdirSync(__dirname)
    .filter((name) => /\.test\.[jt]s$/.test(name))
    .map((name) => fs.readFileSync(path.join(__dirname, name), 'utf8'))
    .join('\n');
  for (const { id, rule, reason } of differences) {
    const row = /^malformed\.(.+)$/.exec(id)?.[1];
    assert.ok(sources.includes(row ? `id: '${row}'` : `'${id}'`), `${id} is listed but no test checks it`);
    if (differenceFor(id)) t.diagnostic(`${engine}: ${id} (${rule}): ${reason}`);
  }
  assert.equal(new Set(differences.map(({ id }) => id)).size, differences.length, 'ids are unique');
});
