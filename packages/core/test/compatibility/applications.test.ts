/**
 * Unmodified programs in processes of their own, under `--import @httpsys/core/slipstream` on the embedded engine and on the service, and as they are on
 * node:http: what their clients receive, what the programs see and print, and how they end are the same, or differ by a listed difference.
 */
import { after, describe, test } from 'node:test';
import * as assert from 'node:assert/strict';
import { applications } from './applications';
import { Running } from './applications/run';
import { compare } from './compare';
import { differences } from './differences';
import { engines } from './run';

/** Applications at a time; each has three processes. */
const concurrency = 3;
const needed = new Set<string>();

describe('unmodified applications', { concurrency }, () => {
  for (const application of applications) {
    describe(application.name, { concurrency: 1 }, () => {
      const running = new Running(application);
      after(() => running.end());

      for (const scenario of application.scenarios) {
        test(scenario.name, async () => {
          const name = `${application.name}/${scenario.name}`;
          const outcomes = await running.run(scenario);
          const ids = compare(name, engines, outcomes, ({ slipstreamed }, engine) => slipstreamed === undefined || slipstreamed === engine);
          ids.forEach((id) => needed.add(id));
        });
      }

      test('nothing else is said on stderr', () => {
        const [node, ...own] = running.complaints();
        for (const { engine, lines } of own) assert.deepEqual(lines, node!.lines, engine);
      });
    });
  }
});

test('each difference that is listed for applications is observed', () => {
  const listed = differences.filter(({ of }) => of === 'applications').map(({ id }) => id);
  assert.deepEqual(
    listed.filter((id) => !needed.has(id)),
    [],
  );
});
