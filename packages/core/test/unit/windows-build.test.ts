import { execFileSync } from 'node:child_process';
import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';
import { entriesFor, nameFits, needsWindows, testFileName, wholeFile } from '../support/needs-windows';

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

test('the list of what needs real Windows names test files that exist, with a fact and a reason', () => {
  for (const { engines, fact, reason, tests } of needsWindows) {
    assert.ok(engines.length > 0 && fact !== '' && reason !== '');
    for (const [file, names] of Object.entries(tests)) {
      assert.ok(fs.existsSync(path.join(core, 'test', `${file}.test.ts`)), file);
      assert.ok(names.length > 0, file);
    }
  }
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
