import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';

const folder = path.join(__dirname, '..', 'native', 'httpsys');
const isTest = (name: string): boolean => name.endsWith('.test.cc');
const sources = fs.readdirSync(folder).filter((name) => /^(recorder|response_rules).*\.cc$/.test(name));
const read = (name: string): string => fs.readFileSync(path.join(folder, name), 'utf8');
const literals = (code: string): string[] => [...code.matchAll(/"((?:[^"\\\n]|\\.)*)"/g)].map(([, text]) => text);
const isRule = (text: string): boolean => /^[A-Z]+-[A-Z0-9]+$/.test(text);

/** What the checks say: calls of `expect` and `violation`, each up to the end of its statement, which has a rule and a sentence. */
function notices(code: string): { rule: string; text: string; isWhole: boolean }[] {
  return [...code.matchAll(/\b(?:expect|violation)\(([^;]*?)\);/gs)].flatMap(([, call]) => {
    const texts = literals(call);
    const sentence = texts.slice(texts.findIndex(isRule) + 1).find((text) => !isRule(text));
    if (sentence === undefined) return [];
    // Not whole: a function's or a field's name comes first.
    return texts.filter(isRule).map((rule) => ({ rule, text: `${rule}: ${sentence}`, isWhole: !sentence.startsWith(' ') }));
  });
}

test('each check of the recording layer of the HTTP.SYS driver is provoked by a test', () => {
  const provoked = new Set(sources.filter(isTest).flatMap((name) => literals(read(name))));
  const checks = sources.filter((name) => !isTest(name)).flatMap((name) => notices(read(name)));
  assert.ok(checks.length > 100, `only ${checks.length} checks were found`);
  const isProvoked = ({ rule, text, isWhole }: (typeof checks)[number]): boolean =>
    [...provoked].some(
      (one) => one === rule || (one.startsWith(`${rule}: `) && text.startsWith(one)) || one.startsWith(isWhole ? text : `${rule}: `),
    );
  const unprovoked = checks.filter((check) => !isProvoked(check));
  assert.deepEqual(
    unprovoked.map(({ text }) => text),
    [],
  );
});
