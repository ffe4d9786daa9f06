/**
 * Where an engine of this package knowingly differs from node:http, each with the rule that decides it. A test states both sides with
 * `sameAsNode`: on an engine listed here, node:http's behaviour must *not* be observed, so that a difference which went away is noticed.
 */
import * as assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { engine, type EngineName } from './engine';

export interface Difference {
  /** What a test calls it. */
  id: string;
  /** Rule of the reference, RFC section, or part of the design that decides. */
  rule: string;
  reason: string;
  /** Engines it applies to; all of this package's when absent. */
  engines?: EngineName[];
}

/** Requests that node:http lets through or answers otherwise, by the rule that refuses them. */
const malformed: [rule: string, reason: string, ids: string[]][] = [
  ['RFC 9112 section 3', 'a request line is method, one space, target, one space, version', ['no-version', 'http-0.9', 'two-spaces']],
  [
    'http-server-api 2.5, 505',
    'a version other than 1.x is refused by its own status',
    ['version-2.0', 'version-3.0', 'version-9.9', 'h2-preface'],
  ],
  [
    'PARSE-5',
    'a malformed escape, invalid UTF-8 or an escaped control character is an invalid URL',
    [
      'percent-alone',
      'percent-one-digit',
      'percent-no-hex',
      'percent-percent',
      'percent-bad-utf8',
      'percent-nul',
      'percent-control',
      'percent-crlf',
    ],
  ],
  [
    'RFC 9112 section 3.2, PARSE-4',
    'a target must have the form its method allows',
    ['asterisk-for-get', 'absolute-without-host', 'absolute-slash-in-query', 'absolute-other-scheme'],
  ],
  [
    'RFC 9112 section 3.2',
    'a request with several or invalid Host fields is refused',
    [
      'host-twice',
      'host-two-values',
      'host-with-path',
      'host-with-userinfo',
      'host-bad-port',
      'host-port-too-big',
      'host-with-space',
      'host-bad-ipv6',
    ],
  ],
  ['RFC 9112 section 6.1', 'a transfer coding that is not understood is 501', ['te-unknown', 'te-gzip-chunked', 'te-chunked-gzip']],
  ['RFC 9112 section 6.1', 'Transfer-Encoding in an HTTP/1.0 request is faulty framing', ['te-in-1.0']],
  ['PARSE-9', 'POST and PUT need a length or chunked', ['post-without-length', 'put-without-length']],
  ['RFC 9112 section 7.1.1', 'a chunk extension beyond the bound is a malformed request', ['chunk-extension-flood']],
];

