/** The addon in worker threads: one engine per thread, ended with it. */
import { test } from 'node:test';
import * as assert from 'node:assert/strict';
import { engine, unless } from '../support/engine';
import { freePort } from '../support/free-port.cjs';
import { startChild } from '../support/child';

const possible = unless(engine !== 'node', 'node:http has no addon');

const worker = `
  const { parentPort, workerData } = require('node:worker_threads');
  const { createServer } = require('@httpsys/core');
  const options = workerData.engine === 'httpsys' ? {} : { engine: workerData.engine };
  const server = createServer(options, (req, res) => res.end('worker ' + workerData.n));
  const up = () => parentPort.postMessage({ port: workerData.port || server.address().port });
  if (workerData.engine === 'service') server.listen('http://*:' + workerData.port + '/w' + workerData.n + '/', up);
  else server.listen(0, '127.0.0.1', up);
  parentPort.on('message', (message) => { if (message === 'exit') process.exit(3); else server.close(() => parentPort.close()); });
`;

const main = (ending: string): string => `
  const { Worker } = require('node:worker_threads');
  const http = require('node:http');
  const get = (port, path) => new Promise((resolve, reject) => {
    http.get({ host: '127.0.0.1', port, path, agent: false }, (res) => { let text = ''; res.on('data', (d) => (text += d)); res.on('end', () => resolve(text)); }).on('error', reject);
  });
  const once = (emitter, name) => new Promise((resolve) => emitter.once(name, resolve));
  (async () => {
    for (let round = 0; round < 3; round++) {
      const workers = [1, 2, 3].map((n) => new Worker(${JSON.stringify(worker)}, { eval: true, workerData: { engine, n, port: Number(process.env.PORT) } }));
      const ports = await Promise.all(workers.map(async (w) => (await once(w, 'message')).port));
      const texts = await Promise.all(ports.map((port, n) => get(port, '/w' + (n + 1) + '/')));
      if (texts.join() !== 'worker 1,worker 2,worker 3') throw new Error(texts.join());
      const exits = workers.map((w) => once(w, 'exit'));
      ${ending}
      await Promise.all(exits);
    }
    report({ done: true });
    letGo();
  })().catch((error) => { console.error(error); process.exit(9); });
`;

const endings: [what: string, code: string][] = [
  ['exit with a listening server', `workers.forEach((w) => w.postMessage('exit'));`],
  ['are terminated with a listening server', `workers.forEach((w) => w.terminate());`],
  ['close their server and end by themselves', `workers.forEach((w) => w.postMessage('close'));`],
  [
    'are terminated with a request under way',
    `workers.forEach((w, n) => { get(ports[n], '/w' + (n + 1) + '/').catch(() => {}); w.terminate(); });`,
  ],
];

for (const [what, code] of endings) {
  test(`worker threads that ${what}`, possible, async (t) => {
    const child = startChild(t, main(code), { PORT: engine === 'service' ? String(await freePort()) : '0' });
    await child.report('done', 30_000);
    assert.deepEqual(await child.exited(), { code: 0, signal: null }, child.output);
  });
}

test('the main thread serves while workers come and go', possible, async (t) => {
  const child = startChild(
    t,
    `
    const { Worker } = require('node:worker_threads');
    const http = require('node:http');
    const server = createServer((req, res) => res.end('main'));
    const get = () => new Promise((resolve, reject) => http.get({ host: '127.0.0.1', port: server.address().port, agent: false }, (res) => { res.resume(); res.on('end', resolve); }).on('error', reject));
    const up = async () => {
      for (let n = 0; n < 5; n++) {
        const w = new Worker("const { createServer } = require('@httpsys/core'); createServer({ engine: 'embedded' }, () => {}).listen(0, '127.0.0.1', () => process.exit(0));", { eval: true });
        await Promise.all([new Promise((resolve) => w.once('exit', resolve)), get(), get()]);
      }
      server.close(() => { report({ done: true }); letGo(); });
    };
    if (process.env.TARGET) server.listen(process.env.TARGET, up); else server.listen(0, '127.0.0.1', up);
  `,
    { TARGET: engine === 'service' ? `http://*:${await freePort()}/` : '' },
  );
  await child.report('done', 20_000);
  assert.deepEqual(await child.exited(), { code: 0, signal: null }, child.output);
});
