/** The host part of a URL prefix and its four kinds (URL-5). */
import { isIPv4, isIPv6 } from 'node:net';
import { domainToASCII, domainToUnicode } from 'node:url';
import { fold } from './fold';

/** The four buckets in the order in which they are asked (ROUTE-1): `+`, name, address, `*`. */
export const hostKinds = { strong: 0, explicit: 1, address: 2, weak: 3 } as const;
export type HostKind = (typeof hostKinds)[keyof typeof hostKinds];

/** RFC 1035 section 2.3.4. */
const nameBytesMax = 253;
const labelBytesMax = 63;

/** Parses what stands between `://` and the port; `fail` throws, with the reason as the end of a sentence about the host. */
export function parseHost(text: string, fail: (why: string) => never): { host: string; kind: HostKind } {
  if (text === '') fail("is missing: write '*' for any host");
  if (text === '+') return { host: text, kind: hostKinds.strong };
  if (text === '*') return { host: text, kind: hostKinds.weak };
  if (text.startsWith('[')) return { host: parseIPv6(text.slice(1, -1), fail), kind: hostKinds.address };
  if (isIPv4(text)) {
    if (text === '0.0.0.0') fail("is no address of a machine: write '*' or '+' for all of them");
    return { host: text, kind: hostKinds.address };
  }
  const wildcard = text.startsWith('*.');
  const name = parseName(wildcard ? text.slice(2) : text, fail);
  return { host: wildcard ? `*.${name}` : name, kind: hostKinds.explicit };
}

function parseIPv6(text: string, fail: (why: string) => never): string {
  if (text.includes('%')) fail('must not carry a zone');
  if (!isIPv6(text)) fail('has no IPv6 address between the brackets');
  const address = new URL(`http://[${text}]/`).hostname.slice(1, -1);
  if (address === '::') fail("is no address of a machine: write '*' or '+' for all of them");
  if (address.startsWith('::ffff:')) fail('is an IPv4-mapped address: write the IPv4 address itself');
  return address;
}

function parseName(text: string, fail: (why: string) => never): string {
  if (text.includes('*') || text.includes('+')) fail("may be '*' or '+' alone, or begin with '*.'");
  if (text.includes('%')) fail("contains '%': write the name in Unicode");
  const bad = /[\p{Cc}\p{Cs}]|[ -,/:-@[-^`{-}]/u.exec(text);
  if (bad) fail(`contains the character ${JSON.stringify(bad[0])}`);
  const labels = text.split('.');
  // A last label of digits makes every URL parser read an address (URL-7).
  const last = (labels.at(-1) === '' ? labels.at(-2) : labels.at(-1)) ?? '';
  if (/^([0-9]+|0[xX][0-9a-fA-F]*)$/.test(last)) fail('looks like an IPv4 address and is none');
  if (labels.at(-1) === '') fail("must not end with '.'");
  if (labels.includes('')) fail('has an empty label');
  const ascii = isAscii(text) ? text : domainToASCII(text);
  if (ascii === '') fail('is no valid domain name');
  if (ascii.length > nameBytesMax) fail(`is longer than ${nameBytesMax} characters`);
  if (ascii.split('.').some((label) => label.length > labelBytesMax)) fail(`has a label of more than ${labelBytesMax} characters`);
  if (!/(^|\.)xn--/i.test(ascii)) return fold(ascii);
  // Punycode and Unicode spellings of one name are one name (URL-4).
  const unicode = domainToUnicode(ascii);
  if (unicode === '') fail('is no valid domain name');
  return fold(unicode);
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}
