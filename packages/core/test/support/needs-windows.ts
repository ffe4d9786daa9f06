/**
 * Tests of the suite that cannot pass in Windows' node.exe under Wine, from two lists: `wine-facts.ts`, for which it takes real Windows, and `driver-facts.ts`, which HTTP.SYS
 * itself does otherwise. `windows-preload.ts` skips them; `npm run test:windows -- --listed` runs them all the same, to find those that pass.
 */
import { driverFacts } from './driver-facts';
import { onWine } from './wine';
import { wineFacts } from './wine-facts';

export type WindowsEngine = 'embedded' | 'httpsys';

export interface ListedTests {
  engines: readonly WindowsEngine[];
  /** Facts of docs/wine.md (`WINE-8`), or rules of the HTTP Server API. */
  facts: readonly string[];
  reason: string;
  /** By file, without `.test.ts`: the tests' names, with `*` at the end for all that begin so; `*` alone is the whole file. */
  tests: Readonly<Record<string, readonly string[]>>;
}

/** Begins the reason a test is skipped with whose fact is Wine's; the runner counts by it. */
export const NEEDS_WINDOWS = 'needs real Windows: ';

/** `functional/aborts` of the path of a test file. */
export function testFileName(file: string): string {
  const parts = file.replaceAll('\\', '/').split('/');
  return `${parts.at(-2) ?? ''}/${(parts.at(-1) ?? '').replace(/\.test\.[jt]s$/, '')}`;
}

/** Whether a listed name, which may end in `*`, means the test. */
export function nameFits(listed: string, name: string): boolean {
  return listed.endsWith('*') ? name.startsWith(listed.slice(0, -1)) : listed === name;
}

/** The entries for one file on one engine; Wine's only where there is Wine. */
export function entriesFor(file: string, engine: WindowsEngine, wine = onWine): readonly ListedTests[] {
  const lists = wine ? [...wineFacts, ...driverFacts] : driverFacts;
  return lists.filter((entry) => entry.engines.includes(engine) && entry.tests[file] !== undefined);
}

/** Why none of the file is run under Wine, or null. */
export function wholeFile(file: string, engine: WindowsEngine): string | null {
  const entry = entriesFor(file, engine, true).find((one) => one.tests[file].includes('*'));
  return entry === undefined ? null : skipText(entry);
}

export function skipText({ facts, reason }: ListedTests): string {
  const text = `${facts.join(', ')}: ${reason}`;
  return facts.every((fact) => fact.startsWith('WINE-')) ? `${NEEDS_WINDOWS}${text}` : text;
}
