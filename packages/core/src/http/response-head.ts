/**
 * Composes the header block of a RESPONSE frame from what a program has set, and notes what the engine and the cache ask of it.
 */
import type * as http from 'node:http';
import { inspect } from 'node:util';
import * as frames from '../queue/frames';
import type { SharingFacts } from './cache-policy';
import { lowerOf } from '../queue/header-names';
import { nodeError } from './node-internals';

/** What a composed head says. */
interface HeadFacts extends SharingFacts {
  text: string;
  flags: number;
  contentLength: boolean;
  contentLengthValue: number;
  transferEncoding: boolean;
  connection: boolean;
  contentType: boolean;
  trailer: boolean;
}

/** Result of the last `composeHead`, read at once by its caller: one object, so that a response costs none. */
export const head: HeadFacts = {
  text: '',
  flags: 0,
  contentLength: false,
  contentLengthValue: 0,
  transferEncoding: false,
  connection: false,
  contentType: false,
  trailer: false,
  setCookie: false,
  vary: false,
  cacheControl: '',
};

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
// RFC 9110 section 5.5: no control characters but TAB; what is above Latin-1 cannot travel in a header.
const invalidUnit = /[^\t\x20-\x7e\x80-\xff]/;
/** Values up to this length are looked at unit by unit: starting the expression costs more than that. */
const shortLength = 32;

/** True for a value that cannot be sent. */
export function isInvalidValue(value: string): boolean {
  const { length } = value;
  if (length > shortLength) return invalidUnit.test(value);
  for (let n = 0; n < length; n++) {
    const unit = value.charCodeAt(n);
    // What is not plain ASCII is left to the expression.
    if (unit < 0x20 || unit > 0x7e) return invalidUnit.test(value);
  }
  return false;
}

/** Checks a field given to `writeHead` directly, with Node's codes (fields set by `setHeader` were checked by Node). */
function validateField(name: unknown, value: unknown): void {
  if (typeof name !== 'string' || !token.test(name)) {
    throw nodeError(TypeError, 'ERR_INVALID_HTTP_TOKEN', `Header name must be a valid HTTP token ["${String(name)}"]`);
  }
  if (value === undefined) {
    throw nodeError(TypeError, 'ERR_HTTP_INVALID_HEADER_VALUE', `Invalid value "${String(value)}" for header "${name}"`);
  }
  if (isInvalidValue(String(value))) {
    throw nodeError(TypeError, 'ERR_INVALID_CHAR', `Invalid character in header content ["${name}"]`);
  }
}

function note(lower: string, value: string): void {
  switch (lower) {
    case 'date':
      head.flags |= frames.ResponseNoDate;
      break;
    case 'content-length':
      head.contentLength = true;
      head.contentLengthValue = Number(value);
      break;
    case 'content-type':
      head.contentType = true;
      break;
    case 'transfer-encoding':
      head.transferEncoding = true;
      break;
    case 'connection':
      head.connection = true;
      break;
    case 'trailer':
      head.trailer = true;
      break;
    case 'set-cookie':
      head.setCookie = true;
      break;
    case 'vary':
      head.vary = true;
      break;
    case 'cache-control':
      head.cacheControl = head.cacheControl === '' ? value : `${head.cacheControl}, ${value}`;
      break;
  }
}

/** A field that stood at its place in a head before: programs send the same ones again and again. */
interface RecentField {
  name: unknown;
  value: string;
  lower: string;
  line: string;
}

/** A power of two. */
const recentPlaces = 16;
/** Longest value that is kept. */
const recentValueMax = 64;
const recentFields: RecentField[] = Array.from({ length: recentPlaces }, () => ({
  name: Symbol('nothing yet'),
  value: '',
  lower: '',
  line: '',
}));

