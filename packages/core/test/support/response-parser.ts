/** A strict little HTTP/1.x response reader for tests: what a server sent is judged byte by byte, not through node:http's own client. */

export interface RawResponse {
  /** `HTTP/1.1` or `HTTP/1.0`. */
  version: string;
  status: number;
  reason: string;
  /** Name and value as they came, in order. */
  fields: [string, string][];
  /** Lower-case names; repeated fields are joined with `, `. */
  headers: Record<string, string>;
  body: Buffer;
  text: string;
  chunks: number;
  trailers: [string, string][];
  /** The body ended because the connection did. */
  closeDelimited: boolean;
}

const NEED_MORE = Symbol('need more');

/** All values of a field, in order. */
export function all(response: RawResponse, name: string): string[] {
  const wanted = name.toLowerCase();
  return response.fields.filter(([field]) => field.toLowerCase() === wanted).map(([, value]) => value);
}

function parseFields(lines: string[]): [string, string][] {
  return lines.map((line) => {
    const match = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(.*?)[ \t]*$/.exec(line);
    if (!match) throw new Error(`malformed field line in a response: ${JSON.stringify(line)}`);
    return [match[1] as string, match[2] as string];
  });
}

function readChunked(
  input: Buffer,
  start: number,
): { body: Buffer; chunks: number; trailers: [string, string][]; end: number } | typeof NEED_MORE {
  const pieces: Buffer[] = [];
  let at = start;
  for (;;) {
    const lineEnd = input.indexOf('\r\n', at);
    if (lineEnd < 0) return NEED_MORE;
    const line = input.toString('latin1', at, lineEnd);
    if (!/^[0-9a-fA-F]+$/.test(line)) throw new Error(`malformed chunk size in a response: ${JSON.stringify(line)}`);
    const size = Number.parseInt(line, 16);
    at = lineEnd + 2;
    if (size === 0) break;
    if (input.length < at + size + 2) return NEED_MORE;
    if (input.toString('latin1', at + size, at + size + 2) !== '\r\n') throw new Error('a chunk of a response does not end with CRLF');
    pieces.push(input.subarray(at, at + size));
    at += size + 2;
  }
  const lines: string[] = [];
  for (;;) {
    const lineEnd = input.indexOf('\r\n', at);
    if (lineEnd < 0) return NEED_MORE;
    const line = input.toString('latin1', at, lineEnd);
    at = lineEnd + 2;
    if (line === '') break;
    lines.push(line);
  }
  return { body: Buffer.concat(pieces), chunks: pieces.length, trailers: parseFields(lines), end: at };
}

/**
 * Reads one response from the start of `input`.
 *
 * @param head the request was HEAD: there is no body whatever the fields say
 * @param closed the peer has ended the connection
 * @returns the response and how many bytes it took, or null when more bytes are needed
 */
export function parseResponse(input: Buffer, head: boolean, closed: boolean): { response: RawResponse; used: number } | null {
  const headEnd = input.indexOf('\r\n\r\n');
  if (headEnd < 0) return null;
  const [statusLine, ...lines] = input.toString('latin1', 0, headEnd).split('\r\n');
  const match = /^(HTTP\/1\.[01]) ([1-9][0-9][0-9]) ?(.*)$/.exec(statusLine as string);
  if (!match) throw new Error(`malformed status line: ${JSON.stringify(statusLine)}`);
  const fields = parseFields(lines);
  const headers: Record<string, string> = {};
  for (const [name, value] of fields) {
    const key = name.toLowerCase();
    headers[key] = key in headers ? `${headers[key]}, ${value}` : value;
  }
  const status = Number(match[2]);
  const start = headEnd + 4;
  const done = (body: Buffer, end: number, more: Partial<RawResponse> = {}): { response: RawResponse; used: number } => ({
    response: {
      version: match[1] as string,
      status,
      reason: match[3] as string,
      fields,
      headers,
      body: Buffer.from(body),
      text: body.toString('utf8'),
      chunks: 0,
      trailers: [],
      closeDelimited: false,
      ...more,
    },
    used: end,
  });
  const empty = Buffer.alloc(0);
  if (head || status < 200 || status === 204 || status === 304) return done(empty, start);
  if ('transfer-encoding' in headers) {
    if (headers['transfer-encoding'] !== 'chunked') throw new Error(`unexpected transfer coding ${headers['transfer-encoding']}`);
    if ('content-length' in headers) throw new Error('a response has both Transfer-Encoding and Content-Length');
    const chunked = readChunked(input, start);
    if (chunked === NEED_MORE) return null;
    return done(chunked.body, chunked.end, { chunks: chunked.chunks, trailers: chunked.trailers });
  }
  if ('content-length' in headers) {
    if (!/^[0-9]+$/.test(headers['content-length'] as string)) throw new Error(`malformed Content-Length ${headers['content-length']}`);
    const length = Number(headers['content-length']);
    if (input.length < start + length) return null;
    return done(input.subarray(start, start + length), start + length);
  }
  if (!closed) return null;
  return done(input.subarray(start), input.length, { closeDelimited: true });
}
