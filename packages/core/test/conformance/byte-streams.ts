/**
 * Byte streams for the differential test: the hand-written corpus and streams generated from a seed. One seed, the same streams everywhere.
 */
import { closingCorpus, corpus } from './byte-stream-corpus';

export interface ByteStream {
  name: string;
  bytes: Buffer;
  /** The server ends the connection behind it: nothing is to be sent after it. */
  closing: boolean;
}

/** A small generator of its own (mulberry32), so that a seed means the same on every version of Node. */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** 0 <= n < bound. */
  below(bound: number): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % bound;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** True once in `times`. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }
}

/**
 * Chooses values for one stream: nearly always good ones, and as often as the stream may be wrong, one that a strict parser has to think
 * about. Without that bound no stream of any length would be accepted by anyone.
 */
class Chooser {
  constructor(
    private readonly random: Random,
    private faults: number,
  ) {}

  pick<T>(good: readonly T[], doubtful: readonly T[]): T {
    return this.doubt(10) ? this.random.pick(doubtful) : this.random.pick(good);
  }

  /** True once in `times`, while the stream may still be wrong. */
  doubt(times: number): boolean {
    if (this.faults === 0 || !this.random.oneIn(times)) return false;
    this.faults--;
    return true;
  }
}

const methods = [
  ['GET', 'GET', 'GET', 'POST', 'POST', 'PUT', 'HEAD', 'DELETE', 'OPTIONS', 'PATCH', 'M-SEARCH'],
  ['BREW', 'get', 'CONNECT', 'GE T', ''],
] as const;
const targets = [
  ['/', '/a', '/a/b?c=d', '/%41%20', '/?q=%2F', '/a//b', '/x/../y', 'http://a/x'],
  ['*', '/a%', '/a#b', 'a', '/%00', '/\xc3\xa4', '/ b', 'http://a@b/'],
] as const;
const versions = [['HTTP/1.1'], ['HTTP/1.0', 'HTTP/2.0', 'HTTP/1.', 'http/1.1', 'HTTP/1.1 ', '']] as const;
const lineEnds = [['\r\n'], ['\n', '\r', '\r\r\n', '\r\n ', ' \r\n']] as const;
const separators = [
  [': ', ': ', ':', ':\t', ':  '],
  [' : ', '\t:', '', ':\r\n ', ':\n'],
] as const;
const names = [
  ['Accept', 'accept', 'X-Own', 'USER-AGENT', 'Cookie', 'cookie', 'Referer', 'X_Under', 'Range', 'If-None-Match', 'TE'],
  ['X y', 'X(', '', 'X\xe4', 'Content-Length', 'Host'],
] as const;
const values = [
  ['a', 'a, b', '', 'text/html;q=0.9', 'a\tb', '"q"', '\xe4\xf6', 'x'.repeat(64), 'a b  c'],
  ['\x7f', 'a\0b', 'a\x01', 'a\rb', '5'],
] as const;
const hosts = [
  ['Host: a', 'host: a', 'HOST: a'],
  ['', 'Host: a b', 'Host:', 'Host: a\r\nHost: b', 'Host: a/b', 'Host: a:b'],
] as const;
const connectionValues = ['close', 'keep-alive', 'Keep-Alive', 'x', 'Upgrade', 'keep-alive, close'];
const codings = [
  ['chunked', 'chunked', 'Chunked'],
  ['gzip', 'gzip, chunked', 'chunked, chunked', 'identity', ''],
] as const;
const sizePrefixes = [
  ['', '', '0', '00'],
  ['+', '0x', ' ', '-', '0'.repeat(20)],
] as const;
const sizeEnds = [
  ['\r\n', '\r\n', '\r\n', ';ext=1\r\n', ';a="b"\r\n'],
  ['\n', ' \r\n', '\r', ';\r\n', ';a b\r\n'],
] as const;

function fieldLine(chooser: Chooser): string {
  return `${chooser.pick(...names)}${chooser.pick(...separators)}${chooser.pick(...values)}`;
}

