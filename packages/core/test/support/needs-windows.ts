/**
 * Tests that cannot pass under Wine, each with the fact that prevents it: of Wine's HTTP service (WINE-n, docs/windows.md) for the engine
 * `httpsys`, of Wine's or Windows' sockets and processes for `embedded`. On real Windows the list is not looked at.
 * `windows-preload.ts` skips them; `npm run test:windows -- --listed` runs them all the same, to find those that pass.
 */

export type WindowsEngine = 'embedded' | 'httpsys';

export interface NeedsWindows {
  engines: readonly WindowsEngine[];
  /** WINE-n, or the part of Wine that differs. */
  fact: string;
  reason: string;
  /** By file, without `.test.ts`: the tests' names, with `*` at the end for all that begin so; `*` alone is the whole file. */
  tests: Readonly<Record<string, readonly string[]>>;
}

export const needsWindows: readonly NeedsWindows[] = [
  {
    engines: ['embedded', 'httpsys'],
    fact: 'HTTP.SYS in place of the service',
    reason: 'the test names the service, which does not exist on Windows',
    tests: { 'functional/server': ['HTTPSYS_ENGINE chooses where the program does not'] },
  },
  {
    engines: ['embedded', 'httpsys'],
    fact: 'sockets of Wine',
    reason: 'a send of any size is complete at once, so that a client never sees that nobody reads; the same with node:http',
    tests: { 'functional/request-body': ['a paused body stalls the client, and everything arrives after resume'] },
  },
  {
    engines: ['embedded'],
    fact: 'sockets of Wine',
    reason:
      'bytes sent one by one are read together, and node:http, the oracle, forgets the good requests before a bad one in the same read',
    tests: {
      'conformance/differential': [
        'every difference of the hand-written streams is accounted for, and every rule has one',
        'every difference of the generated streams is accounted for',
      ],
    },
  },
];

/** `functional/aborts` of the path of a test file. */
export function testFileName(file: string): string {
  const parts = file.replaceAll('\\', '/').split('/');
  return `${parts.at(-2) ?? ''}/${(parts.at(-1) ?? '').replace(/\.test\.[jt]s$/, '')}`;
}

/** Whether a listed name, which may end in `*`, means the test. */
export function nameFits(listed: string, name: string): boolean {
  return listed.endsWith('*') ? name.startsWith(listed.slice(0, -1)) : listed === name;
}

/** The entries of the list for one file on one engine. */
export function entriesFor(file: string, engine: WindowsEngine): readonly NeedsWindows[] {
  return needsWindows.filter((entry) => entry.engines.includes(engine) && entry.tests[file] !== undefined);
}

/** Begins the reason a listed test is skipped with; the runner counts by it. */
export const NEEDS_WINDOWS = 'needs real Windows: ';

/** Why the whole file needs real Windows, or null. */
export function wholeFile(file: string, engine: WindowsEngine): string | null {
  const entry = entriesFor(file, engine).find((one) => one.tests[file].includes('*'));
  return entry === undefined ? null : skipText(entry);
}

export const skipText = (entry: NeedsWindows): string => `${NEEDS_WINDOWS}${entry.fact}: ${entry.reason}`;
