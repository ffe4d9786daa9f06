/**
 * Why an engine of this package may treat a byte stream otherwise than node:http: every difference needs a rule here, and a rule that no
 * stream needs any more is an error too.
 */
import * as http from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import type { ByteStream } from './byte-streams';
import type { Outcome, SeenRequest } from './stream-client';

/** One difference between the outcomes of a stream. */
export interface Difference {
  /**
   * `node-only`: node:http took in `request` and we did not; `engine-only`: the other way round; both may be our own last request.
   * `request`: both took it in, with another value of `field`. `end`: the same requests, but the connection ended otherwise.
   */
  kind: 'node-only' | 'engine-only' | 'request' | 'end';
  request?: SeenRequest;
  other?: SeenRequest;
  field?: keyof SeenRequest;
  /** The stream as Latin-1 text. */
  text: string;
  node: Outcome;
  engine: Outcome;
}

export interface Rule {
  id: string;
  /** What decides: a rule of the reference, a section of an RFC, a part of the design. */
  decidedBy: string;
  reason: string;
  applies(difference: Difference): boolean;
}

/** Values of a field of a request, in order. */
const valuesOf = (request: SeenRequest, name: string): string[] =>
  request.rawHeaders.filter((_, at) => at % 2 === 1 && request.rawHeaders[at - 1]!.toLowerCase() === name);

/** A request that node:http took in and we refused, for what it is. */
const nodeTakes =
  (test: (request: SeenRequest, text: string) => boolean): Rule['applies'] =>
  ({ kind, request, text }) =>
    kind === 'node-only' && request !== undefined && test(request, text);

/** A request that we took in and node:http refused, for what it is. */
const engineTakes =
  (test: (request: SeenRequest, text: string) => boolean): Rule['applies'] =>
  ({ kind, request, text }) =>
    kind === 'engine-only' && request !== undefined && test(request, text);

const isAbsolute = (url: string): boolean => /^https?:\/\//i.test(url);
const authorityOf = (url: string): string => /^https?:\/\/([^/?]*)/i.exec(url)?.[1] ?? '';
const pathOf = (url: string): string => url.replace(/^https?:\/\/[^/?]*/i, '').split('?')[0]!;

/** What both sides of a routing decision agree to call a host: a name or an address, with a port or without. */
const isHost = (host: string): boolean => {
  const port = /:(\d*)$/.exec(host)?.[1];
  return /^(?:\[[0-9a-f:.]+\]|[\w.~%-]+)(?::\d*)?$/i.test(host) && Number(port ?? 0) <= 65535;
};

/** Whether a path has a percent escape that means nothing, a control character or invalid UTF-8. */
function hasBadEscape(path: string): boolean {
  if (/%(?!u?[0-9a-f]{2})/i.test(path)) return true;
  try {
    return [...decodeURIComponent(path)].some((c) => c < ' ' || (c >= '\x7f' && c <= '\x9f'));
  } catch {
    return true;
  }
}

/** Whether something other than pairs of CR and LF precedes a request line; without a request, the end of the stream is meant. */
function hasLooseLineEnds(text: string, request: SeenRequest | undefined): boolean {
  const at = request ? text.lastIndexOf(`${request.method} ${request.url} HTTP/`) : text.length;
  const before = at < 0 ? '' : /[\r\n]*$/.exec(text.slice(0, at))![0];
  return before.replaceAll('\r\n', '') !== '';
}

/** The bounds of the native parser. */
const emptyLinesMax = 8;
const headBytesMax = 16384;
const headCountMax = 1000;
const segmentCountMax = 255;
const segmentLengthMax = 260;

