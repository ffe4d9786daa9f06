import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { describe, test } from 'node:test';
import { openRuntimeDir } from '../../src/service/runtime-dir';
import { makeDir } from './service-support';

const uid = process.getuid?.() ?? 0;

describe('the runtime directory', { skip: process.platform === 'win32' }, () => {
  test('HTTPSYS_RUNTIME_DIR wins, and is created with mode 0700', () => {
    const dir = path.join(makeDir(), 'a', 'b');
    const where = openRuntimeDir({ HTTPSYS_RUNTIME_DIR: dir, XDG_RUNTIME_DIR: makeDir() });
    assert.equal(where.dir, dir);
    assert.equal(fs.statSync(dir).mode & 0o777, 0o700);
    assert.equal(where.control, path.join(dir, 'service.sock'));
  });

  test('XDG_RUNTIME_DIR is used when it is the own directory', () => {
    const xdg = makeDir();
    assert.equal(openRuntimeDir({ XDG_RUNTIME_DIR: xdg }).dir, path.join(xdg, 'httpsys'));
  });

  for (const [what, xdg] of [
    ['does not exist', '/nonexistent/run'],
    ['is relative', 'run'],
  ]) {
    test(`an XDG_RUNTIME_DIR that ${what} is passed over`, () => {
      assert.equal(openRuntimeDir({ XDG_RUNTIME_DIR: xdg }).dir, path.join(os.tmpdir(), `httpsys-${uid}`));
    });
  }

  test('a directory that others may read is refused', () => {
    const dir = makeDir();
    fs.chmodSync(dir, 0o755);
    assert.throws(() => openRuntimeDir({ HTTPSYS_RUNTIME_DIR: dir }), { code: 'ERR_HTTPSYS_RUNTIME_DIR', message: /chmod 700/ });
  });

  test('a link is refused, wherever it leads', () => {
    const dir = makeDir();
    fs.symlinkSync(makeDir(), path.join(dir, 'link'));
    assert.throws(() => openRuntimeDir({ HTTPSYS_RUNTIME_DIR: path.join(dir, 'link') }), { code: 'ERR_HTTPSYS_RUNTIME_DIR' });
  });

  test('a file in its place is refused', () => {
    const file = path.join(makeDir(), 'file');
    fs.writeFileSync(file, '');
    assert.throws(() => openRuntimeDir({ HTTPSYS_RUNTIME_DIR: file }), { code: 'ERR_HTTPSYS_RUNTIME_DIR' });
  });

  test('a directory of another user is refused', { skip: uid !== 0 && 'only root can make one' }, () => {
    const dir = makeDir();
    fs.chownSync(dir, 12345, 12345);
    assert.throws(() => openRuntimeDir({ HTTPSYS_RUNTIME_DIR: dir }), {
      code: 'ERR_HTTPSYS_RUNTIME_DIR',
      message: /belongs to user 12345/,
    });
  });

  test('a path that is too long for a socket is refused before anything is created', () => {
    const dir = path.join(makeDir(), 'x'.repeat(120));
    assert.throws(() => openRuntimeDir({ HTTPSYS_RUNTIME_DIR: dir }), { code: 'ERR_HTTPSYS_RUNTIME_DIR', message: /too long/ });
    assert.equal(fs.existsSync(dir), false);
  });
});
