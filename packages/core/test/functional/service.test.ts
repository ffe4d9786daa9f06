/** The life of the service process: started once, found again, gone after the last application, replaced when it is killed. */
import { test, type TestContext } from 'node:test';
import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { features, unless } from '../support/engine';
import { freePort } from '../support/free-port.cjs';
import { RawClient, fetchOnce } from '../support/client';
import { privateRuntime, startChild, type Child } from '../support/child';
import { servicePid } from '../support/service-process';
import { DEADLINE_MS, eventually } from '../support/poll';

const service = unless(features.service, 'only the service is a process of its own');

/** Longer than any start of a program, milliseconds. */
const longLinger = { HTTPSYS_SERVICE_LINGER_MS: String(4 * DEADLINE_MS) };

/** An application on a prefix of the service in `directory`. */
function application(t: TestContext, directory: string, prefix: string, environment: NodeJS.ProcessEnv = {}): Child {
  return startChild(
    t,
    `
    const server = createServer((req, res) => {
      if (req.url.endsWith('/hold')) {
        report({ holding: true });
        req.on('aborted', () => report({ aborted: true }));
        res.on('close', () => report({ closed: true, finished: res.writableFinished }));
        return;
      }
      if (req.url.endsWith('/cached')) { res.cachePolicy = { ttl: 600 }; res.setHeader('Content-Type', 'text/plain'); }
      if (req.url.endsWith('/state')) { server.queryState().then((state) => res.end(JSON.stringify(state))); return; }
      res.end(process.pid + ' ' + Math.random());
    });
    process.on('message', (message) => { if (message.close) server.close(() => { report({ serverClosed: true }); letGo(); }); });
    listenAndReport(server, process.env.PREFIX);
  `,
    { HTTPSYS_RUNTIME_DIR: directory, PREFIX: prefix, ...environment },
  );
}

/** The answering process, or null while nobody answers. */
async function answerer(port: number, target: string): Promise<string | null> {
  try {
    const response = await fetchOnce(port, target, { ms: 3000 });
    return response.status === 200 ? (response.text.split(' ')[0] as string) : null;
  } catch {
    return null;
  }
}

