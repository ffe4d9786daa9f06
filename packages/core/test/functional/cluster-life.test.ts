/** The life of a cluster: one port for listen(0), reload, disconnect, death; node:cluster on node:http is the oracle. */
import { test, type TestContext } from 'node:test';
import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as http from 'node:http';
import * as os from 'node:os';
import * as path from 'node:path';
import { engine, unless } from '../support/engine';
import { fetchOnce } from '../support/client';
import { privateRuntime, startChild, type Child } from '../support/child';
import { eventually, within } from '../support/poll';

const shared = unless(engine !== 'embedded', 'the embedded engine is exclusive by design; workers use the service');
const posix = { skip: shared.skip || unless(process.platform !== 'win32', 'there are no Unix sockets').skip };

/** A primary and `count` workers that listen on each of `targets`; resolves when all are ready. */
async function cluster(
  t: TestContext,
  count: number,
  ...targets: unknown[]
): Promise<{ primary: Child; pids: number[]; ports: unknown[] }> {
  const primary = startChild(t, `require(${JSON.stringify(require.resolve('../support/cluster-app.cjs'))});`, {
    TARGET: JSON.stringify(targets),
    HTTPSYS_RUNTIME_DIR: privateRuntime(t),
  });
  const pids: number[] = [];
  let ports: unknown[] = [];
  for (let n = 0; n < count; n++) {
    const started = await fork(primary);
    pids.push(started.pid);
    if (n > 0) assert.deepEqual(started.ports, ports, 'every worker has the same ports');
    ports = started.ports;
  }
  return { primary, pids, ports };
}

async function fork(primary: Child): Promise<{ pid: number; ports: unknown[] }> {
  primary.tell({ act: 'fork' });
  const { pid, ports } = (await primary.report('ports', 20_000)) as { pid: number; ports: unknown[] };
  return { pid, ports };
}

const ask = async (port: unknown): Promise<number> => Number((await fetchOnce(Number(port), '/')).text);

/** A request that a worker holds until it is released. */
function hold(port: unknown): { begun: Promise<void>; text: Promise<string> } {
  let begin: () => void;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const text = new Promise<string>((resolve, reject) => {
    const request = http.get({ host: '127.0.0.1', port: Number(port), path: '/held', agent: false }, (response) => {
      response.setEncoding('utf8');
      let all = '';
      response.on('data', (piece: string) => {
        all += piece;
        begin();
      });
      response.on('end', () => resolve(all));
      response.on('error', reject);
    });
    request.on('error', reject);
  });
  return { begun: within(begun, 'the held request to begin'), text: within(text, 'the held request to end') };
}

test('the first listen(0) of every worker is one port, the second another', shared, async (t) => {
  const { ports, pids } = await cluster(t, 2, 0, 0);
  assert.equal(new Set(ports).size, 2);
  const seen = new Set<number>();
  await eventually('answers of both workers', async () => {
    seen.add(await ask(ports[0]));
    return seen.size === 2;
  });
  assert.deepEqual([...seen].sort(), [...pids].sort());
  assert.ok(pids.includes(await ask(ports[1])));
});

test('the primary hears which address a worker listens on', shared, async (t) => {
  const { primary, pids, ports } = await cluster(t, 1, { port: 0, host: '127.0.0.1' });
  const { listening, address } = await primary.report('listening');
  assert.equal(listening, pids[0]);
  assert.deepEqual({ ...(address as object) }, { addressType: 4, address: '127.0.0.1', port: ports[0] });
});

