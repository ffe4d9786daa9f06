/**
 * Tests of what HTTP.SYS does otherwise than node:http and the portable engine, by the rule of the HTTP Server API (or of docs/windows.md) that decides it. They
 * make no sense on that engine, under Wine or on Windows.
 */
import type { ListedTests } from './needs-windows';

export const driverFacts: readonly ListedTests[] = [
  {
    engines: ['httpsys'],
    facts: ['SEND-2'],
    reason: 'the driver writes Date itself, always',
    tests: {
      'functional/connection-fields': ['a removed Date field is not sent'],
      'functional/response-headers': ['on the wire: a Date of the application stays', 'on the wire: sendDate = false'],
    },
  },
  {
    engines: ['httpsys'],
    facts: ['SEND-9'],
    reason: 'the API has no interim responses',
    tests: {
      'functional/informational': [
        'HTTP/1.0 clients never get an interim response',
        'writeProcessing sends 102',
        'writeEarlyHints sends 103 with its links and fields, and calls back',
        'several interim responses keep their order',
        'an interim response that a program writes in pieces',
      ],
    },
  },
  {
    engines: ['httpsys'],
    facts: ['SEND-10'],
    reason: 'keeping connections is the driver’s: it says nothing of its timeout',
    tests: {
      'functional/keep-alive': ['HTTP/1.1 stays open and says so as node:http does'],
      'functional/node-options': ['keepAliveTimeout *', 'keepAliveTimeout: *'],
    },
  },
  {
    engines: ['httpsys'],
    facts: ['PARSE-1', 'PARSE-2'],
    reason: 'the driver joins fields and forgets the order and spelling of known ones',
    tests: {
      'functional/request-headers': [
        'rawHeaders keeps names, order and duplicates as they came',
        'fields that may come once keep the first value',
        'cookies are joined with a semicolon, set-cookie is an array, others with a comma',
        'joinDuplicateHeaders joins what would keep the first value',
      ],
    },
  },
  {
    engines: ['httpsys'],
    facts: ['PARSE-12'],
    reason: 'the API does not hand over trailers of requests',
    tests: { 'functional/trailers': ['trailers of a request', 'trailers that come byte by byte'] },
  },
  {
    engines: ['httpsys'],
    facts: ['ROUTE-9'],
    reason: 'the driver refuses HTTP/1.1 without Host, by its own page',
    tests: {
      'functional/node-options': ['requireHostHeader: false takes HTTP/1.1 without Host', 'requireHostHeader is true by default'],
    },
  },
  {
    engines: ['httpsys'],
    facts: ['section 10'],
    reason: 'limits of a head are in the registry, and are told by 400',
    tests: {
      'functional/limits': ['a header block beyond 16 KiB is 431', 'many fields beyond 16 KiB together are 431'],
      'functional/node-options': [
        'maxHeaderSize: a longer head is 431, also when the limit is below the default',
        'maxHeaderSize: a head beyond the default is served when the limit allows it',
      ],
    },
  },
  {
    engines: ['httpsys'],
    facts: ['section 8.2', 'section 8.5'],
    reason: 'the driver has no time limit of a whole request, and turns clients away without a word to the program',
    tests: {
      'functional/node-options': [
        'requestTimeout: a request whose body drips is given up with 408',
        "maxConnections, also set while listening: 'drop' tells the client that is turned away",
      ],
    },
  },
  {
    engines: ['httpsys'],
    facts: ['section 2.5'],
    reason: 'malformed requests are answered by the driver, and no program hears of them',
    tests: { 'functional/client-error': ['*'], 'conformance/differential': ['*'] },
  },
  {
    engines: ['httpsys'],
    facts: ['URL-20', 'URL-23'],
    reason: 'addresses and errors of listen are told in the words of HTTP.SYS',
    tests: {
      'functional/listen': [
        'address() has the address, family and port in node:http’s form',
        'a port that is taken is EADDRINUSE in node:http’s words, on the next turn',
      ],
    },
  },
  {
    engines: ['httpsys'],
    facts: ['UP-10'],
    reason: 'the API has no tunnels',
    tests: { 'functional/connect': ['*'] },
  },
  {
    engines: ['embedded', 'httpsys'],
    facts: ['docs/windows.md'],
    reason: 'the test names the service, in whose place Windows has HTTP.SYS',
    tests: { 'functional/server': ['HTTPSYS_ENGINE chooses where the program does not'] },
  },
  {
    engines: ['embedded'],
    facts: ['docs/windows.md'],
    reason: "Node for Windows asks the listener's handle for setSimultaneousAccepts first, and throws a TypeError of its own",
    tests: { 'functional/server': ['a server that is sent to another process is refused, for its listener is no handle'] },
  },
];
