/**
 * Where the scenarios end otherwise than on node:http, each with the rule that decides it. A difference says what it makes of node:http's
 * outcome: what is left when all that apply have been applied has to be equal, and one that is never needed is an error.
 */
import type { Outcome } from './run';

export interface CompatibilityDifference {
  id: string;
  /** Rule of the reference, RFC section, or part of the design that decides. */
  rule: string;
  reason: string;
  /** Seen with the applications only, not in the tables. */
  of?: 'applications';
  /** Slipstreamed programs differ on the service only: on the embedded engine `nodeDefaults` makes them equal. */
  slipstreamed?: 'service';
  /** What node:http's outcome becomes by it; several where that depends on the request. `name` is `subject/scenario`. */
  becomes(node: Outcome, name: string, own: Outcome): Outcome[];
}

const withBytes = (outcome: Outcome, bytes: string): Outcome[] => (bytes === outcome.bytes ? [] : [{ ...outcome, bytes }]);
const withNotes = (outcome: Outcome, change: (note: string) => string): Outcome[] => [{ ...outcome, notes: outcome.notes.map(change) }];
const when = (applies: boolean, outcomes: () => Outcome[]): Outcome[] => (applies ? outcomes() : []);

/** A chunked body of at most one chunk, behind its head's last field. */
const oneChunk = /Transfer-Encoding: chunked\r\n\r\n(?:([1-9a-f][0-9a-f]*)\r\n([^]*?)\r\n)?0\r\n\r\n/;

function asLength(text: string, size: string | undefined, body: string | undefined): string {
  if (size === undefined || body === undefined) return 'Content-Length: 0\r\n\r\n';
  return Number.parseInt(size, 16) === body.length ? `Content-Length: ${body.length}\r\n\r\n${body}` : text;
}

const keepAlive = 'Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n';
const closing = 'HTTP/1.1 200 OK\r\nDate: now\r\nConnection: close\r\nContent-Length: ';
/** What the last request of a scenario is answered with, when the connection has stayed. */
const furtherAnswers = ['', `${closing}4\r\n\r\nlast`, `${closing}2\r\n\r\n/2`];

/** A response to HTTP/1.0 whose body ended with its connection: with a length, and on a connection that stays when that was asked for. */
function withLength(text: string): string[] {
  const end =
    text.lastIndexOf('\r\n\r\nHTTP/1.1 200') >= 0 ? text.indexOf('\r\n\r\n', text.indexOf('HTTP/1.1 200')) : text.indexOf('\r\n\r\n');
  const head = text.slice(0, end + 2);
  const body = text.slice(end + 4);
  const length = / (?:204|304) /.test(head.split('\r\n')[0]!) || /^Content-Length:/m.test(head) ? '' : `Content-Length: ${body.length}\r\n`;
  const kept = head.replace('Connection: close\r\n', /^Keep-Alive:/m.test(head) ? 'Connection: keep-alive\r\n' : keepAlive);
  return [`${head}${length}\r\n${body}`, ...furtherAnswers.map((answer) => `${kept}${length}\r\n${body}${answer}`)].concat(
    furtherAnswers.map((answer) => `${head}${length}\r\n${body}${answer}`),
  );
}

const interimHead = /HTTP\/1\.1 1\d\d [^\r]*\r\n(?:[^\r]+\r\n)*\r\n/g;
const statusLine = (text: string): string => text.slice(0, text.indexOf('\r\n'));
const errorPage =
  /^HTTP\/1\.1 \d{3} [^\r]*\r\nContent-Type: text\/html; charset=us-ascii\r\nDate: now\r\nConnection: close\r\nContent-Length: (\d+)\r\n\r\n([^]*)$/;

/** Whether these bytes are one page of the engine and nothing else. */
function isErrorPage(text: string): boolean {
  const page = errorPage.exec(text);
  return page !== null && Number(page[1]) === page[2]!.length;
}

