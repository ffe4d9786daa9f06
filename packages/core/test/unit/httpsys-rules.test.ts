/** Each rule of the reference of the HTTP Server API is either held against the driver by a recorded test, or in docs/windows.md with what keeps it from that. */
import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';

/** Families of rules, each with its numbers: from, to. */
const families: Record<string, [number, number][]> = {
  LIFE: [[1, 9]],
  QUEUE: [[1, 10]],
  SHUT: [[1, 8]],
  IO: [[1, 10]],
  URL: [
    [1, 10],
    [20, 29],
  ],
  ROUTE: [[1, 12]],
  ACL: [[1, 5]],
  RECV: [[1, 8]],
  PARSE: [[1, 12]],
  BODY: [[1, 8]],
  SEND: [[1, 21]],
  GONE: [[1, 8]],
  CACHE: [
    [1, 17],
    [20, 35],
  ],
  UP: [[1, 10]],
  AUTH: [[1, 10]],
};

const root = path.join(__dirname, '..', '..', '..', '..');
const folder = path.join(__dirname, '..', 'native', 'httpsys');
const read = (file: string): string => fs.readFileSync(file, 'utf8');

function range(family: string, from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_unused, n) => `${family}-${from + n}`);
}

/** `LIFE-1, LIFE-3 to LIFE-5`, and `LIFE-1 to 5`. */
function rulesIn(text: string): string[] {
  return [...text.matchAll(/\b([A-Z]+)-(\d+)(?: to (?:[A-Z]+-)?(\d+))?/g)]
    .filter(([, family]) => family in families)
    .flatMap(([, family, from, to]) => range(family, Number(from), Number(to ?? from)));
}

const all = Object.entries(families).flatMap(([family, ranges]) => ranges.flatMap(([from, to]) => range(family, from, to)));

/** Rules in the titles of tests and in the checks of the recording layer, each of which has a test that provokes it. */
function recorded(): Set<string> {
  const rules = new Set<string>();
  for (const name of fs.readdirSync(folder).filter((file) => file.endsWith('.cc'))) {
    const code = read(path.join(folder, name));
    for (const [, title] of code.matchAll(/^TEST\("([^"]*)"/gm)) rulesIn(title).forEach((rule) => rules.add(rule));
    if (!name.endsWith('.test.cc')) for (const [, rule] of code.matchAll(/"([A-Z]+-\d+)"/g)) rules.add(rule);
  }
  return rules;
}

/** The first column of the table below the heading of docs/windows.md. */
function unreachable(): string[] {
  const [, section] = read(path.join(root, 'docs', 'windows.md')).split('\n### Rules that no check here can reach\n');
  const rows = (section ?? '').split('\n## ')[0].split('\n');
  return rows.filter((row) => row.startsWith('| ')).flatMap((row) => rulesIn(row.split(' | ')[0]));
}

test('each rule of the HTTP Server API has a recorded test of the driver, or is listed as out of reach', () => {
  const tested = recorded();
  const listed = unreachable();
  assert.ok(listed.length > 0, 'the table was found');
  assert.deepEqual(
    all.filter((rule) => !tested.has(rule) && !listed.includes(rule)),
    [],
    'rules that nobody speaks of',
  );
  assert.deepEqual(
    listed.filter((rule) => tested.has(rule)),
    [],
    'rules that are listed although a test has them',
  );
  assert.deepEqual(
    [...tested, ...listed].filter((rule) => !all.includes(rule)),
    [],
    'rules that do not exist',
  );
  assert.equal(new Set(listed).size, listed.length, 'a rule is listed once');
});
