/** node:cluster: workers that listen on the same address share one request queue. */
import { test } from 'node:test';
import * as assert from 'node:assert/strict';
import { engine, features, onFreePort, unless } from '../support/engine';
import { fetchOnce } from '../support/client';
import { startChild, type Child } from '../support/child';
import { eventually } from '../support/poll';
import type { TestContext } from 'node:test';

const shared = unless(engine !== 'embedded', 'the embedded engine is exclusive by design; workers use the service');

/** A primary with two workers; it says which workers listen, and forks another when one dies. */
function primary(t: TestContext, port: number): Child {
  return startChild(
    t,
    `
    const cluster = require('node:cluster');
    if (cluster.isPrimary) {
      cluster.setupPrimary({ exec: process.env.PRELUDE, execArgv: [] });
      for (let n = 0; n < 2; n++) cluster.fork();
      let up = 0;
      cluster.on('message', (worker, message) => {
        if (message.up && ++up >= 2) report({ workers: Object.values(cluster.workers).map((one) => one.process.pid) });
        if (message.failed) report({ failed: message.failed });
      });
      cluster.on('exit', () => { if (!process.exiting) cluster.fork(); });
      process.on('message', () => {
        process.exiting = true;
        for (const worker of Object.values(cluster.workers)) worker.process.kill('SIGKILL');
        letGo();
      });
    }
  `,
    { PORT: String(port), PRELUDE: require.resolve('../support/cluster-worker.cjs') },
  );
}

test('two workers on one address share its requests; one that dies is replaced', shared, async (t) => {
  await onFreePort(async (port) => {
    const child = primary(t, port);
    const { workers } = (await child.report('workers', 20_000)) as { workers: number[] };
    const path = features.httpsys ? '/cluster/' : '/';
    const pids = new Set<number>();
    await eventually('answers of both workers', async () => {
      pids.add(Number((await fetchOnce(port, path)).text));
      return pids.size === 2;
    });
    assert.deepEqual([...pids].sort(), [...workers].sort());
    const victim = workers[0] as number;
    process.kill(victim, 'SIGKILL');
    await eventually('answers of the successor', async () => {
      // node:cluster may hand a connection to a worker that has just died, and nobody answers that one.
      const response = await fetchOnce(port, path, { ms: 500 }).catch(() => null);
      return response?.status === 200 && !workers.includes(Number(response.text));
    });
    const other = await fetchOnce(port, path);
    assert.notEqual(Number(other.text), victim);
    child.tell({ end: true });
    assert.deepEqual(await child.exited(), { code: 0, signal: null }, child.output);
  });
});