/** By /proc; 0 where there is none. */
function parentOf(pid: number): number {
  return pid === 0 ? 0 : Number(/^PPid:\s+(\d+)$/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

test('an application that is busy while it connects to the service listens all the same', service, async (t) => {
  const directory = privateRuntime(t);
  const port = await freePort();
  const busy = startChild(
    t,
    `
    const net = require('node:net');
    const { connect } = net;
    let blocked = false;
    // Behind the first channel's connect, before anything is written on it, for longer than the service waits (kAttachMs).
    net.connect = (options) => {
      const socket = connect(options);
      if (options.onread && !blocked) {
        blocked = true;
        process.nextTick(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 6000));
      }
      return socket;
    };
    const server = createServer((req, res) => res.end('served'));
    server.on('error', (error) => report({ failed: String(error) }));
    server.listen(process.env.PREFIX, () => report({ listening: true, blocked }));
  `,
    { HTTPSYS_RUNTIME_DIR: directory, PREFIX: `http://*:${port}/` },
  );
  assert.deepEqual(await busy.report('listening', 30_000), { listening: true, blocked: true });
  assert.equal((await fetchOnce(port, '/')).text, 'served');
});

test('one service for all applications of a directory, which is private to the user', service, async (t) => {
  const directory = privateRuntime(t);
  const port = await freePort();
  const first = application(t, directory, `http://*:${port}/a/`);
  await first.report('listening');
  const pid = servicePid(directory);
  assert.ok(pid);
  assert.notEqual(pid, first.pid);
  // Who ends an application with all its children, as PM2 does, leaves it alone.
  await eventually('the service to have another parent', () => parentOf(pid) !== first.pid && parentOf(parentOf(pid)) !== first.pid);
  const second = application(t, directory, `http://*:${port}/b/`);
  await second.report('listening');
  assert.equal(servicePid(directory), pid);
  assert.equal(await answerer(port, '/a/'), String(first.pid));
  assert.equal(await answerer(port, '/b/'), String(second.pid));
  assert.equal(fs.statSync(directory).mode & 0o777, 0o700);
  for (const name of fs.readdirSync(directory)) {
    if (name.endsWith('.log')) assert.equal(fs.statSync(path.join(directory, name)).mode & 0o077, 0, name);
  }
  const log = fs.readFileSync(path.join(directory, 'service.log'), 'utf8');
  assert.match(log, new RegExp(`\\[${pid}\\]`));
  const state = JSON.parse((await fetchOnce(port, '/a/state')).text) as { pid: number; urls: { prefix: string; pids: number[] }[] };
  assert.equal(state.pid, pid);
  assert.deepEqual(
    state.urls.map(({ prefix, pids }) => [prefix, pids]).sort(),
    [
      [`http://*:${port}/a/`, [first.pid]],
      [`http://*:${port}/b/`, [second.pid]],
    ].sort(),
  );
});

test('four applications that start at once share one service', service, async (t) => {
  const directory = privateRuntime(t);
  const port = await freePort();
  const children = ['a', 'b', 'c', 'd'].map((name) => application(t, directory, `http://*:${port}/${name}/`));
  for (const child of children) await child.report('listening', 20_000);
  for (const [n, name] of ['a', 'b', 'c', 'd'].entries()) assert.equal(await answerer(port, `/${name}/`), String(children[n]?.pid));
  const log = fs.readFileSync(path.join(directory, 'service.log'), 'utf8');
  assert.equal(log.split('\n').filter((line) => line.includes('httpsys service')).length, 1, log);
});

test('a prefix of another process is EADDRINUSE and names its pid', service, async (t) => {
  const directory = privateRuntime(t);
  const port = await freePort();
  const first = application(t, directory, `http://*:${port}/a/`);
  await first.report('listening');
  const second = application(t, directory, `http://*:${port}/A`);
  const { error } = (await second.report('error')) as { error: { code: string; pid: number; prefix: string; message: string } };
  assert.equal(error.code, 'EADDRINUSE');
  assert.equal(error.pid, first.pid);
  assert.ok(error.message.includes(String(first.pid)));
});

test('the service is gone after its last application, and leaves no socket', service, async (t) => {
  const directory = privateRuntime(t);
  const port = await freePort();
  const child = application(t, directory, `http://*:${port}/a/`);
  await child.report('listening');
  assert.ok(servicePid(directory));
  child.tell({ close: true });
  await child.report('serverClosed');
  assert.deepEqual(await child.exited(), { code: 0, signal: null });
  await eventually('the service to leave', () => servicePid(directory) === null);
  assert.deepEqual(
    fs.readdirSync(directory).filter((name) => name.endsWith('.sock')),
    [],
  );
  await assert.rejects(RawClient.connect(port), { code: 'ECONNREFUSED' });
});

test('an application that comes while the service lingers finds it', service, async (t) => {
  const directory = privateRuntime(t);
  const port = await freePort();
  const first = application(t, directory, `http://*:${port}/a/`, longLinger);
  await first.report('listening');
  const pid = servicePid(directory);
  first.tell({ close: true });
  await first.exited();
  const second = application(t, directory, `http://*:${port}/b/`);
  await second.report('listening');
  assert.equal(servicePid(directory), pid);
  assert.equal(await answerer(port, '/b/'), String(second.pid));
});

test('kill -9 of the service: requests under way end as aborted, applications come back on a new one', service, async (t) => {
  const directory = privateRuntime(t);
  const port = await freePort();
  const children = [application(t, directory, `http://*:${port}/a/`), application(t, directory, `http://*:${port}/b/`)];
  for (const child of children) await child.report('listening');
  const pid = servicePid(directory) as number;
  const client = await RawClient.connect(port);
  t.after(() => client.destroy());
  client.send(`GET /a/hold HTTP/1.1\r\nHost: x\r\n\r\n`);
  await children[0]?.report('holding');
  const cached = (await fetchOnce(port, '/a/cached')).text;
  assert.equal((await fetchOnce(port, '/a/cached')).text, cached);
  process.kill(pid, 'SIGKILL');
  await client.closed();
  await children[0]?.report('aborted');
  assert.equal((await children[0]?.report('closed'))?.finished, false);
  for (const [n, target] of ['/a/', '/b/'].entries()) {
    await eventually(`${target} to be served again`, async () => (await answerer(port, target)) === String(children[n]?.pid));
  }
  const next = servicePid(directory);
  assert.ok(next);
  assert.notEqual(next, pid);
  assert.notEqual((await fetchOnce(port, '/a/cached')).text, cached, 'the cache went with the service');
});

test('the service can be killed again and again', service, async (t) => {
  const directory = privateRuntime(t);
  const port = await freePort();
  const child = application(t, directory, `http://*:${port}/a/`);
  await child.report('listening');
  for (let round = 0; round < 3; round++) {
    const pid = await eventually('a service', () => servicePid(directory));
    process.kill(pid, 'SIGKILL');
    await eventually(`round ${round}`, async () => servicePid(directory) !== pid && (await answerer(port, '/a/')) === String(child.pid));
  }
  child.tell({ close: true });
  assert.deepEqual(await child.exited(), { code: 0, signal: null });
});

test('an application can close while its service is away', service, async (t) => {
  const directory = privateRuntime(t);
  const port = await freePort();
  const child = application(t, directory, `http://*:${port}/a/`);
  await child.report('listening');
  process.kill(servicePid(directory) as number, 'SIGKILL');
  child.tell({ close: true });
  await child.report('serverClosed');
  assert.deepEqual(await child.exited(), { code: 0, signal: null });
});

test('a directory that others can enter is refused', service, async (t) => {
  const directory = privateRuntime(t);
  fs.chmodSync(directory, 0o755);
  const child = application(t, directory, `http://*:${await freePort()}/a/`);
  const { error } = (await child.report('error')) as { error: { code: string; message: string } };
  assert.equal(error.code, 'ERR_HTTPSYS_RUNTIME_DIR');
  assert.match(error.message, /chmod 700/);
});
