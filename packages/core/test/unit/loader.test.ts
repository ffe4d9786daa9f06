import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, test } from 'node:test';
import { findAddon, type AddonSearch } from '../../src/carriers/load-addon';
import { makeDir } from './service-support';

const complete = { Engine: class {}, peerCredentials() {}, lockFile() {}, frameTable() {} };

function place(root: string, ...parts: string[]): string {
  const file = path.join(root, ...parts);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, '');
  return file;
}

function search(root: string, load: (file: string) => unknown, env: NodeJS.ProcessEnv = {}): AddonSearch {
  return { root, env, load };
}

function failing(message: string): () => never {
  return () => {
    throw new Error(message);
  };
}

describe('the addon loader', () => {
  const platform = `${process.platform}-${process.arch}`;

  test('the own build comes before a prebuilt binary', () => {
    const root = makeDir();
    place(root, 'prebuilds', platform, 'node.napi.node');
    const built = place(root, 'build', 'Release', 'httpsys.node');
    const loaded: string[] = [];
    findAddon(search(root, (file) => (loaded.push(file), complete)));
    assert.deepEqual(loaded, [built]);
  });

  test('a prebuilt binary is taken when nothing was built', () => {
    const root = makeDir();
    const prebuilt = place(root, 'prebuilds', platform, 'node.napi.node');
    const loaded: string[] = [];
    findAddon(search(root, (file) => (loaded.push(file), complete)));
    assert.deepEqual(loaded, [prebuilt]);
  });

  test('a build that does not load falls back to a prebuilt binary', () => {
    const root = makeDir();
    const built = place(root, 'build', 'Release', 'httpsys.node');
    place(root, 'prebuilds', platform, 'node.napi.node');
    const binding = findAddon(search(root, (file) => (file === built ? failing('invalid ELF header')() : complete)));
    assert.equal(binding, complete);
  });

  test('HTTPSYS_ADDON is the only place when it is set', () => {
    const root = makeDir();
    place(root, 'build', 'Release', 'httpsys.node');
    const other = place(root, 'elsewhere.node');
    assert.equal(
      findAddon(search(root, (file) => (file === other ? complete : failing('wrong file')()), { HTTPSYS_ADDON: other })),
      complete,
    );
    assert.throws(() => findAddon(search(root, () => complete, { HTTPSYS_ADDON: path.join(root, 'missing.node') })), {
      code: 'ERR_HTTPSYS_ADDON',
      message: /missing\.node \(does not exist\)/,
    });
  });

  test('nothing built: each place is named, and what the build needs', () => {
    const root = makeDir();
    assert.throws(
      () => findAddon(search(root, () => complete)),
      (error: NodeJS.ErrnoException) => {
        assert.equal(error.code, 'ERR_HTTPSYS_ADDON');
        assert.ok(error.message.includes(path.join(root, 'build', 'Release', 'httpsys.node')));
        assert.ok(error.message.includes(path.join(root, 'prebuilds', platform)));
        assert.match(error.message, /npm rebuild @httpsys\/core.*g\+\+ make python3/);
        return true;
      },
    );
  });

  for (const [cause, message, remedy] of [
    [
      'another version of Node',
      'was compiled against a different Node.js version using NODE_MODULE_VERSION 108',
      /another version of Node/,
    ],
    ['another processor', '/x/httpsys.node: wrong ELF class: ELFCLASS32', /another processor or system/],
    ['another system', 'dlopen(...): tried: (mach-o file, but is an incompatible architecture)', /another processor or system/],
    ['an older C library', "version `GLIBC_2.38' not found", /system library/],
  ] as const) {
    test(`built for ${cause}: the message says so`, () => {
      const root = makeDir();
      place(root, 'build', 'Release', 'httpsys.node');
      assert.throws(() => findAddon(search(root, failing(message))), { code: 'ERR_HTTPSYS_ADDON', message: remedy });
    });
  }

  test('an addon of another version, which lacks functions, is refused', () => {
    const root = makeDir();
    place(root, 'build', 'Release', 'httpsys.node');
    assert.throws(() => findAddon(search(root, () => ({ Engine: class {} }))), {
      code: 'ERR_HTTPSYS_ADDON',
      message: /lacks peerCredentials, lockFile/,
    });
  });
});
