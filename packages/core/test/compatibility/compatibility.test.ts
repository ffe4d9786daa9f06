/**
 * Every scenario of the tables on node:http, on the embedded engine and on the service: the bytes its client received, how the connection ended
 * and what the program saw, in order, are node:http's, or differ by a listed difference.
 */
import { describe, test } from 'node:test';
import * as assert from 'node:assert/strict';
import { compare } from './compare';
import { differences } from './differences';
import { generated, written } from './document';
import { engines, run } from './run';
import type { Scenario } from './scenario';
import { tables } from './tables';

const concurrency = 12;
const scenariosMin = 400;
const needed = new Set<string>();

async function check(name: string, scenario: Scenario): Promise<void> {
  compare(name, engines, await Promise.all(engines.map((engine) => run(engine, scenario)))).forEach((id) => needed.add(id));
}

describe('node:http, embedded and service', () => {
  for (const { subject, scenarios } of tables) {
    describe(subject, { concurrency }, () => {
      for (const scenario of scenarios) test(scenario.name, () => check(`${subject}/${scenario.name}`, scenario));
    });
  }
});

test('each listed difference is observed', () => {
  assert.deepEqual(
    differences.filter(({ id, of }) => of === undefined && !needed.has(id)).map(({ id }) => id),
    [],
  );
});

test('docs/compatibility.md is what `npm run docs:compatibility` writes', () => assert.equal(written(), generated()));

test('names are unique, and there are several hundred', () => {
  const names = tables.flatMap(({ subject, scenarios }) => scenarios.map(({ name }) => `${subject}/${name}`));
  assert.equal(new Set(names).size, names.length);
  assert.ok(names.length >= scenariosMin, String(names.length));
});
