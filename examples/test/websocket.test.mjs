// The WebSocket example, run as its README says: the page, the echo, and the end.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { freePort } from '../../packages/core/test/support/free-port.cjs';
import { Run, until } from './helpers.mjs';

const app = fileURLToPath(new URL('../websocket/app.mjs', import.meta.url));

test('the page, the echo beside it, and a close code when the app ends', { timeout: 60_000 }, async () => {
  const run = new Run(await freePort(), [process.execPath, app]);
  try {
    await until(() => run.output.length > 0 || run.process.exitCode !== null, 30_000, 'the URL');
    assert.equal(run.output[0], `http://localhost:${run.port}/websocket/`, run.errors);
    // Twice: the second comes from the cache, and the upgrade for the same URL does not.
    for (let n = 0; n < 2; n++) assert.match((await run.request('/websocket/')).body, /new WebSocket/);
    const socket = new WebSocket(`ws://127.0.0.1:${run.port}/websocket/`);
    await once(socket, 'open');
    socket.send('hello');
    const [data] = await once(socket, 'message');
    assert.equal(String(data), 'hello');
    const closed = once(socket, 'close');
    run.process.kill('SIGTERM');
    assert.equal((await closed)[0], 1001);
    assert.deepEqual(await run.exited, { code: 0, signal: null });
  } finally {
    run.process.kill('SIGKILL');
    assert.deepEqual(await run.allGone(), []);
  }
});