export const rules: readonly Rule[] = [
  {
    id: 'method-any-token',
    decidedBy: 'reference section 2.5 (Verb), RFC 9110 section 9.1',
    reason: 'node:http knows a list of methods; HTTP.SYS takes any token without lower-case letters, and the application decides',
    applies: engineTakes((request) => !http.METHODS.includes(request.method)),
  },
  {
    id: 'target-high-bytes',
    decidedBy: 'PARSE-5, PARSE-6',
    reason: 'node:http refuses bytes from 0x80 in a target; HTTP.SYS takes them as UTF-8, else as characters of its code page',
    applies: engineTakes((request) => /[\x80-\xff]/.test(request.url)),
  },
  {
    id: 'content-length-white-space',
    decidedBy: 'RFC 9112 section 5',
    reason: 'white space behind a value is no part of it; node:http refuses it behind a Content-Length',
    applies: engineTakes((_, text) => /content-length:[ \t]*\d+[ \t]+\r\n/i.test(text)),
  },
  {
    id: 'chunk-extension-grammar',
    decidedBy: 'RFC 9112 section 7.1.1',
    reason: 'extensions are skipped, so that only their bytes are checked; node:http parses names and values',
    applies: engineTakes((_, text) => /^[0-9a-f]+;[^\r\n]*\r\n/im.test(text)),
  },
  {
    id: 'target-fragment',
    decidedBy: 'RFC 9112 section 3.2',
    reason: 'a request target has no fragment',
    applies: nodeTakes((request) => request.url.includes('#')),
  },
  {
    id: 'request-line-spaces',
    decidedBy: 'RFC 9112 section 3',
    reason: 'one space separates the parts of a request line; node:http skips more of them',
    applies: nodeTakes((request, text) => !text.includes(`${request.method} ${request.url} HTTP/1.`)),
  },
  {
    id: 'asterisk-form',
    decidedBy: 'ROUTE-12, RFC 9112 section 3.2.4',
    reason: 'the asterisk stands alone, and for OPTIONS only',
    applies: nodeTakes((request) => request.url.startsWith('*') && (request.method !== 'OPTIONS' || request.url !== '*')),
  },
  {
    id: 'target-scheme',
    decidedBy: 'PARSE-4, RFC 9112 section 3.2.2',
    reason: 'an absolute-form target is one of http or https',
    applies: nodeTakes((request) => !/^[/*]/.test(request.url) && !isAbsolute(request.url)),
  },
  {
    id: 'target-authority',
    decidedBy: 'PARSE-4, RFC 9110 sections 4.2.3 and 4.2.4',
    reason: 'the authority of an absolute-form target names a host, without user information',
    applies: nodeTakes((request) => isAbsolute(request.url) && !isHost(authorityOf(request.url))),
  },
  {
    id: 'target-query-without-path',
    decidedBy: 'PARSE-4',
    reason: 'an absolute-form target without a path has no slash in its query',
    applies: nodeTakes((request) => /^https?:\/\/[^/?]*\?.*\//i.test(request.url)),
  },
  {
    id: 'path-escapes',
    decidedBy: 'PARSE-5',
    reason: 'what cannot be decoded cannot be routed: malformed escapes, control characters and invalid UTF-8 in the path',
    applies: nodeTakes((request) => hasBadEscape(pathOf(request.url))),
  },
  {
    id: 'path-segments',
    decidedBy: 'reference section 10 (UrlSegmentMaxCount, UrlSegmentMaxLength)',
    reason: 'at most 255 segments of at most 260 characters',
    applies: nodeTakes((request) => {
      const segments = pathOf(request.url).split('/');
      return segments.length > segmentCountMax || segments.some((segment) => segment.length > segmentLengthMax);
    }),
  },
  {
    id: 'host-once',
    decidedBy: 'design.md "Framing and parsing", RFC 9112 section 3.2',
    reason: 'a request has one Host; node:http takes the first of several',
    applies: nodeTakes((request) => valuesOf(request, 'host').length > 1),
  },
  {
    id: 'host-value',
    decidedBy: 'ROUTE-9, reference section 2.5 (Hostname), RFC 9112 section 3.2',
    reason: 'routing needs a host name or address, with a port or without; node:http does not look at the value',
    applies: nodeTakes((request) => valuesOf(request, 'host').some((host) => !isHost(host))),
  },
  {
    id: 'length-required',
    decidedBy: 'PARSE-9',
    reason: 'POST and PUT say how long their body is',
    applies: nodeTakes(
      (request) =>
        ['POST', 'PUT'].includes(request.method) &&
        valuesOf(request, 'content-length').length === 0 &&
        valuesOf(request, 'transfer-encoding').length === 0,
    ),
  },
  {
    id: 'transfer-coding-unknown',
    decidedBy: 'design.md "Framing and parsing", reference section 2.5 (N/I)',
    reason: 'the only transfer coding is chunked; node:http hands a body in other codings over as it came',
    applies: nodeTakes((request) => {
      const codings = valuesOf(request, 'transfer-encoding');
      return codings.length > 0 && codings.join().toLowerCase() !== 'chunked';
    }),
  },
  {
    id: 'transfer-coding-http10',
    decidedBy: 'RFC 9112 section 6.1',
    reason: 'HTTP/1.0 has no transfer codings: framing is not to be believed when the version says otherwise',
    applies: nodeTakes((request) => request.httpVersion === '1.0' && valuesOf(request, 'transfer-encoding').length > 0),
  },
  {
    id: 'chunk-extensions-bounded',
    decidedBy: 'design.md "Framing and parsing"',
    reason: 'extensions of one body are bounded to 16 KiB in all, those of one chunk to 4 KiB',
    applies: nodeTakes((_, text) => text.length > headBytesMax && /^[0-9a-f]+;/im.test(text)),
  },
  {
    id: 'chunk-size-digits',
    decidedBy: 'design.md "Framing and parsing"',
    reason: 'a chunk size has at most 16 digits, leading zeros among them',
    applies: nodeTakes((_, text) => /^0[0-9a-f]{16,}/im.test(text)),
  },
  {
    id: 'head-limits',
    decidedBy: 'design.md "Framing and parsing", reference section 10 (MaxRequestBytes)',
    reason:
      'request line and fields have 16 KiB and 1000 fields; node:http does not count the line ends and drops fields that are too many',
    applies: nodeTakes(
      (request) =>
        request.rawHeaders.length / 2 >= headCountMax || request.rawHeaders.reduce((sum, part) => sum + part.length + 2, 0) > headBytesMax,
    ),
  },
  {
    id: 'empty-lines-bounded',
    decidedBy: 'RFC 9112 section 2.2',
    reason: 'a few empty lines may precede a request line; node:http skips any number',
    applies: ({ kind, text }) => kind !== 'engine-only' && text.includes('\r\n'.repeat(emptyLinesMax + 1)),
  },
  {
    id: 'loose-line-ends',
    decidedBy: 'design.md "Framing and parsing", RFC 9112 section 2.2',
    reason: 'a bare CR or LF before a request line is not skipped',
    applies: ({ kind, request, text }) => kind !== 'engine-only' && kind !== 'request' && hasLooseLineEnds(text, request),
  },
  {
    id: 'upgrade-ends-parsing',
    decidedBy: 'docs/frames.md (REQUEST flags)',
    reason: 'node:http stops parsing behind a request with Upgrade, also when nobody takes the upgrade, and closes',
    applies: ({ kind, node, engine }) =>
      kind !== 'node-only' &&
      kind !== 'request' &&
      node.requests.length > 0 &&
      engine.requests.some((request) => valuesOf(request, 'upgrade').length > 0),
  },
];

const fields: (keyof SeenRequest)[] = ['method', 'url', 'httpVersion', 'rawHeaders', 'headers', 'body', 'rawTrailers', 'trailers'];

/** All differences between two outcomes of a stream; behind the first request that only one side took in, nothing is comparable. */
export function compare(stream: ByteStream, node: Outcome, engine: Outcome): Difference[] {
  const text = stream.bytes.toString('latin1');
  const found: Difference[] = [];
  const both = Math.min(node.requests.length, engine.requests.length);
  for (let n = 0; n < both; n++) {
    for (const field of fields) {
      const request = node.requests[n]!;
      const other = engine.requests[n]!;
      if (other[field] === undefined) continue;
      if (!isDeepStrictEqual(request[field], other[field])) found.push({ kind: 'request', field, request, other, text, node, engine });
    }
  }
  if (node.requests.length > both) found.push({ kind: 'node-only', request: node.requests[both], text, node, engine });
  else if (engine.requests.length > both) found.push({ kind: 'engine-only', request: engine.requests[both], text, node, engine });
  else if (node.end !== engine.end) found.push({ kind: 'end', text, node, engine });
  return found;
}

/** The rule that accounts for a difference. */
export function explain(difference: Difference): Rule | undefined {
  return rules.find((rule) => rule.applies(difference));
}
