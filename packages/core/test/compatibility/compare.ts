/** Outcomes of the engines held against node:http's. */
import * as assert from 'node:assert/strict';
import { explain, type CompatibilityDifference } from './differences';
import type { EngineName, Outcome } from './run';

/** Which differences a program may show on an engine. */
type May = (difference: CompatibilityDifference, engine: EngineName) => boolean;

/** The ids of the differences that account for what is not equal; fails when none do. The first outcome is node:http's. */
export function compare(name: string, engines: readonly EngineName[], [node, ...outcomes]: Outcome[], may: May = () => true): string[] {
  assert.ok(
    node !== undefined && !node.notes.some((note) => note.startsWith('failed: ')),
    `node:http itself: ${JSON.stringify(node?.notes)}`,
  );
  return outcomes.flatMap((outcome, n) => {
    if (JSON.stringify(outcome) === JSON.stringify(node)) return [];
    const engine = engines[n + 1]!;
    const ids = explain(name, node, outcome, (difference) => may(difference, engine));
    if (ids === null) assert.deepEqual(outcome, node, `${engine} differs from node:http, and no listed difference accounts for it`);
    return ids ?? [];
  });
}