export const differences: readonly CompatibilityDifference[] = [
  {
    id: 'whole-response-has-length',
    rule: 'SEND-4, docs/frames.md "Rules of a response"',
    reason:
      'a response that is whole when its head leaves gets a Content-Length, also behind writeHead; node:http has fixed the framing by then and sends one chunk',
    becomes: (node) => [
      ...withBytes(node, node.bytes.replace(oneChunk, asLength)),
      ...withBytes(node, node.bytes.replace(new RegExp(oneChunk, 'g'), asLength)),
    ],
  },
  {
    id: 'http-1.0-has-length',
    rule: 'SEND-4, RFC 9112 section 9.3',
    reason:
      'a whole response to HTTP/1.0 gets a Content-Length too, so that its connection can stay when the client asks for it; node:http ends the body with the connection',
    becomes: (node, name) => when(name.includes('HTTP/1.0'), () => withLength(node.bytes).flatMap((bytes) => withBytes(node, bytes))),
  },
  {
    id: 'http-1.0-no-interim',
    rule: 'RFC 9110 section 15.2',
    reason: 'a client of HTTP/1.0 is sent no 1xx: it would take it for its answer',
    becomes: (node, name) => when(name.includes('HTTP/1.0'), () => withBytes(node, node.bytes.replace(interimHead, ''))),
  },
  {
    id: 'no-interim-inside-a-body',
    rule: 'RFC 9110 section 15',
    reason: 'early hints behind the final head are dropped; node:http writes them into the body',
    becomes: (node, name) => when(name.endsWith('interim after the head'), () => withBytes(node, node.bytes.replace(interimHead, ''))),
  },
  {
    id: 'no-transfer-encoding-without-body',
    rule: 'docs/frames.md "Rules of a response"',
    reason:
      'the engine frames: Transfer-Encoding is dropped where there is no chunked body (304, HEAD, HTTP/1.0), and the connection may stay; node:http sends the field',
    becomes: (node, name) =>
      when(/Transfer-Encoding/.test(name), () => {
        const bytes = node.bytes.replace('Transfer-Encoding: chunked\r\n', '').replace(/\r\n\r\n1\r\nx\r\n0\r\n\r\n$/, '\r\n\r\nx');
        const stays = bytes.replace('Connection: close\r\n', keepAlive) + furtherAnswers[1]!;
        return [...withBytes(node, bytes), ...withBytes(node, stays)];
      }),
  },
  {
    id: 'place-of-transfer-encoding',
    rule: 'RFC 9110 section 5.3',
    reason: 'a Transfer-Encoding the program sets stands where the engine puts its own, behind Date and Connection',
    becomes: (node) =>
      withBytes(
        node,
        node.bytes.replace(
          /Transfer-Encoding: chunked\r\n((?:trailer: [^\r]*\r\n)?Date: now\r\n(?:Connection: [^\r]*\r\n)?(?:Keep-Alive: [^\r]*\r\n)?)\r\n/i,
          (text, others: string) => (name304(node) ? text : `${others}Transfer-Encoding: chunked\r\n\r\n`),
        ),
      ),
  },
  {
    id: 'place-of-content-length',
    rule: 'RFC 9110 section 5.3',
    reason:
      'the Content-Length of a body that end() brings in several frames, or while the request body is still coming, stands in front of Date; node:http puts it behind',
    becomes: (node) =>
      withBytes(
        node,
        node.bytes.replace(
          /(Date: now\r\n(?:Connection: [^\r]*\r\n)?(?:Keep-Alive: [^\r]*\r\n)?)(Content-Length: \d+\r\n)\r\n/,
          (_text, others: string, length: string) => `${length}${others}\r\n`,
        ),
      ),
  },
  {
    id: 'head-is-latin1',
    rule: 'RFC 9110 section 5.5',
    reason: 'status line and fields are Latin-1 whatever follows; node:http sends them as UTF-8 when the first piece of the body is text',
    becomes: (node) =>
      when(/[\x80-\xff]/.test(node.bytes), () => {
        const end = node.bytes.indexOf('\r\n\r\n');
        const head = Buffer.from(node.bytes.slice(0, end), 'latin1').toString('utf8');
        return head.includes('\ufffd') ? [] : withBytes(node, head + node.bytes.slice(end));
      }),
  },
  {
    id: 'destroy-delivers-what-was-written',
    rule: 'docs/architecture.md "When things end"',
    reason: 'a write and a destroy of the same turn: what was written leaves; node:http drops what it still had corked',
    becomes: (node, name, own) => when(node.bytes === '' && /strict length/.test(name), () => withBytes(node, own.bytes)),
  },
  {
    id: 'length-required',
    slipstreamed: 'service',
    rule: 'PARSE-9',
    reason: 'POST and PUT say how long their body is, else they are answered with 411',
    becomes: (node, name, own) =>
      when(/\/(?:POST|PUT) without a length$/.test(name) && own.bytes.startsWith('HTTP/1.1 411 ') && isErrorPage(own.bytes), () => [
        { ...node, bytes: own.bytes, notes: [] },
      ]),
  },
  {
    id: 'error-pages',
    slipstreamed: 'service',
    rule: 'http-server-api 2.5',
    reason: 'what the engine answers itself has a short page, Date and Content-Length; node:http sends a bare status line',
    becomes: (node, _name, own) => {
      const bare = /HTTP\/1\.1 4\d\d [^\r]*\r\nConnection: close\r\n(?:Date: now\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n)?\r\n$/.exec(
        node.bytes,
      );
      const before = node.bytes.slice(0, bare?.index ?? 0);
      const page = own.bytes.slice(before.length);
      const same = bare !== null && own.bytes.startsWith(before) && isErrorPage(page) && statusLine(page) === statusLine(bare[0]);
      return when(same, () => withBytes(node, own.bytes));
    },
  },
  {
    id: 'version-has-its-own-status',
    rule: 'http-server-api 2.5, 505',
    reason: 'a version other than 1.x is refused with 505',
    becomes: (node, name, own) =>
      when(name.endsWith('a bad version') && statusLine(own.bytes).includes(' 505 ') && isErrorPage(own.bytes), () =>
        withBytes(node, own.bytes),
      ),
  },
  {
    id: 'complete-when-it-is',
    rule: 'docs/frames.md, REQUEST with END',
    reason: 'req.complete is true from the start when the whole request is there; node:http learns that a moment after its event',
    becomes: (node) =>
      withNotes(node, (note) => note.replace(/^complete: false$/, 'complete: true').replace(/complete false$/, 'complete true')),
  },
  {
    id: 'a-client-that-ended-too-soon',
    slipstreamed: 'service',
    rule: 'GONE-3',
    reason:
      "a client that ends in the middle of a head or a body is gone, and is let go without an answer where nobody listens to 'clientError'; node:http answers 400",
    becomes: (node, name) =>
      when(
        /the client ends in the middle of a head$|\/a client ends in its body$/.test(name) && node.bytes.startsWith('HTTP/1.1 400 '),
        () => [{ ...node, bytes: '', notes: node.notes.filter((note) => note !== 'app error Parse Error') }],
      ),
  },
  {
    id: 'close-is-said',
    rule: 'RFC 9112 section 9.6',
    reason: 'a server that closes says so in its last answers, and ends a connection whose client said close whatever the program sets',
    becomes: (node, name) =>
      when(/server\.close while|SIGTERM while|properties one may set/.test(name), () =>
        withBytes(
          node,
          node.bytes.replace(
            /Connection: keep-alive\r\nKeep-Alive: timeout=\d+\r\n(?![^]*Connection: keep-alive)/,
            'Connection: close\r\n',
          ),
        ),
      ),
  },
  {
    id: 'writable-length',
    rule: 'docs/frames.md "Back-pressure"',
    reason:
      'writableLength counts what the engine has not taken yet; node:http counts what it holds back until the end of the turn, framing included',
    becomes: (node) => withNotes(node, (note) => note.replace(/writableLength \d+/, 'writableLength 0')),
  },
  {
    id: 'chunks-of-a-large-write',
    rule: 'docs/frames.md "Back-pressure"',
    reason: 'a write beyond the window travels, and is framed, in several chunks',
    becomes: (node, name, own) =>
      when(/large body in one write|drain after a large write/.test(name), () => {
        const joined = (text: string): string =>
          text
            .replace(/\r\n[0-9a-f]+\r\n(?=[yz])/g, '\r\n')
            .replace(/(?<=[yz])\r\n(?=[yz])/g, '')
            .replace(/\r\n3\r\ndone|\r\n4\r\ndone/, '\r\ndone');
        return joined(node.bytes) === joined(own.bytes) ? withBytes(node, own.bytes) : [];
      }),
  },
  {
    id: 'no-half-chunk-when-write-throws',
    rule: 'RFC 9112 section 7.1',
    reason: 'a write that throws for its encoding leaves nothing on the connection; node:http has sent the size of the chunk by then',
    becomes: (node, name) =>
      when(name.endsWith('bad encodings'), () =>
        withBytes(node, node.bytes.replace('Transfer-Encoding: chunked\r\n\r\n1\r\n0\r\n\r\n', 'Content-Length: 0\r\n\r\n')),
      ),
  },
  {
    id: 'context-of-finish',
    rule: 'docs/architecture.md, a request',
    reason:
      "'finish' runs in the asynchronous context in which the program ended the response; node:http's in that of the connection when the response was ended later",
    becomes: (node, name) =>
      when(name.endsWith('client/AsyncLocalStorage'), () => [{ ...node, notes: ['finish /a', '/a', ...node.notes.slice(2)] }]),
  },
  {
    id: 'response-created-on-every-version',
    rule: 'ecosystem section 7',
    reason: 'the diagnostics channel http.server.response.created is published on every version of Node',
    becomes: (node, name) =>
      when(name.endsWith('diagnostics_channel'), () => [
        { ...node, notes: [node.notes[0]!, 'http.server.response.created ["request","response"]', ...node.notes.slice(1)] },
      ]),
  },
  {
    id: 'idle-timeout',
    slipstreamed: 'service',
    rule: 'http-server-api 8.2, IdleConnection',
    reason:
      "an idle connection lives for 120 seconds where the program sets no keepAliveTimeout, and clients are told so; node:http's 5 are less than what proxies keep",
    of: 'applications',
    becomes: (node) => withBytes(node, node.bytes.replace(/^Keep-Alive: timeout=5\r$/gm, 'Keep-Alive: timeout=120\r')),
  },
  {
    id: 'answers-a-client-that-ended-its-side',
    slipstreamed: 'service',
    rule: 'GONE-3',
    reason:
      'a client that has ended its side gets an answer that comes within half a second, and the request is not aborted before; node:http drops the answer and aborts',
    of: 'applications',
    becomes: (node, name, own) =>
      when(/that ended its side, and an answer 50 ms later$/.test(name) && node.bytes === '' && own.bytes.endsWith('\r\n\r\nlater'), () => [
        {
          ...node,
          bytes: own.bytes,
          notes: [...node.notes.filter((note) => !/aborted|error/.test(note)), 'req end', 'res finish'].sort(),
        },
      ]),
  },
  {
    id: 'host-value',
    slipstreamed: 'service',
    rule: 'ROUTE-9, http-server-api 2.5 (Hostname)',
    reason: 'routing needs the name of a host: an empty Host is refused, unless requireHostHeader is false',
    becomes: (node, name, own) =>
      when(name.endsWith('an empty Host') && own.bytes.startsWith('HTTP/1.1 400 ') && isErrorPage(own.bytes), () =>
        withBytes(node, own.bytes),
      ),
  },
  {
    id: 'place-of-connection',
    rule: 'RFC 9110 section 5.3',
    reason: 'with maxRequestsPerSocket the fields Connection and Keep-Alive stand in front of Date; node:http puts them behind',
    becomes: (node, name) =>
      when(name.includes('/maxRequestsPerSocket'), () =>
        ['', 'g'].flatMap((flags) => {
          const fields = new RegExp(/Date: now\r\n(Connection: [^\r]*\r\n(?:Keep-Alive: [^\r]*max=\d+\r\n)?)/, flags);
          return withBytes(node, node.bytes.replace(fields, '$1Date: now\r\n'));
        }),
      ),
  },
  {
    id: 'one-client-error',
    rule: 'docs/frames.md "Malformed requests"',
    reason:
      "a client that 'clientError' was told of is not told of again; node:http reports the end of the request that it cut short itself",
    becomes: (node, name) =>
      when(name.endsWith("half a body, and a listener of 'clientError'"), () => [
        { ...node, notes: node.notes.filter((note) => !note.includes('HPE_INVALID_EOF_STATE')) },
      ]),
  },
  {
    id: 'a-broken-body-is-no-request',
    rule: 'docs/frames.md "Malformed requests"',
    reason: 'a request whose body is seen to be malformed together with its head is not delivered; node:http delivers it and breaks it off',
    becomes: (node, name) =>
      when(name.endsWith('clientError/a chunk size that is no number'), () => [
        { ...node, notes: node.notes.filter((note) => !note.startsWith('request ')) },
      ]),
  },
  {
    id: 'context-of-end',
    rule: 'docs/frames.md, REQUEST with END',
    reason:
      "the 'end' of a body that came with its request runs in the asynchronous context of whoever began to read it; node:http's in that of the connection",
    becomes: (node, name) =>
      when(name.endsWith('AsyncLocalStorage: what a listener runs'), () => {
        let path = '';
        return withNotes(node, (note) => {
          path = /^data (.*)/.exec(note)?.[1] ?? path;
          return note === 'end undefined' ? `end ${path}` : note === 'undefined' ? path : note;
        });
      }),
  },
  {
    id: 'service-listens-in-another-process',
    rule: 'design, the parts',
    reason: 'with the service the port is bound by another process: the server is listening with its event, not yet when listen returns',
    becomes: (node, name) => [
      ...when(name.endsWith('listen binds before it returns'), () => [
        { ...node, notes: ['true', 'listening false, address null', ...node.notes.slice(2)] },
      ]),
      ...when(name === 'listen/a host that is a number', () =>
        withNotes(node, (note) => note.replace('listening true', 'listening false')),
      ),
    ],
  },
];

function name304(node: Outcome): boolean {
  return / 304 /.test(statusLine(node.bytes));
}

/** How many differences may meet in one scenario; one where the bytes are many. */
const depthMax = 3;
const longBytes = 50_000;

/** The ids that together make node:http's outcome ours; null when none of those that `may` apply do. */
export function explain(name: string, node: Outcome, own: Outcome, may: (difference: CompatibilityDifference) => boolean): string[] | null {
  const possible = differences.filter(may);
  const wanted = JSON.stringify(own);
  let frontier: { outcome: Outcome; ids: string[] }[] = [{ outcome: node, ids: [] }];
  const seen = new Set([JSON.stringify(node)]);
  const depths = node.bytes.length > longBytes ? 1 : depthMax;
  for (let depth = 0; depth < depths; depth++) {
    const next: typeof frontier = [];
    for (const { outcome, ids } of frontier) {
      for (const difference of possible) {
        for (const changed of difference.becomes(outcome, name, own)) {
          const text = JSON.stringify(changed);
          if (seen.has(text)) continue;
          seen.add(text);
          if (text === wanted) return [...ids, difference.id];
          next.push({ outcome: changed, ids: [...ids, difference.id] });
        }
      }
    }
    frontier = next;
  }
  return null;
}
