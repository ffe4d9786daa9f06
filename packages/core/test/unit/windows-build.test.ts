import { execFileSync } from 'node:child_process';
import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';
import { driverFacts } from '../support/driver-facts';
import { entriesFor, nameFits, skipText, testFileName, wholeFile, NEEDS_WINDOWS } from '../support/needs-windows';
import { wineFacts } from '../support/wine-facts';

const core = path.join(__dirname, '..', '..');
const root = path.join(core, '..', '..');
const lines = (text: string): string[] => text.trim().split('\n');

interface Gyp {
  targets: { sources: string[]; defines: string[]; conditions: [string, { defines?: string[]; libraries?: string[] }][] }[];
}

const [target] = (JSON.parse(fs.readFileSync(path.join(core, 'binding.gyp'), 'utf8')) as Gyp).targets;

/** What node-gyp would compile on a platform: the command of binding.gyp, run where `process.platform` says so. */
function sourcesOf(platform: string): string[] {
  assert.deepEqual(target.sources, ['<!@(node scripts/sources.js)'], 'binding.gyp takes its sources from one place');
  const pretend = `Object.defineProperty(process, 'platform', { value: '${platform}' }); require.main = undefined;`;
  const script = `${pretend} process.argv[1] = 'sources.js'; require('module')._load(${JSON.stringify(path.join(core, 'scripts', 'sources.js'))}, null, true);`;
  return lines(execFileSync(process.execPath, ['-e', script], { cwd: core, encoding: 'utf8' }));
}

const crossBuild = (): string[] =>
  lines(execFileSync(process.execPath, [path.join(root, 'scripts', 'build-windows.mjs'), '--list'], { encoding: 'utf8' }));

test('node-gyp on Windows and the cross build compile the same sources', () => {
  assert.deepEqual(crossBuild(), sourcesOf('win32'));
});

test('files of another platform are left out, all others are compiled', () => {
  const windows = sourcesOf('win32');
  const linux = sourcesOf('linux');
  const all = ['common', 'binding', 'portable', 'httpsys'].flatMap((folder) =>
    fs
      .readdirSync(path.join(core, 'native', folder))
      .filter((name) => name.endsWith('.cc'))
      .map((name) => `native/${folder}/${name}`),
  );
  assert.deepEqual([...new Set([...windows, ...linux])].sort(), all.sort());
  assert.deepEqual(
    windows.filter((file) => /_posix\./.test(file)),
    [],
  );
  assert.deepEqual(
    linux.filter((file) => /_win32\.|\/httpsys\//.test(file)),
    [],
  );
});

test('the cross build has the defines and libraries of binding.gyp', () => {
  const windows = target.conditions.find(([condition]) => condition === "OS=='win'")?.[1];
  const scripts = ['scripts/build-windows.mjs', 'scripts/lib/objects.mjs']
    .map((file) => fs.readFileSync(path.join(root, file), 'utf8'))
    .join('\n');
  for (const define of [...target.defines, ...(windows?.defines ?? [])]) assert.ok(scripts.includes(`'${define}'`), define);
  for (const library of windows?.libraries ?? []) assert.ok(scripts.includes(`'-l${library.replace(/\.lib$/, '')}'`), library);
});

test('the lists of what cannot pass under Wine name test files that exist, with reasons', () => {
  for (const { engines, facts, reason, tests } of [...wineFacts, ...driverFacts]) {
    assert.ok(engines.length > 0 && facts.length > 0 && reason !== '');
    for (const [file, names] of Object.entries(tests)) {
      assert.ok(fs.existsSync(path.join(core, 'test', `${file}.test.ts`)), file);
      assert.ok(names.length > 0, file);
    }
  }
});

test('each fact of Wine is on its page, and each fact of HTTP.SYS is not one of Wine', () => {
  const page = fs.readFileSync(path.join(root, 'docs', 'wine.md'), 'utf8');
  const onPage = [...page.matchAll(/^\| (WINE-\d+) \|/gm)].map(([, fact]) => fact);
  assert.deepEqual(
    onPage,
    onPage.map((_unused, n) => `WINE-${n + 1}`),
    'numbered from 1, in order',
  );
  const unknown = wineFacts.flatMap(({ facts }) => facts).filter((fact) => !onPage.includes(fact));
  assert.deepEqual(unknown, []);
  for (const entry of wineFacts) assert.ok(skipText(entry).startsWith(NEEDS_WINDOWS));
  for (const entry of driverFacts) assert.ok(!skipText(entry).includes('WINE-'));
});

test('where there is no Wine, only what HTTP.SYS does otherwise is left out', () => {
  assert.ok(entriesFor('functional/malformed', 'httpsys', true).length > 0);
  assert.deepEqual(entriesFor('functional/malformed', 'httpsys', false), []);
  assert.ok(entriesFor('functional/client-error', 'httpsys', false).length > 0);
});

test('a listed name means the test of that name, or with * all that begin so', () => {
  assert.ok(nameFits('a', 'a'));
  assert.ok(!nameFits('a', 'ab'));
  assert.ok(nameFits('a*', 'ab'));
  assert.ok(!nameFits('a*', 'ba'));
  assert.equal(testFileName('Z:\\x\\test\\functional\\aborts.test.js'), 'functional/aborts');
  assert.equal(testFileName('packages/core/test/lifetime/exit.test.ts'), 'lifetime/exit');
  assert.deepEqual(entriesFor('functional/no-such-file', 'httpsys'), []);
  assert.equal(wholeFile('functional/no-such-file', 'httpsys'), null);
});
