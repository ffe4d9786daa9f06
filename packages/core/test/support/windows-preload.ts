/**
 * Loaded before a test file on Windows (-r): skips the tests that the lists of needs-windows.ts have, and fails the file when an entry names a test
 * that does not exist (any more). A test in whose time a rule of the HTTP Server API was broken fails, with the rule (docs/windows.md, Recording).
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { TestOptions } from 'node:test';
import { entriesFor, nameFits, skipText, testFileName, type WindowsEngine } from './needs-windows';

type TestFunction = (...values: unknown[]) => unknown;

const file = testFileName(process.argv[1] ?? '');
const entries = entriesFor(file, process.env.HTTPSYS_TEST_ENGINE as WindowsEngine);
const unseen = new Set(entries.flatMap((entry) => entry.tests[file]));

function skipReason(name: string): string | null {
  let reason: string | null = null;
  for (const entry of entries) {
    for (const listed of entry.tests[file]) {
      if (!nameFits(listed, name)) continue;
      unseen.delete(listed);
      reason ??= skipText(entry);
    }
  }
  return reason;
}

/** `test(name, options?, fn?)`; a test without a name cannot be listed. */
function listedAside(original: TestFunction): TestFunction {
  return (...values) => {
    const [name, second, third] = values;
    if (typeof name !== 'string') return original(...values);
    const skip = skipReason(name);
    if (skip === null || process.env.HTTPSYS_TEST_LISTED === '1') return original(...values);
    const options = typeof second === 'object' ? (second as TestOptions) : {};
    // What makes no sense on this engine needs no real Windows either.
    if (options.skip) return original(...values);
    return original(name, { ...options, skip }, typeof second === 'function' ? second : third);
  };
}

// node:test's exports are a plain object, which compiled tests look into at each call.
const runner = require('node:test') as Record<string, TestFunction>;
/** Lines of the recording layer that were not there before: what this process, and those it has started, have broken. */
function* freshlyBroken(folder: string, seen: Map<string, number>): Generator<string> {
  for (const name of fs.readdirSync(folder)) {
    const lines = fs.readFileSync(path.join(folder, name), 'utf8').split('\n').slice(0, -1);
    yield* lines.slice(seen.get(name) ?? 0).filter((line) => line.startsWith('broken '));
    seen.set(name, lines.length);
  }
}

const recording = process.env.HTTPSYS_RECORDING;
if (recording !== undefined) {
  const seen = new Map<string, number>();
  runner.afterEach(() => {
    const broken = [...freshlyBroken(recording, seen)];
    if (broken.length > 0) throw new Error(broken.join('\n'));
  });
}

if (entries.length > 0) {
  for (const name of ['test', 'it']) runner[name] = Object.assign(listedAside(runner[name]), runner[name]);
  process.on('exit', () => {
    if (unseen.size === 0) return;
    process.stderr.write(`the lists of needs-windows.ts have tests that ${file} has not: ${[...unseen].join(', ')}\n`);
    process.exitCode = 1;
  });
}
