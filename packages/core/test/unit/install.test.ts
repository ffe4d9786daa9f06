import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import * as path from 'node:path';
import { describe, test } from 'node:test';
import { makeDir } from './service-support';

const scripts = path.join(__dirname, '..', '..', 'scripts');
const load = createRequire(__filename);
const install = load(path.join(scripts, 'install.js')) as {
  buildState(root: string): string;
  findHeaders(execPath?: string): string | null;
  findNodeGyp(env?: NodeJS.ProcessEnv): string | null;
  loadablePrebuild(root: string): string | null;
};
const toolchain = load(path.join(scripts, 'toolchain.js')) as {
  installCommand(platform: string, osRelease?: string): string;
  missingTools(env: NodeJS.ProcessEnv, platform?: string): string[];
};

/** A copy of the package's build inputs, without a build. */
function copyPackage(): string {
  const root = makeDir();
  const source = path.join(scripts, '..');
  for (const name of ['scripts', 'binding.gyp', 'package.json'])
    fs.cpSync(path.join(source, name), path.join(root, name), { recursive: true });
  fs.mkdirSync(path.join(root, 'native', 'common'), { recursive: true });
  fs.writeFileSync(path.join(root, 'native', 'common', 'a.cc'), '');
  return root;
}

/** The copy's own install.js: it looks at the sources beside it. */
function stateOf(root: string): string {
  return (load(path.join(root, 'scripts', 'install.js')) as typeof install).buildState(root);
}

function pretendBuild(
  root: string,
  variables: object = { node_module_version: Number(process.versions.modules), target_arch: process.arch },
): void {
  const release = path.join(root, 'build', 'Release');
  fs.mkdirSync(release, { recursive: true });
  fs.writeFileSync(path.join(root, 'build', 'config.gypi'), `# Do not edit.\n${JSON.stringify({ variables })}`);
  const file = path.join(release, 'httpsys.node');
  fs.writeFileSync(file, '');
  const later = new Date(Date.now() + 60_000);
  fs.utimesSync(file, later, later);
}

describe('the install script', () => {
  test('a build newer than all sources is current', () => {
    const root = copyPackage();
    assert.equal(stateOf(root), 'foreign');
    pretendBuild(root);
    assert.equal(stateOf(root), 'current');
  });

  for (const [what, change] of [
    ['a source', (root: string) => path.join(root, 'native', 'common', 'a.cc')],
    ['binding.gyp', (root: string) => path.join(root, 'binding.gyp')],
    ['a folder, where a file came or went,', (root: string) => path.join(root, 'native', 'common')],
  ] as const) {
    test(`${what} that changed makes it stale`, () => {
      const root = copyPackage();
      pretendBuild(root);
      const later = new Date(Date.now() + 120_000);
      fs.utimesSync(change(root), later, later);
      assert.equal(stateOf(root), 'stale');
    });
  }

  test('a build for another Node or processor is foreign', () => {
    const root = copyPackage();
    pretendBuild(root, { node_module_version: 1, target_arch: process.arch });
    assert.equal(stateOf(root), 'foreign');
    pretendBuild(root, { node_module_version: Number(process.versions.modules), target_arch: 'mips' });
    assert.equal(stateOf(root), 'foreign');
  });

  test('a prebuilt binary counts only for this platform, and only when it loads', () => {
    const root = makeDir();
    const own = path.join(root, 'prebuilds', `${process.platform}-${process.arch}`);
    const built = path.join(scripts, '..', 'build', 'Release', 'httpsys.node');
    assert.equal(install.loadablePrebuild(root), null);
    fs.mkdirSync(path.join(root, 'prebuilds', 'other-cpu'), { recursive: true });
    fs.copyFileSync(built, path.join(root, 'prebuilds', 'other-cpu', 'x.node'));
    assert.equal(install.loadablePrebuild(root), null);
    fs.mkdirSync(own);
    fs.writeFileSync(path.join(own, 'a.musl.node'), 'not a library of this machine');
    assert.equal(install.loadablePrebuild(root), null);
    fs.copyFileSync(built, path.join(own, 'b.glibc.node'));
    assert.equal(install.loadablePrebuild(root), path.join(own, 'b.glibc.node'));
  });

  test('headers beside the binary are used only when they are of this very version', () => {
    const root = makeDir();
    const bin = path.join(root, 'bin', 'node');
    const include = path.join(root, 'include', 'node');
    fs.mkdirSync(path.dirname(bin));
    fs.writeFileSync(bin, '');
    assert.equal(install.findHeaders(bin), null);
    fs.mkdirSync(include, { recursive: true });
    for (const name of ['node_api.h', 'uv.h']) fs.writeFileSync(path.join(include, name), '');
    const [major, minor, patch] = process.versions.node.split('.');
    const version = (last: string): string =>
      `#define NODE_MAJOR_VERSION ${major}\n#define NODE_MINOR_VERSION ${minor}\n#define NODE_PATCH_VERSION ${last}\n`;
    fs.writeFileSync(path.join(include, 'node_version.h'), version('999'));
    assert.equal(install.findHeaders(bin), null);
    fs.writeFileSync(path.join(include, 'node_version.h'), version(patch));
    assert.equal(install.findHeaders(bin), root);
  });

  test('node-gyp is found without asking a registry', () => {
    const file = install.findNodeGyp({});
    assert.ok(file !== null && fs.existsSync(file));
  });

  test('without compiler, make and python3 it says what to install and ends with 1', { skip: process.platform === 'win32' }, () => {
    const root = copyPackage();
    const result = spawnSync(process.execPath, [path.join(root, 'scripts', 'install.js')], {
      env: { PATH: makeDir() },
      encoding: 'utf8',
    });
    assert.equal(result.status, 1);
    assert.match(result.stderr, /lacks: g\+\+, make, python3/);
    assert.match(result.stderr, /npm install again/);
    assert.ok(result.stderr.split('\n').length < 8, 'the message is short');
  });

  test('each missing tool is named', () => {
    const bin = makeDir();
    const tool = (name: string): void => fs.writeFileSync(path.join(bin, name), '', { mode: 0o755 });
    assert.deepEqual(toolchain.missingTools({ PATH: bin }, 'linux'), ['g++', 'make', 'python3']);
    tool('clang++');
    assert.deepEqual(toolchain.missingTools({ PATH: bin }, 'linux'), ['make', 'python3']);
    tool('make');
    tool('python3');
    assert.deepEqual(toolchain.missingTools({ PATH: bin }, 'linux'), []);
    assert.deepEqual(toolchain.missingTools({ PATH: bin, CXX: 'g++-14 -m64' }, 'linux'), ['g++-14']);
  });

  for (const [platform, release, command] of [
    ['linux', 'ID=debian', /apt-get install -y g\+\+ make python3/],
    ['linux', 'ID=linuxmint\nID_LIKE="ubuntu debian"', /apt-get/],
    ['linux', 'ID="rocky"\nID_LIKE="rhel centos fedora"', /dnf install gcc-c\+\+/],
    ['linux', 'ID=alpine', /apk add g\+\+/],
    ['linux', 'ID=arch', /pacman/],
    ['linux', 'ID=opensuse-leap\nID_LIKE="suse opensuse"', /zypper/],
    ['linux', '', /C\+\+17 compiler/],
    ['darwin', '', /xcode-select --install/],
    ['win32', '', /Visual Studio/],
  ] as const) {
    test(`the command for ${platform} ${release.replaceAll('\n', ' ') || '(unknown)'}`, () => {
      assert.match(toolchain.installCommand(platform, release), command);
    });
  }
});
