// The slipstream example, run by the scripts of its package: on httpsys, on node:http, and as a cluster on the service.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../packages/core/test/support/free-port.cjs';
import { Run, until } from './helpers.mjs';

const folder = new URL('../slipstream/', import.meta.url);
const app = fileURLToPath(new URL('app.js', folder));
const { scripts } = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8'));
/** The command line of a script, with the path of the app. */
const command = (script) => [process.execPath, ...scripts[script].split(' ').slice(1, -1), app];

const listening = (run, count) =>
  until(() => run.output.length >= count || run.process.exitCode !== null, 30_000, `${count} lines; ${run.errors}`);

for (const [script, httpsys] of [
  ['start', true],
  ['start:node', false],
]) {
  test(`npm run ${script}: the same answers, httpsys ${httpsys}`, { timeout: 60_000 }, async () => {
    const run = new Run(await freePort(), command(script));
    try {
      await listening(run, 1);
      assert.equal(run.output[0], `http://localhost:${run.port}/hello`, run.errors);
      const { pid } = run.process;
      assert.deepEqual(await run.json('/hello'), { app: 'slipstream', pid, httpsys, served: 1 });
      const echo = await run.request('/echo', { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'there and back' });
      assert.equal(echo.body, 'there and back');
      assert.equal((await run.request('/nowhere')).status, 404);
      run.process.kill('SIGTERM');
      assert.deepEqual(await run.exited, { code: 0, signal: null });
      assert.equal(run.errors, '');
    } finally {
      run.process.kill('SIGKILL');
      assert.deepEqual(await run.allGone(), []);
    }
  });
}

test('WORKERS=2: two processes answer on the port', { timeout: 60_000 }, async () => {
  process.env.WORKERS = '2';
  const run = new Run(await freePort(), command('start'));
  delete process.env.WORKERS;
  try {
    await listening(run, 2);
    const pids = new Set();
    await until(async () => pids.add((await run.json('/hello')).pid).size === 2, 20_000, 'answers of both workers');
    assert.ok(!pids.has(run.process.pid));
    run.process.kill('SIGTERM');
    assert.deepEqual(await run.exited, { code: 0, signal: null });
  } finally {
    run.process.kill('SIGKILL');
    assert.deepEqual(await run.allGone(), []);
  }
});
