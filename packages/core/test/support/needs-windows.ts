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
  {
    engines: ['httpsys'],
    fact: 'no output cache in Wine',
    reason: 'a cache policy is accepted and ignored, and HttpFlushResponseCache is not there',
    tests: {
      'functional/cache-flush': ['*'],
      'functional/cache-ranges': ['*'],
      'functional/cache-serve': ['*'],
      'functional/cache-store': ['*'],
    },
  },
  {
    engines: ['httpsys'],
    fact: 'WINE-11',
    reason: "Wine's parser refuses by closing, lets other things through, and its driver does not outlive all of them (WINE-1)",
    tests: {
      'functional/malformed': ['*'],
      'functional/hostile': ['*'],
      'functional/client-error': ['*'],
      'conformance/differential': ['*'],
    },
  },
  {
    engines: ['httpsys'],
    fact: 'no disconnect notice, no cancel in Wine',
    reason: 'a client that leaves shows only in the next send (WINE-12), and no connection is ever closed (WINE-10)',
    tests: {
      'functional/aborts': [
        'a client that leaves *',
        'a client that ends its side after the request has left, as far as node:http is concerned',
        "destroying the request's socket closes the connection",
        'req.destroy*',
        'res.destroy*',
        'stream.finished*',
        'a raw-body style reader hears of a vanished client',
        'an abort without any listener does not crash the process',
      ],
      'functional/events': ['on-finished tells a disconnect'],
      'functional/keep-alive': [
        'Connection: close *',
        'shouldKeepAlive = false closes after the response',
        'HTTP/1.0 *',
        'a client that leaves an idle connection is seen by the socket, once',
        'a client that resets an idle connection harms nobody',
      ],
    },
  },
  {
    engines: ['httpsys'],
    fact: 'WINE-8',
    reason: 'a request is delivered when its body is there, in all at most 100 KB, and never a chunked one',
    tests: {
      'functional/keep-alive': ['BODY-6: a body nobody reads is drained, and the next request of the connection is served'],
      'functional/limits': ['maxRequestBodyBytes: *'],
    },
  },
  {
    engines: ['httpsys'],
    fact: 'WINE-9',
    reason: "the connection fields of a response are the driver's, and Wine writes none",
    tests: { 'functional/keep-alive': ['HTTP/1.1 stays open and says so as node:http does'] },
  },
  {
    engines: ['httpsys'],
    fact: 'WINE-15',
    reason: 'its service listens on IPv4 only, for anybody, and looks at no rights',
    tests: { 'functional/addresses': ['*'] },
  },
  {
    engines: ['httpsys'],
    fact: 'WINE-16',
    reason: 'the end of one process closes the listening sockets of all, so that no other can be asked afterwards',
    tests: { 'functional/app-failures': ['*'], 'functional/cluster': ['*'] },
  },
  {
    engines: ['httpsys'],
    fact: 'limits of Wine',
    reason: 'its limits of heads and targets are others, and its pages have no status of their own',
    tests: {
      'functional/keep-alive': ['empty lines before a request line are skipped (RFC 9112 section 2.2)'],
      'functional/limits': [
        'a header block beyond 16 KiB is 431',
        'many fields beyond 16 KiB together are 431',
        'more than 1,000 fields',
        'a target beyond 16 KiB',
        'a path segment beyond 260 characters',
        'a path of more than 255 segments',
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
