/**
 * The part of a request's target that its prefix took, and the rest: what `req.baseUrl` and `req.url` are when a framework mounts an
 * application with `app.use`. The engine has matched the cooked path (ROUTE-10); here the same steps are followed on the raw text.
 */
import { fold } from './fold';

export interface SplitUrl {
  /** Raw text that the prefix took, without the slash after it; `''` for the root prefix. */
  baseUrl: string;
  /** The rest with its query; begins with `/`. */
  url: string;
}

const slashCode = 0x2f;
const questionCode = 0x3f;
/** What may lead out of the prefix again; anything else cannot. */
const mayClimb = /\.\.|%2e|%u/i;
const absoluteForm = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i;
/** Separators as the engine sees them: a slash or backslash, raw or escaped. */
const separator = /[/\\]|%(?:2f|5c|u002f|u005c)/gi;
/** The same, at the start and other than a plain slash. */
const foreignSeparator = /^(?:\\|%(?:2f|5c|u002f|u005c))/i;

/**
 * Splits a raw target at the end of the prefix it was routed to, such that `baseUrl + url` is the raw path and query wherever
 * possible. Case, escapes and doubled slashes of both parts stay as they came: `///Base/a%20b?x` under `/base/` is `///Base` and `/a%20b?x`.
 *
 * Dot segments: the split is after the first place where the path has come to the prefix for good, so the rest never leaves it.
 * `/a/d/../b/c` under `/a/b/` is `/a/d/../b` and `/c`; `/shop/x/../y` under `/shop/` is `/shop` and `/x/../y`;
 * `/shop/../shop/y` is `/shop/../shop` and `/y`.
 *
 * An escaped or backward slash after the prefix becomes the `/` it stands for: `/shop%2Fa` is `/shop` and `/a`.
 * An absolute-form target loses scheme and host, except under the root prefix, where `url` is the target as node:http shows it.
 *
 * @param target the raw request target, bytes as Latin-1 characters
 * @param prefixPath the folded path of the matched prefix, begins and ends with `/`
 */
export function splitUrl(target: string, prefixPath: string): SplitUrl {
  if (prefixPath.length <= 1) return { baseUrl: '', url: target };
  const stem = prefixPath.length - 1;
  const next = target.charCodeAt(stem);
  if (
    (next === slashCode || next === questionCode || target.length === stem) &&
    startsFolded(target, prefixPath, stem) &&
    !mayClimb.test(target)
  ) {
    return { baseUrl: target.slice(0, stem), url: next === slashCode ? target.slice(stem) : `/${target.slice(stem)}` };
  }
  return splitSlow(target, prefixPath);
}

/** Whether the first `length` characters of both are equal but for case, without a copy in the common case. */
function startsFolded(target: string, prefixPath: string, length: number): boolean {
  for (let i = 0; i < length; i++) {
    const code = target.charCodeAt(i);
    // A raw byte beyond ASCII is part of a UTF-8 sequence, which only the slow way decodes.
    if (code > 0x7f) return false;
    if ((code >= 0x41 && code <= 0x5a ? code + 32 : code) !== prefixPath.charCodeAt(i)) return false;
  }
  return true;
}

function splitSlow(target: string, prefixPath: string): SplitUrl {
  const authority = absoluteForm.exec(target);
  const origin = authority ? target.slice(authority[0].length) : target;
  const question = origin.indexOf('?');
  const path = question === -1 ? origin : origin.slice(0, question);
  const query = question === -1 ? '' : origin.slice(question);
  const end = findEnd(path, prefixPath.slice(1, -1).split('/'));
  if (end === -1) return { baseUrl: '', url: target };
  const rest = path.slice(end);
  const foreign = foreignSeparator.exec(rest);
  return { baseUrl: path.slice(0, end), url: (foreign ? `/${rest.slice(foreign[0].length)}` : rest || '/') + query };
}

/** Where in the raw path the prefix ends for good; -1 when the path does not lie under it. */
function findEnd(path: string, wanted: readonly string[]): number {
  const decode = chooseDecoder(path);
  const matched: boolean[] = []; // for each segment on the way: whether it and all before it are the prefix's
  let end = -1;
  const take = (from: number, to: number): void => {
    const text = decode(path.slice(from, to));
    if (text === '' || text === '.') return;
    if (text === '..') {
      matched.pop();
    } else {
      const depth = matched.length;
      matched.push((depth === 0 || matched[depth - 1] === true) && (depth >= wanted.length || fold(text) === wanted[depth]));
    }
    const inside = matched.length >= wanted.length && matched[wanted.length - 1] === true;
    if (!inside) end = -1;
    else if (end === -1) end = to;
  };
  let from = 0;
  for (const found of path.matchAll(separator)) {
    take(from, found.index);
    from = found.index + found[0].length;
  }
  take(from, path.length);
  return end;
}

/** Reads raw segments as the engine does (PARSE-6): UTF-8 when the whole path is, else windows-1252. */
function chooseDecoder(path: string): (text: string) => string {
  if (/^[!-$&-~]*$/.test(path)) return (text) => text;
  try {
    decodeSegment(path, utf8Decoder);
    return (text) => decodeSegment(text, utf8Decoder);
  } catch {
    return (text) => decodeSegment(text, ansiDecoder);
  }
}

type BytesDecoder = InstanceType<typeof TextDecoder>;

const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const ansiDecoder = new TextDecoder('windows-1252');

function decodeSegment(text: string, decoder: BytesDecoder): string {
  // Every second piece is a run of %uNNNN, which are UTF-16 units; the others are bytes.
  const decoded = text.split(/((?:%u[0-9a-f]{4})+)/i).map((run, index) => {
    if (index % 2 === 1) return run.replace(/%u(.{4})/gi, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)));
    const bytes = run.replace(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)));
    return decoder.decode(Buffer.from(bytes, 'latin1'));
  });
  return decoded.join('');
}