test('a reload as PM2 does it: the new worker first, then SIGINT to the old one; what is under way is answered', shared, async (t) => {
  const { primary, pids, ports } = await cluster(t, 1, 0);
  const [old] = pids as [number];
  const held = hold(ports[0]);
  await held.begun;
  let asking = true;
  const answers: Promise<number[]> = (async () => {
    const all: number[] = [];
    while (asking) {
      const answer = await fetchOnce(Number(ports[0]), '/');
      assert.equal(answer.status, 200);
      all.push(Number(answer.text));
    }
    return all;
  })();
  const fresh = await fork(primary);
  primary.tell({ act: 'interrupt', pid: old });
  await eventually('only the new worker answers', async () => (await ask(ports[0])) === fresh.pid && (await ask(ports[0])) === fresh.pid);
  primary.tell({ act: 'release', pid: old });
  assert.equal(await held.text, `held by ${old}`);
  assert.deepEqual(await primary.report('gone'), { gone: old, code: 0, signal: null, voluntary: false });
  asking = false;
  for (const pid of await answers) assert.ok(pid === old || pid === fresh.pid, `an answer by ${pid}`);
});

test('worker.disconnect(): what is under way is answered, then the worker leaves by itself', shared, async (t) => {
  const { primary, pids, ports } = await cluster(t, 1, 0);
  const [old] = pids as [number];
  const held = hold(ports[0]);
  await held.begun;
  primary.tell({ act: 'disconnect', pid: old });
  // The channel is open until the servers are closed.
  primary.tell({ act: 'release', pid: old });
  assert.equal(await held.text, `held by ${old}`);
  assert.deepEqual(await primary.report('gone'), { gone: old, code: 0, signal: null, voluntary: true });
  primary.tell({ act: 'end' });
  assert.deepEqual(await primary.exited(), { code: 0, signal: null }, primary.output);
});

test('a worker that is killed leaves its port to the others', shared, async (t) => {
  const { primary, pids, ports } = await cluster(t, 2, 0);
  const [victim, survivor] = pids as [number, number];
  primary.tell({ act: 'kill', pid: victim });
  assert.equal((await primary.report('gone')).gone, victim);
  await eventually('the survivor answers', async () => (await ask(ports[0]).catch(() => 0)) === survivor);
  const fresh = await fork(primary);
  assert.deepEqual(fresh.ports, ports);
});

test('workers share a path', posix, async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'hs-'));
  t.after(() => fs.rmSync(directory, { recursive: true, force: true }));
  const socketPath = path.join(directory, 'app.sock');
  const { pids, ports } = await cluster(t, 2, socketPath);
  assert.deepEqual(ports, [socketPath]);
  const seen = new Set<number>();
  await eventually('answers of both workers', async () => {
    seen.add(
      await new Promise<number>((resolve, reject) => {
        http
          .get({ socketPath, agent: false }, (response) => response.on('data', (piece: Buffer) => resolve(Number(piece.toString()))))
          .on('error', reject);
      }),
    );
    return seen.size === 2;
  });
  assert.deepEqual([...seen].sort(), [...pids].sort());
});

test(
  'threads that name a queue share a port',
  { skip: engine === 'service' ? false : `${engine}: named queues are the service's` },
  async (t) => {
    const code = `
    const { Worker } = require('node:worker_threads');
    const ports = [];
    const start = (port) => new Promise((resolve) => {
      const worker = new Worker(\`
        const { parentPort, threadId, workerData } = require('node:worker_threads');
        const { createServer } = require('@httpsys/core');
        const server = createServer((req, res) => res.end(String(threadId)));
        server.listen({ port: workerData, queueName: 'threads', queueMode: 'createOrAttach' }, () => parentPort.postMessage(server.address().port));
      \`, { eval: true, workerData: port });
      worker.once('message', resolve);
    });
    (async () => {
      const port = await start(0);
      report({ ports: [port, await start(port)] });
    })();
  `;
    const child = startChild(t, code, { HTTPSYS_RUNTIME_DIR: privateRuntime(t) });
    const { ports } = (await child.report('ports')) as { ports: [number, number] };
    assert.equal(ports[0], ports[1]);
    const seen = new Set<number>();
    await eventually('answers of both threads', async () => {
      seen.add(await ask(ports[0]));
      return seen.size === 2;
    });
  },
);