/** Appends the field at place `n` when it is the one that stood there last, which was checked then. False: it is not. */
function appendAgain(n: number, name: unknown, value: unknown): boolean {
  const recent = recentFields[n & (recentPlaces - 1)];
  if (recent.name !== name || recent.value !== value) return false;
  note(recent.lower, recent.value);
  head.text += recent.line;
  return true;
}

function appendText(n: number, lower: string, name: string, value: string): void {
  const line = name + ': ' + value + '\r\n';
  note(lower, value);
  head.text += line;
  // Cookies are no other response's.
  if (value.length > recentValueMax || lower === 'set-cookie') return;
  const recent = recentFields[n & (recentPlaces - 1)];
  recent.name = name;
  recent.value = value;
  recent.lower = lower;
  recent.line = line;
}

function append(n: number, lower: string, name: string, value: unknown, unique: ReadonlySet<string> | null): void {
  if (!Array.isArray(value)) {
    appendText(n, lower, name, typeof value === 'string' ? value : String(value));
    return;
  }
  if (value.length === 0) return;
  note(lower, lower === 'cache-control' ? value.join() : String(value[0]));
  // Node joins arrays of cookies, and of `uniqueHeaders`, with '; ' into one field and writes the others as repeated fields.
  if (value.length > 1 && (lower === 'cookie' || (unique !== null && unique.has(lower)))) head.text += `${name}: ${value.join('; ')}\r\n`;
  else for (const one of value) head.text += `${name}: ${String(one)}\r\n`;
}

function reset(): void {
  head.text = '';
  head.flags = 0;
  head.contentLength = false;
  head.transferEncoding = false;
  head.connection = false;
  head.contentType = false;
  head.trailer = false;
  head.setCookie = false;
  head.vary = false;
  head.cacheControl = '';
}

/** Fields as Node keeps them after `setHeader`: lower-case name to `[name, value]`. */
export type StoredHeaders = Record<string, [string, unknown]>;

/** From fields that `setHeader` has checked. */
export function composeStored(stored: StoredHeaders | null, unique: ReadonlySet<string> | null): void {
  reset();
  if (stored === null) return;
  let n = 0;
  for (const lower in stored) {
    const entry = stored[lower];
    if (!appendAgain(n, entry[0], entry[1])) append(n, lower, entry[0], entry[1], unique);
    n++;
  }
}

function appendChecked(n: number, name: unknown, value: unknown, unique: ReadonlySet<string> | null): void {
  if (appendAgain(n, name, value)) return;
  const known = lowerOf.get(name as string);
  if (known !== undefined && typeof value === 'string') {
    if (isInvalidValue(value)) validateField(name, value);
    append(n, known, name as string, value, unique);
    return;
  }
  if (Array.isArray(value)) for (const one of value) validateField(name, one);
  else validateField(name, value);
  const text = name as string;
  append(n, text.toLowerCase(), text, value, unique);
}

/** From what was given to `writeHead` with nothing set before: an object, a flat array, or an array of pairs. */
export function composeGiven(given: http.OutgoingHttpHeaders | readonly unknown[] | undefined, unique: ReadonlySet<string> | null): void {
  reset();
  if (given === undefined || given === null) return;
  if (!Array.isArray(given)) {
    const fields = given as http.OutgoingHttpHeaders;
    const names = Object.keys(fields);
    for (let n = 0; n < names.length; n++) appendChecked(n, names[n], fields[names[n]], unique);
    return;
  }
  if (given.length > 0 && Array.isArray(given[0])) {
    for (let n = 0; n < given.length; n++) {
      const pair = given[n] as unknown[];
      appendChecked(n, pair[0], pair[1], unique);
    }
    return;
  }
  if (given.length % 2 !== 0) {
    throw nodeError(TypeError, 'ERR_INVALID_ARG_VALUE', `The argument 'headers' is invalid. Received ${inspect(given)}`);
  }
  for (let n = 0; n < given.length; n += 2) appendChecked(n >> 1, given[n], given[n + 1], unique);
}
