/**
 * Tests that a fact of Wine prevents (docs/wine.md, by number), on HTTP.SYS as Wine has it. On real Windows nobody looks at this list. An entry that ends in `*` is
 * for all tests that begin so; a whole file has `*` where each of its tests is prevented, or where some of them end the HTTP service of the rest.
 */
import type { ListedTests } from './needs-windows';

export const wineFacts: readonly ListedTests[] = [
  {
    engines: ['httpsys'],
    facts: ['WINE-19'],
    reason: 'there is no output cache; a test that something is not stored would pass for that alone',
    tests: {
      'functional/cache-flush': ['CACHE-*', 'flushing the same page again and again while it is asked for'],
      'functional/cache-ranges': ['*'],
      'functional/cache-serve': [
        'CACHE-*',
        'an entry without a time to live outlasts one with',
        'hits are counted by queryState',
        'single flight: while an entry is renewed, one request goes to the application and the rest wait for it',
      ],
      'functional/cache-store': [
        'CACHE-*',
        '5.2: *',
        'a policy for *',
        'a policy of the server goes for every response that sets none',
        "res.cacheDuration is the original package's name for the time to live",
        'HTTPSYS_CACHE_DURATION is the policy of programs that cannot be edited',
      ],
      'functional/regressions': ['a cache policy set after a swap of prototypes takes effect, and a wrong one throws'],
    },
  },
  {
    engines: ['httpsys'],
    facts: ['WINE-11', 'WINE-1'],
    reason: 'its parser refuses by closing, lets other things through, and its driver does not outlive all of them',
    tests: { 'functional/malformed': ['*'], 'functional/hostile': ['*'] },
  },
  {
    engines: ['httpsys'],
    facts: ['WINE-20', 'WINE-12', 'WINE-10'],
    reason: 'a client that leaves shows only in the next send, and no connection is ever closed',
    tests: {
      'functional/aborts': [
        'a client that leaves in the middle of its body *',
        'a client that leaves before the answer: close without finish',
        'a client that resets: *',
        'a body in chunks whose client has left *',
        'a client that ends its side after the request has left, as far as node:http is concerned',
        "destroying the request's socket closes the connection",
        'req.destroy*',
        'res.destroy*',
        'stream.finished*',
        'a raw-body style reader hears of a vanished client',
        'an abort without any listener does not crash the process',
      ],
      'functional/events': ['on-finished tells a disconnect'],
      'functional/interleavings': ['*'],
      'functional/keep-alive': [
        'a client that leaves an idle connection is seen by the socket, once',
        'a client that resets an idle connection harms nobody',
      ],
      'functional/observers': ['async_hooks: listeners run in a resource of type HTTPINCOMINGMESSAGE, which is destroyed'],
      'functional/socket': [
        'addresses stay readable after the connection has closed, as log lines need them',
        "setTimeout(ms, cb) tells 'timeout' of a connection without life, once",
        "'close' is told exactly once, whoever ends the connection",
      ],
      'lifetime/close': ['closeAllConnections inside a request listener', 'writing to a response after its server has closed harms nobody'],
      'lifetime/leaks': ['*'],
    },
  },
  {
    engines: ['httpsys'],
    facts: ['WINE-10'],
    reason: 'no connection is ever closed by the service, whoever asks for it',
    tests: {
      'functional/connection-fields': [
        'a removed Connection field is not sent either when the connection closes',
        'useChunkedEncodingByDefault = false: *',
        'a removed Transfer-Encoding: *',
      ],
      'functional/keep-alive': [
        'Connection: close *',
        'shouldKeepAlive = false closes after the response',
        'HTTP/1.0 closes after the response unless asked otherwise',
        'server.close closes idle connections by the method a program may have replaced',
        'HTTP/1.0 with an unknown length ends by closing and is never chunked',
      ],
      'functional/node-options': ['strictContentLength: a mismatch throws'],
      'functional/observers': ['captureRejections: an async listener that rejects is 500, its fields dropped; begun, the connection ends'],
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
      'functional/server': [
        'close refuses new connections, finishes what is under way, then calls back',
        'close ends idle keep-alive connections',
        'closeIdleConnections ends the idle ones only',
        'closeAllConnections ends busy ones as well',
        'getConnections counts',
        'setTimeout: *',
        'setTimeout without a listener closes the connection',
        'keepAliveTimeout closes an idle connection',
      ],
      'functional/socket': [
        'destroy() in the middle of a response cuts the connection',
        "destroy(error): 'error' and 'close' are told once",
        'destroySoon() lets the response finish first',
        'end() on an idle connection closes it',
        'the way http-terminator tells idle from busy works',
      ],
    },
  },
  {
    engines: ['httpsys'],
    facts: ['WINE-8'],
    reason: 'a request is delivered when its body is there, in all at most 100 KB, never a chunked one, and no 100 is sent',
    tests: {
      'conformance/packages': ['Express *'],
      'functional/early-answer': ['*'],
      'functional/events': ['a swapped prototype, as Express does it, keeps requests and responses working'],
      'functional/informational': ['BODY-5: *', "'checkContinue'*", 'a server without a listener does not crash on an expectation'],
      'functional/keep-alive': ['BODY-6: a body nobody reads is drained, and the next request of the connection is served'],
      'functional/limits': ['maxRequestBodyBytes: *'],
      'functional/mixed-load': ['*'],
      'functional/observers': ["AsyncLocalStorage.enterWith in a listener holds for the body's pieces, its end and its trailers"],
      'functional/pipelining': [
        '1,000 requests in one write are all answered in order',
        'pipelined requests with bodies of both framings are told apart',
        'pipelined requests that come byte by byte',
      ],
      'functional/request-body': [
        'a chunked body *',
        'chunk extensions and upper-case sizes are understood',
        'a body that comes byte by byte',
        'setEncoding joins characters that two pieces share',
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
      'functional/timeouts': ['entityBody does not count while the application does not read'],
      'lifetime/close': ['close while a request body is coming'],
      'lifetime/exit': ["process.exit inside 'data' of a body"],
    },
  },
  {
    engines: ['httpsys'],
    facts: ['WINE-9'],
    reason: 'Content-Length is added to what has no body, and no field of the connection is ever written',
    tests: {
      'functional/response-body': [
        'HEAD: fields as for GET, no body, the connection goes on',
        '204 has neither body nor framing fields',
        '304 has neither body nor framing fields',
      ],
    },
  },
  {
    engines: ['httpsys'],
    facts: ['WINE-15', 'WINE-3'],
    reason: 'it listens on IPv4 only and for anybody, and compares an address in a prefix with the Host field',
    tests: {
      'functional/addresses': ['*'],
      'functional/listen': [
        'the port is bound before listen returns',
        'any Host is served, whatever the address',
        'ipv6Only leaves the port to IPv4, both ways round',
        'one port on two addresses is two servers',
        'an address of another machine is EADDRNOTAVAIL',
      ],
      'functional/server': [
        "listen(port, 'localhost')",
        'an address that is given is the only one bound',
        "an address that is not this machine's is EADDRNOTAVAIL",
      ],
    },
  },
  {
    engines: ['httpsys'],
    facts: ['WINE-16'],
    reason: 'the end of one process or queue closes the listening sockets of all',
    tests: {
      'functional/app-failures': [
        'an application that *',
        'requests that arrive together with one whose listener throws are served',
        'an application killed while it answers *',
        'another prefix of the port never notices that an application dies',
        '2.5: *',
        'while an application is blocked, its cached pages and other prefixes answer',
      ],
      'functional/prefixes': ['closing one server leaves the others of the port', 'one server on several prefixes and ports'],
      'functional/regressions': ["a listener of 'finish' that throws keeps no answer back and is not called again"],
      'lifetime/workers': [
        'worker threads that are terminated with a request under way',
        'the main thread serves while workers come and go',
      ],
    },
  },
  {
    engines: ['httpsys'],
    facts: ['WINE-21', 'WINE-16'],
    reason: 'queues have no names, so workers share none, and the end of one closes the sockets of the others',
    tests: {
      'functional/cluster': ['*'],
      'functional/cluster-life': ['*'],
      'functional/queues': [
        'two processes on one queue *',
        'a process that dies *',
        'what is queued when *',
        'QUEUE-3: *',
        'two servers of *',
      ],
    },
  },
  {
    engines: ['httpsys'],
    facts: ['WINE-22'],
    reason: 'queue length, timeouts and limits are not there',
    tests: {
      'functional/queues': [
        'QUEUE-9: *',
        'a client that leaves while its request waits in the queue is forgotten',
        'requestQueue: *',
        'maxConnections: *',
      ],
      'functional/timeouts': [
        'headerWait: *',
        'idleConnection: a keep-alive connection without a request is closed',
        'idleConnection: a connection that never says anything is closed',
        'entityBody: a body that stalls aborts its request',
        'drainEntityBody: *',
      ],
    },
  },
  {
    engines: ['httpsys'],
    facts: ['WINE-23'],
    reason:
      'names of fields are compared with case, repeated ones keep the last value, and a head has no limits with a status of their own',
    tests: {
      'conformance/packages': ['fastify.listen binds once and closes'],
      'functional/keep-alive': ['empty lines before a request line are skipped (RFC 9112 section 2.2)'],
      'functional/limits': [
        'more than 1,000 fields',
        'a target beyond 16 KiB',
        'a path segment beyond 260 characters',
        'a path of more than 255 segments',
      ],
      'functional/request-headers': [
        'white space around values is no part of them; empty values stay',
        'bytes beyond ASCII are Latin-1 in values',
        'versions',
        'OPTIONS * reaches the application',
        'an absolute-form target stays as it came',
      ],
    },
  },
  {
    engines: ['httpsys'],
    facts: ['WINE-24'],
    reason: 'a client that reads slowly is cut off',
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
    facts: ['WINE-25'],
    reason: 'it is slow, and beyond sixteen connections it loses some',
    tests: {
      'functional/memory': ['*'],
      'functional/regressions': [
        'AsyncLocalStorage.enterWith in one listener is not seen by the requests of other connections',
        'QUEUE-9: two thousand requests at once are all answered by a program on its own port',
      ],
      'lifetime/collection': ['20,000 requests leave heap and resident memory flat'],
    },
  },
  {
    engines: ['httpsys'],
    facts: ['WINE-3', 'WINE-4', 'WINE-6'],
    reason: 'only the strong wildcard and literal hosts match, paths as they came and with case, and taken prefixes are told apart by that',
    tests: {
      'functional/prefixes': [
        'ROUTE-1 to ROUTE-3: the worked table of the four buckets',
        'ROUTE-6, ROUTE-10, ROUTE-11: routing uses the cooked path',
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
    facts: ['WINE-2'],
    reason: 'a request that matches nothing waits for ever',
    tests: { 'functional/prefixes': ['2.5: *'] },
  },
  {
    engines: ['httpsys'],
    facts: ['WINE-26'],
    reason: 'what a client sends behind a 101 can never be read, and CONNECT is not delivered',
    tests: {
      'conformance/websockets': ['*'],
      'functional/upgrade': ['*'],
      'functional/upgrade-failures': ['*'],
    },
  },
  {
    engines: ['embedded', 'httpsys'],
    facts: ['WINE-27'],
    reason: 'an https prefix is no error of the arguments on Windows, and Wine binds no certificate',
    tests: { 'functional/prefixes': ['https prefixes are refused with ERR_HTTPSYS_TLS_UNSUPPORTED'] },
  },
  {
    engines: ['embedded', 'httpsys'],
    facts: ['WINE-28'],
    reason: 'a send of any size is complete at once, so that a client never sees that nobody reads; the same with node:http',
    tests: { 'functional/request-body': ['a paused body stalls the client, and everything arrives after resume'] },
  },
  {
    engines: ['embedded'],
    facts: ['WINE-28'],
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
    engines: ['embedded'],
    facts: ['WINE-29'],
    reason: 'two thousand connections at once take longer on a busy machine than the test waits',
    tests: { 'functional/regressions': ['QUEUE-9: two thousand requests at once are all answered by a program on its own port'] },
  },
  {
    engines: ['embedded'],
    facts: ['WINE-30'],
    reason: 'the end of a connection is not always told',
    tests: {
      'functional/interleavings': ['*'],
      'functional/upgrade-failures': ['the application is killed in mid-stream: the other side hears of it, and others do not'],
    },
  },
];