export const differences: Difference[] = [
  {
    id: 'pipelining.delivery',
    rule: 'RECV-7',
    reason: 'a pipelined request is delivered after the response before it is complete; node:http delivers all at once',
  },
  {
    id: 'pipelining.after-close',
    rule: 'RFC 9112 section 9.6',
    reason: 'bytes behind a request with Connection: close are ignored, and everything before them is answered',
  },
  {
    id: 'body.post-without-length',
    rule: 'PARSE-9',
    reason: 'POST and PUT without a length are answered with 411 before the application sees them, unless nodeDefaults is set',
  },
  {
    id: 'response.content-length-exceeded',
    rule: 'docs/frames.md, rules of a response',
    reason: 'body bytes beyond Content-Length are dropped and the connection is closed; node:http sends them into the next response',
  },
  {
    id: 'response.content-length-unmet',
    rule: 'docs/frames.md, rules of a response',
    reason: 'a response shorter than its Content-Length closes the connection; node:http leaves its client waiting',
  },
  {
    id: 'client-error.pipelined',
    rule: 'RECV-7',
    reason: 'bytes behind a request are looked at when it was answered; node:http reports them at once, in place of the answer',
  },
  {
    id: 'response.removed-transfer-encoding',
    rule: 'RFC 9112 section 9.6',
    reason: 'a response whose body ends with the connection says Connection: close; node:http says keep-alive and closes',
  },
  {
    id: 'response.length-beside-close',
    rule: 'SEND-4',
    reason: 'HTTP.SYS adds Content-Length to what it is given as a whole, also where the body ends with the connection',
    engines: ['httpsys'],
  },
  {
    id: 'early-answer.abort',
    rule: 'GONE-1',
    reason: 'a request whose body breaks off behind its complete response is told so; node:http leaves its reader waiting',
  },
  {
    id: 'limits.connections',
    rule: 'http-server-api 2.5, ConnLimit',
    reason: 'a client beyond maxConnections is answered with 503 when its request has come; node:http closes it without a word',
  },
  {
    id: 'aborts.half-close',
    rule: 'GONE-3',
    reason: 'a client that ended its side gets an answer that comes soon, unless nodeDefaults is set; node:http drops it',
  },
  {
    id: 'limits.header-count',
    rule: 'design, Semantics: limit on header count',
    reason: 'more than 1,000 fields are refused; node:http cuts the list at 2,000 silently',
  },
  {
    id: 'limits.target',
    rule: 'http-server-api 2.5',
    reason: 'a target that is too long has its own status, 414',
  },
  {
    id: 'limits.segments',
    rule: 'http-server-api 8, UrlSegmentMaxLength and UrlSegmentMaxCount',
    reason: 'paths of more than 255 segments or segments of more than 260 characters are invalid URLs',
  },
  {
    id: 'limits.response-field',
    rule: 'http-server-api 4.1',
    reason: 'a response field has at most 65,535 bytes; a longer one is a fault of the application, which the client hears of as 500',
  },
  {
    id: 'upgrade.no-response',
    rule: 'UP-3, docs/frames.md, Upgrades and CONNECT',
    reason:
      'what is written to the socket of an upgrade begins with an HTTP response, which HTTP.SYS takes apart; node:http sends any bytes',
  },
  {
    id: 'response.raw-bytes',
    rule: 'docs/frames.md, rules of a response',
    reason:
      'what is written to the socket of a request is one HTTP response, behind which the connection ends, or the connection is destroyed; node:http sends any bytes',
  },
  {
    id: 'upgrade.body',
    rule: 'RFC 9110 section 7.8',
    reason: 'the content of a request that asks for an upgrade is read as its body; node:http before 24.9 takes it for the new protocol',
  },
  {
    id: 'upgrade.host',
    rule: 'RFC 9112 section 3.2, ROUTE-9',
    reason: 'an upgrade needs a Host as every request does, for it is routed by it; node:http does not look',
  },
  {
    id: 'keep-alive.default',
    rule: 'http-server-api 8.2, IdleConnection',
    reason:
      'where a program sets nothing an idle connection lives 120 seconds, and its client is told so; 5 seconds on node:http, and with nodeDefaults',
  },
  {
    id: 'keep-alive.timeout-event',
    rule: 'http-server-api 8.2, IdleConnection',
    reason: "a connection that was idle for its time is closed by the engine; node:http lets 'timeout' of the server decide about it",
  },
  {
    id: 'close.head-on-its-way',
    rule: 'SHUT-7',
    reason: 'a server that closes finishes the requests it was given; node:http also waits for heads that are still coming',
    engines: ['embedded'],
  },
  {
    id: 'client-error.once',
    rule: 'docs/frames.md, Malformed requests',
    reason:
      "what a client sends behind what was no request is thrown away; node:http parses on, and reports 'clientError' for each piece until the socket is closed",
  },
  {
    id: 'client-error.bytes-parsed',
    rule: 'docs/frames.md, Malformed requests',
    reason: "`bytesParsed` is how far the engine's parser had understood whole parts; node:http counts bytes inside of a part",
  },
  {
    id: 'response.two-lengths',
    rule: 'docs/frames.md, rules of a response',
    reason:
      'a response with several Content-Length fields is a fault of the application, which the client hears of as 500; node:http sends them',
  },
  {
    id: 'body.broken-with-its-head',
    rule: 'RECV-1',
    reason: 'a body that is found broken when its head is read is refused with it; node:http has delivered the request by then',
  },
  {
    id: 'socket.high-water-mark',
    rule: 'docs/frames.md, Back-pressure',
    reason: 'the marks of back-pressure are 64 KiB on every version, as those of Node 22 and later are; 16 KiB on Node 20',
  },
  ...malformed.flatMap(([rule, reason, ids]) => ids.map((id) => ({ id: `malformed.${id}`, rule, reason }))),
];

const byId = new Map(differences.map((difference) => [difference.id, difference]));

/** The listed difference of `id` that applies to the engine under test. */
export function differenceFor(id: string): Difference | null {
  const difference = byId.get(id);
  if (!difference || engine === 'node') return null;
  return !difference.engines || difference.engines.includes(engine) ? difference : null;
}

/**
 * Checks what node:http does; on an engine with a listed difference, that `nodeCheck` fails and `ours` holds instead.
 */
export async function sameAsNode(t: TestContext, id: string, nodeCheck: () => unknown, ours: () => unknown): Promise<void> {
  const difference = differenceFor(id);
  if (!difference) {
    await nodeCheck();
    return;
  }
  t.diagnostic(`differs from node:http: ${id} (${difference.rule}): ${difference.reason}`);
  await assert.rejects(async () => nodeCheck(), assert.AssertionError, `the difference ${id} is listed but was not observed`);
  await ours();
}
