/** Outcomes of the engines held against node:http's. */
import * as assert from 'node:assert/strict';
import { explain } from './differences';
import type { EngineName, Outcome } from './run';

/** The ids of the differences that account for what is not equal; fails when none do. The first outcome is node:http's. */
export function compare(name: string, engines: readonly EngineName[], [node, ...outcomes]: Outcome[]): string[] {
  assert.ok(
    node !== undefined && !node.notes.some((note) => note.startsWith('failed: ')),
    `node:http itself: ${JSON.stringify(node?.notes)}`,
  );
  return outcomes.flatMap((outcome, n) => {
    if (JSON.stringify(outcome) === JSON.stringify(node)) return [];
    const ids = explain(name, node, outcome);
    if (ids === null) assert.deepEqual(outcome, node, `${engines[n + 1]} differs from node:http, and no listed difference accounts for it`);
    return ids ?? [];
  });
}
