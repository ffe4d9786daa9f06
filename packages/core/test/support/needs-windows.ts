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
    engines: ['embedded'],
    fact: 'speed of Wine',
    reason: 'two thousand connections at once take longer on a busy machine than the test waits',
    tests: { 'functional/regressions': ['QUEUE-9: two thousand requests at once are all answered by a program on its own port'] },
  },
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
  {
    engines: ['httpsys'],
    fact: 'WINE-8',
    reason: 'a request is delivered when its body is there, in all at most 100 KB, never a chunked one, and no 100 is sent',
    tests: {
      'functional/informational': ['BODY-5: *', "'checkContinue'*", 'a server without a listener does not crash on an expectation'],
      'functional/mixed-load': ['*'],
      'functional/pipelining': [
        '1,000 requests in one write are all answered in order',
        'pipelined requests with bodies of both framings are told apart',
        'pipelined requests that come byte by byte',
      ],
      'functional/request-body': [
        'a chunked body *',
        'chunk extensions and upper-case sizes are understood',
        'a body that comes byte by byte',
        '8 MiB with *',
        'pieces reach the application as they come, before the body ends',
        "'readable' and read() deliver the body",
        'pipe into a slow writable keeps order and ends',
        'unpipe() without argument, then resume(), still reaches the end',
        "an unread body reaches 'end' after resume()",
        'PARSE-9: POST without Content-Length and without chunked',
        'a response may be sent while the body is still coming',
        'a request and a response stream at the same time',
        'complete is false until the whole body has come',
        'leaving a for await loop early leaves the response usable',
      ],
    },
  },
  {
    engines: ['httpsys'],
    fact: 'interim responses of Wine',
    reason: 'they are sent only in front of a response with MORE_DATA, and never to HTTP/1.0, which it answers with 400',
    tests: {
      'functional/informational': [
        'HTTP/1.0 clients never get an interim response',
        'writeProcessing sends 102',
        'writeEarlyHints sends 103 with its links and fields, and calls back',
        'several interim responses keep their order',
      ],
    },
  },
  {
    engines: ['httpsys'],
    fact: 'WINE-10',
    reason: 'no connection is ever closed by the service, whoever asks for it',
    tests: {
      'functional/pipelining': [
        'what follows Connection: close is not looked at',
        'a malformed request behind a good one: the good one is answered, then the connection ends',
        'a client that leaves while its pipelined requests wait',
      ],
      'functional/regressions': [
        "at 'finish' the response is detached from its socket, which can be ended there",
        'resetAndDestroy() of a connection is no error',
        "connections destroyed in their 'connection' event cost the server nothing",
        'a header block or trailers of many megabytes harm their own response only',
      ],
      'functional/response-body': [
        'more body than Content-Length says',
        'less body than Content-Length says',
        'a response destroyed while it streams ends the connection without a last chunk',
      ],
    },
  },
  {
    engines: ['httpsys'],
    fact: 'WINE-9',
    reason: "Date and Content-Length are the driver's: added when they must not be, replaced when they were given",
    tests: {
      'functional/response-body': [
        'HEAD: fields as for GET, no body, the connection goes on',
        '204 has neither body nor framing fields',
        '304 has neither body nor framing fields',
      ],
      'functional/response-headers': ['on the wire: a Date of the application stays', 'on the wire: sendDate = false'],
    },
  },
  {
    engines: ['httpsys'],
    fact: 'streaming of Wine',
    reason: 'a client that reads slowly is dropped when the socket is full',
    tests: {
      'functional/response-body': [
        '20 MiB to a slow reader: write() says false, drain comes, memory stays bounded',
        'a large body by one end() reaches a reader that pauses',
        'a buffer given to end may be used again at finish, however slowly the client reads',
      ],
    },
  },
  {
    engines: ['httpsys'],
    fact: 'speed of Wine',
    reason: 'its HTTP service walks over all connections at each event and loses some beyond sixteen',
    tests: {
      'functional/memory': ['*'],
      'functional/regressions': [
        'AsyncLocalStorage.enterWith in one listener is not seen by the requests of other connections',
        'QUEUE-9: two thousand requests at once are all answered by a program on its own port',
      ],
    },
  },
  {
    engines: ['httpsys'],
    fact: 'no output cache in Wine',
    reason: 'a cache policy is accepted and ignored',
    tests: { 'functional/regressions': ['a cache policy set after a swap of prototypes takes effect, and a wrong one throws'] },
  },
  {
    engines: ['httpsys'],
    fact: 'WINE-16',
    reason: 'the end of one process or queue closes the listening sockets of all',
    tests: {
      'functional/prefixes': [
        'closing one server leaves the others of the port',
        'one connection may visit several servers of a port',
        'one server on several prefixes and ports',
      ],
      'functional/regressions': ["a listener of 'finish' that throws keeps no answer back and is not called again"],
    },
  },
  {
    engines: ['httpsys'],
    fact: 'WINE-3, WINE-4, WINE-6',
    reason: 'only the strong wildcard and literal hosts match, paths as they came and with case, and taken prefixes are told apart by that',
    tests: {
      'functional/prefixes': [
        'ROUTE-*',
        'URL-1: *',
        'URL-3: *',
        'URL-6: an address prefix matches any Host on that local address',
        'URL-9: *',
        'URL-10: *',
        'URL-20: a prefix that is taken is EADDRINUSE with the prefix and the pid that holds it',
        'URL-22: *',
        'several prefixes are registered all or none',
        'the target reaches the application as it came, prefixPath says where it is mounted',
      ],
    },
  },
  {
    engines: ['httpsys'],
    fact: 'WINE-2',
    reason: 'a request that matches nothing waits for ever',
    tests: { 'functional/prefixes': ['2.5: *'] },
  },
  {
    engines: ['httpsys'],
    fact: 'properties of Wine',
    reason: 'queue length, timeouts, limits and named queues are not there',
    tests: { 'functional/queues': ['*'] },
  },
  {
    engines: ['embedded', 'httpsys'],
    fact: 'HTTP.SYS takes https',
    reason:
      'an https prefix is no error of the arguments on Windows: the embedded engine refuses it in an event, and Wine binds no certificate',
    tests: { 'functional/prefixes': ['https prefixes are refused with ERR_HTTPSYS_TLS_UNSUPPORTED'] },
  },
  {
    engines: ['httpsys'],
    fact: 'heads in Wine',
    reason:
      'names are compared with case, repeated known fields keep the last value, HTTP/1.0 and targets without a path are refused (WINE-7)',
    tests: {
      'functional/request-headers': [
        'rawHeaders keeps names, order and duplicates as they came',
        'fields that may come once keep the first value',
        'cookies are joined with a semicolon, set-cookie is an array, others with a comma',
        'white space around values is no part of them; empty values stay',
        'bytes beyond ASCII are Latin-1 in values',
        'versions',
        'OPTIONS * reaches the application',
        'an absolute-form target stays as it came',
        'joinDuplicateHeaders joins what would keep the first value',
      ],
    },
  },
  {
    engines: ['httpsys'],
    fact: 'no connection is closed by Wine',
    reason: 'neither HttpCancelHttpRequest nor DISCONNECT do anything (WINE-10), and the end of a connection is not told',
    tests: {
      'functional/server': [
        'close refuses new connections, finishes what is under way, then calls back',
        'close ends idle keep-alive connections',
        'closeIdleConnections ends the idle ones only',
        'closeAllConnections ends busy ones as well',
        'getConnections counts',
        'setTimeout: *',
        'setTimeout without a listener closes the connection',
        'maxRequestsPerSocket: the last response says close',
        'keepAliveTimeout closes an idle connection',
      ],
      'functional/socket': [
        'addresses stay readable after the connection has closed, as log lines need them',
        'destroy() in the middle of a response cuts the connection',
        "destroy(error): 'error' and 'close' are told once",
        'destroySoon() lets the response finish first',
        'end() on an idle connection closes it',
        "setTimeout(ms, cb) tells 'timeout' of a connection without life, once",
        "'close' is told exactly once, whoever ends the connection",
        'the way http-terminator tells idle from busy works',
      ],
      'functional/timeouts': ['*'],
      'lifetime/close': ['*'],
    },
  },
  {
    engines: ['httpsys'],
    fact: 'WINE-3, WINE-15',
    reason: 'an address in a prefix is compared with the Host field, and the socket is bound to all addresses whatever was asked for',
    tests: {
      'functional/server': [
        "listen(port, 'localhost')",
        'an address that is given is the only one bound',
        "an address that is not this machine's is EADDRNOTAVAIL",
      ],
    },
  },
  {
    engines: ['httpsys'],
    fact: 'WINE-8',
    reason: 'a chunked request is delivered without its body, and so without its trailers',
    tests: {
      'functional/observers': ["AsyncLocalStorage.enterWith in a listener holds for the body's pieces, its end and its trailers"],
      'functional/trailers': ['trailers of a request', 'trailers that come byte by byte'],
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
