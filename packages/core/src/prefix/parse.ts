/** The grammar of URL prefixes (http-server-api.md section 2.1): `scheme://host:port/path/`. */
import { makeError } from '../errors';
import { fold } from './fold';
import { type HostKind, parseHost } from './host';
import { printPrefix } from './print';

/** One URL prefix, taken apart and normalised. */
export interface UrlPrefix {
  readonly scheme: 'http' | 'https';
  readonly hostKind: HostKind;
  /** `+`, `*`, a folded Unicode name, `*.name`, or an address without brackets in its canonical spelling. */
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
  /** Folded, unescaped, begins and ends with `/`: what requests are compared with. */
  readonly path: string;
  /** The path as it was written, with the final `/`: what people should see. */
  readonly writtenPath: string;
  /** Canonical text: two prefixes are the same registration (URL-20) exactly when their texts are equal. */
  readonly text: string;
}

/** The parts that an error can name. */
export type PrefixPart = 'prefix' | 'scheme' | 'host' | 'port' | 'path' | 'query' | 'fragment';

/** The same limits by which the engine refuses requests (UrlSegmentMaxCount, UrlSegmentMaxLength): beyond them a prefix would match nothing. */
const segmentCountMax = 255;
const segmentLengthMax = 260;

/**
 * Parses a URL prefix. The port is mandatory; a missing final slash of a path is added (URL-3), one after the port is not (URL-2).
 *
 * @param text for example `http://*:8080/shop/`
 * @throws `ERR_HTTPSYS_PREFIX_INVALID`, naming the part that is wrong
 */
export function parsePrefix(text: string): UrlPrefix {
  const fail = (part: PrefixPart, why: string): never => {
    throw makeError('ERR_HTTPSYS_PREFIX_INVALID', String(text), part, why);
  };
  if (typeof text !== 'string') return fail('prefix', 'must be a string');
  const { scheme, rest } = parseScheme(text, fail);
  if (rest.includes('?')) fail('query', 'is not allowed: a prefix covers all queries');
  if (rest.includes('#')) fail('fragment', 'is not allowed: clients never send it');
  const slash = rest.indexOf('/');
  const authority = slash === -1 ? rest : rest.slice(0, slash);
  const { hostText, portText } = splitAuthority(authority, fail);
  const { host, kind } = parseHost(hostText, (why) => fail('host', why));
  const port = parsePort(portText, scheme, fail);
  if (slash === -1) fail('path', "is missing: end the prefix with '/'");
  const writtenPath = parsePath(rest.slice(slash), (why) => fail('path', why));
  const path = fold(writtenPath);
  return { scheme, hostKind: kind, host, port, path, writtenPath, text: printPrefix({ scheme, hostKind: kind, host, port, path }) };
}

type Fail = (part: PrefixPart, why: string) => never;

function parseScheme(text: string, fail: Fail): { scheme: 'http' | 'https'; rest: string } {
  const end = text.indexOf('://');
  if (end <= 0) return fail('scheme', "is missing: begin the prefix with 'http://' or 'https://'");
  const scheme = text.slice(0, end);
  if (scheme === 'http' || scheme === 'https') return { scheme, rest: text.slice(end + 3) };
  const lower = scheme.toLowerCase();
  if (lower === 'http' || lower === 'https') return fail('scheme', 'must be written in lower case');
  return fail('scheme', `must be http or https, not ${JSON.stringify(scheme)}`);
}

/** `portText` is null when there is no colon. */
function splitAuthority(authority: string, fail: Fail): { hostText: string; portText: string | null } {
  if (authority.includes('@')) fail('host', 'must not carry a user name');
  if (authority.startsWith('[')) {
    const close = authority.indexOf(']');
    if (close === -1) fail('host', "has '[' without ']'");
    const after = authority.slice(close + 1);
    if (after !== '' && !after.startsWith(':')) fail('host', "has text after ']'");
    return { hostText: authority.slice(0, close + 1), portText: after === '' ? null : after.slice(1) };
  }
  const colon = authority.indexOf(':');
  if (colon !== authority.lastIndexOf(':')) fail('host', 'has more than one colon: write an IPv6 address in brackets');
  if (colon === -1) return { hostText: authority, portText: null };
  return { hostText: authority.slice(0, colon), portText: authority.slice(colon + 1) };
}

function parsePort(text: string | null, scheme: string, fail: Fail): number {
  if (text === null || text === '') return fail('port', `is missing: write ':${scheme === 'http' ? '80' : '443'}' for the usual one`);
  if (!/^[0-9]+$/.test(text)) return fail('port', `must be a number, not ${JSON.stringify(text)}`);
  if (/^0+$/.test(text)) return fail('port', 'must be 1 to 65535: to have a free one chosen, listen on the number 0 instead of a prefix');
  if (text.startsWith('0')) return fail('port', 'must not begin with 0');
  const port = Number(text);
  return port <= 65535 ? port : fail('port', `must be 1 to 65535, not ${text}`);
}

function parsePath(text: string, fail: (why: string) => never): string {
  if (text.includes('%')) fail(`contains '%': prefixes are written unescaped${decodedAdvice(text)}`);
  if (text.includes('\\')) fail("contains '\\': separate segments with '/'");
  if (/[\p{Cc}\p{Cs}]/u.test(text)) fail('contains a control character or half of a surrogate pair');
  const path = text.endsWith('/') ? text : `${text}/`;
  if (path === '/') return path;
  const segments = path.slice(1, -1).split('/');
  for (const segment of segments) {
    if (segment === '') fail("contains '//', which no request can match: doubled slashes are collapsed before routing");
    if (segment === '.' || segment === '..')
      fail(`contains the segment '${segment}', which no request can match: it is resolved before routing`);
    if (segment.length > segmentLengthMax) fail(`has a segment of more than ${segmentLengthMax} characters`);
  }
  // The final slash of a request below the prefix begins one more.
  if (segments.length >= segmentCountMax) fail(`has more than ${segmentCountMax - 1} segments`);
  return path;
}

function decodedAdvice(text: string): string {
  try {
    const decoded = decodeURIComponent(text);
    return decoded.includes('%') ? '' : `, write ${JSON.stringify(decoded)}`;
  } catch {
    return '';
  }
}