function chunkedBody(random: Random, chooser: Chooser): string {
  let text = '';
  for (let left = random.below(4); left > 0; left--) {
    const data = random.pick(['a', 'hello', '0\r\n\r\n', 'x'.repeat(20)]);
    const size = (data.length + (chooser.doubt(10) ? random.pick([1, -1]) : 0)).toString(16);
    text += `${chooser.pick(...sizePrefixes)}${size}${chooser.pick(...sizeEnds)}${data}${chooser.pick(...lineEnds)}`;
  }
  const trailers = random.oneIn(3) ? `X-Sum: 1${chooser.pick(...lineEnds)}${fieldLine(chooser)}\r\n` : '';
  return `${text}0\r\n${trailers}${chooser.pick(...lineEnds)}`;
}

function generateRequest(random: Random, chooser: Chooser): string {
  const method = chooser.pick(...methods);
  const lines = [`${method} ${chooser.pick(...targets)} ${chooser.pick(...versions)}`, chooser.pick(...hosts)];
  for (let left = random.below(4); left > 0; left--) lines.push(fieldLine(chooser));
  if (chooser.doubt(4)) lines.push(`Connection: ${random.pick(connectionValues)}`);
  let body = '';
  const framing = random.below(method === 'POST' || method === 'PUT' ? 10 : 20);
  if (framing < 5) {
    body = random.pick(['', 'hello', 'a\r\nb', 'x'.repeat(100)]);
    lines.push(
      `Content-Length: ${chooser.pick([String(body.length)], ['+1', '1,1', ' ', '0x1', '99999999999999999999', `${body.length} `])}`,
    );
    if (chooser.doubt(6)) lines.push(`content-length: ${body.length}`);
  } else if (framing < 10) {
    body = chunkedBody(random, chooser);
    lines.push(`Transfer-Encoding: ${chooser.pick(...codings)}`);
    if (chooser.doubt(6)) lines.push('Content-Length: 3');
  }
  return `${lines.map((line) => line + chooser.pick(...lineEnds)).join('')}${chooser.pick(...lineEnds)}${body}`;
}

function mutate(text: string, random: Random): string {
  const at = random.below(text.length + 1);
  const insert = [
    '\r\n',
    '\r',
    '\n',
    ' ',
    '\t',
    '\0',
    ':',
    ';',
    ',',
    '\x7f',
    '\xff',
    '0',
    'a',
    'Content-Length: 1\r\n',
    'Transfer-Encoding: chunked\r\n',
  ];
  switch (random.below(4)) {
    case 0:
      return text.slice(0, at) + random.pick(insert) + text.slice(at);
    case 1:
      return text.slice(0, at) + text.slice(at + 1 + random.below(3));
    case 2:
      return text.slice(0, at) + String.fromCharCode(random.below(256)) + text.slice(at + 1);
    default:
      return text.slice(0, at) + text.slice(random.below(at + 1), at) + text.slice(at);
  }
}

const stream = (name: string, text: string, closing = false): ByteStream => ({ name, bytes: Buffer.from(text, 'latin1'), closing });

/** The hand-written ones. */
export function handWritten(): ByteStream[] {
  return [...[...corpus].map(([name, text]) => stream(name, text)), ...[...closingCorpus].map(([name, text]) => stream(name, text, true))];
}

/** Half of the generated streams are meant to be good; the rest have one or two doubtful places, and some a random edit. */
function generateOne(random: Random, written: string[]): string {
  const kind = random.below(8);
  if (kind === 0) return mutate(random.pick(written), random);
  const chooser = new Chooser(random, kind < 5 ? 0 : random.pick([1, 1, 2]));
  let text = '';
  for (let left = 1 + random.below(3); left > 0; left--) text += generateRequest(random, chooser);
  return kind === 7 ? mutate(text, random) : text;
}

/** `count` streams of one to three requests. */
export function generated(seed: number, count: number): ByteStream[] {
  const random = new Random(seed);
  const written = [...corpus.values()].filter((text) => text.length < 1000);
  return Array.from({ length: count }, (_, n) => stream(`generated ${n} of seed ${seed}`, generateOne(random, written)));
}
