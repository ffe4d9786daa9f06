/** The service carrier against real service processes, started from dist/ (run `tsc -b packages/core` first). */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as path from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import type { BoundUrl, CarrierEvents, Channel, OpenQueueOptions } from '../../src/carriers/carrier';
import { ServiceCarrier } from '../../src/carriers/service';
import { ControlConnection } from '../../src/carriers/service-control';
import { run } from '../../src/cli/main';
import * as frames from '../../src/queue/frames';
import { ControlDecoder, encodeControl, ownHello, type ControlFrame } from '../../src/service/control-frames';
import { openRuntimeDir } from '../../src/service/runtime-dir';
import type { ServiceState } from '../../src/service/state';
import { isAlive, makeDir, stopProcess, until } from './service-support';

const dist = path.join(__dirname, '..', '..', 'dist');

/** A carrier and what it told. */
class Application implements CarrierEvents {
  readonly carrier = new ServiceCarrier(this);
  readonly channels = new Set<Channel>();
  readonly events: string[] = [];
  failure: Error | null = null;

  onChannel(channel: Channel): void {
    this.channels.add(channel);
  }
  onBatch(): void {}
  onChannelClosed(channel: Channel): void {
    this.channels.delete(channel);
  }
  onLost(error: Error): void {
    assert.equal((error as NodeJS.ErrnoException).code, 'ERR_HTTPSYS_SERVICE_LOST');
    this.events.push('lost');
  }
  onRestored(): void {
    this.events.push('restored');
  }
  onFailed(error: Error): void {
    this.failure = error;
    this.events.push('failed');
  }
  open(prefixes: string[], options: Partial<OpenQueueOptions> = {}): Promise<BoundUrl[]> {
    const urls = prefixes.map((prefix, urlContext) => ({ prefix, urlContext }));
    return new Promise((resolve, reject) => {
      this.carrier.open({ credit: 16, ...options }, urls, (error, bound) => (error === null ? resolve(bound) : reject(error)));
    });
  }
  state(): Promise<ServiceState> {
    return new Promise((resolve, reject) => {
      this.carrier.queryState((error, state) => (error === null ? resolve(state as ServiceState) : reject(error)));
    });
  }
  async pid(): Promise<number> {
    const { pid } = await this.state();
    assert.ok(pid !== undefined && pid !== process.pid);
    pids.add(pid);
    return pid;
  }
  close(): Promise<void> {
    return new Promise((resolve) => this.carrier.close(() => resolve()));
  }
}

const pids = new Set<number>();
const children = new Set<ChildProcess>();
const applications = new Set<Application>();

function makeApplication(): Application {
  const application = new Application();
  applications.add(application);
  return application;
}

/** An application in a process of its own; resolves with its first line of output, parsed. */
async function spawnApplication(
  prefix: string,
  then = '',
  meanwhile = '',
): Promise<{ child: ChildProcess; answer: { pid?: number; code?: string; port?: number; prefix?: string } }> {
  const script = `
    const { ServiceCarrier } = require(${JSON.stringify(path.join(dist, 'carriers', 'service.js'))});
    const nothing = () => {};
    const carrier = new ServiceCarrier({ onChannel: nothing, onBatch: nothing, onChannelClosed: nothing, onLost: nothing, onRestored: nothing, onFailed: nothing });
    carrier.open({ credit: 1 }, [{ prefix: ${JSON.stringify(prefix)}, urlContext: 0 }], (error, bound) => {
      if (error) return console.log(JSON.stringify({ code: error.code, message: error.message }));
      carrier.queryState((_, state) => { console.log(JSON.stringify({ pid: state.pid, ...bound[0] })); ${then} });
    });
    ${meanwhile}`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'], env: process.env });
  children.add(child);
  let text = '';
  child.stdout.on('data', (piece: Buffer) => (text += piece.toString()));
  const line = await until('the answer of the child', () => (text.includes('\n') ? text : null));
  const answer = JSON.parse(line) as { pid?: number };
  if (answer.pid !== undefined) pids.add(answer.pid);
  return { child, answer };
}

/** A control connection without our client, to say wrong things on. */
async function rawControl(): Promise<{ socket: net.Socket; received: ControlFrame[]; send(type: number, id: number, body: object): void }> {
  const socket = net.connect(openRuntimeDir().control);
  const received: ControlFrame[] = [];
  const decoder = new ControlDecoder();
  socket.on('data', (chunk) => received.push(...decoder.push(chunk)));
  socket.on('error', () => undefined);
  await until('the HELLO of the service', () => received.length > 0);
  return { socket, received, send: (type, id, body) => socket.write(encodeControl(type, id, body)) };
}

describe('the service process', { skip: process.platform === 'win32' }, () => {
  const saved = { ...process.env };
  before(() => {
    assert.ok(fs.existsSync(path.join(dist, 'service', 'main.js')), 'dist/ is built');
    process.env.HTTPSYS_IO_THREADS = '2';
  });
  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL');
    children.clear();
    await Promise.all([...applications].map((application) => application.close()));
    applications.clear();
    for (const pid of pids) await stopProcess(pid);
    pids.clear();
    fs.rmSync(process.env.HTTPSYS_RUNTIME_DIR as string, { recursive: true, force: true });
  });
  after(() => {
    process.env = saved;
  });

  /** Each test has a service of its own. */
  function freshDir(lingerMs = 20_000): string {
    const dir = makeDir();
    process.env.HTTPSYS_RUNTIME_DIR = dir;
    process.env.HTTPSYS_SERVICE_LINGER_MS = String(lingerMs);
    return dir;
  }

  test('the first listener starts it, the next finds it, and each has one channel per I/O thread', async () => {
    const dir = freshDir();
    const [first, second] = [makeApplication(), makeApplication()];
    const [bound] = await first.open(['http://*:0/a/']);
    assert.ok(bound.port > 0);
    assert.equal(bound.prefix, `http://*:${bound.port}/a/`);
    const pid = await first.pid();
    await second.open([`http://*:${bound.port}/b/`]);
    assert.equal(await second.pid(), pid);
    assert.equal(first.channels.size, 2);
    assert.equal(second.channels.size, 2);
    const state = await first.state();
    assert.deepEqual(state.urls.map((url) => url.prefix).sort(), [`http://*:${bound.port}/a/`, `http://*:${bound.port}/b/`]);
    assert.deepEqual(state.urls[0].pids, [process.pid]);
    assert.equal(fs.statSync(dir).mode & 0o777, 0o700);
    assert.match(fs.readFileSync(path.join(dir, 'service.log'), 'utf8'), /I\/O threads/);
  });

  test('many that start at once share one service', async () => {
    freshDir();
    const inProcess = Array.from({ length: 6 }, () => makeApplication());
    const [answers] = await Promise.all([
      Promise.all([1, 2, 3].map(() => spawnApplication('http://*:0/'))),
      Promise.all(inProcess.map((application) => application.open(['http://*:0/']))),
    ]);
    const all = [...(await Promise.all(inProcess.map((application) => application.pid()))), ...answers.map(({ answer }) => answer.pid)];
    assert.equal(new Set(all).size, 1);
  });

  test('it leaves after its last application, and takes its sockets with it', async () => {
    const dir = freshDir(50);
    const application = makeApplication();
    await application.open(['http://*:0/']);
    const pid = await application.pid();
    await application.close();
    await until('the service leaves', () => !isAlive(pid));
    assert.deepEqual(
      fs.readdirSync(dir).filter((name) => name.endsWith('.sock')),
      [],
    );
    const next = makeApplication();
    await next.open(['http://*:0/']);
    assert.notEqual(await next.pid(), pid);
  });

  test('a control connection that opens no queue keeps it from leaving', async () => {
    freshDir(50);
    const application = makeApplication();
    await application.open(['http://*:0/']);
    const pid = await application.pid();
    const control = await ControlConnection.open(openRuntimeDir().control);
    await application.close();
    await control.request(frames.QueryState, {});
    assert.equal(isAlive(pid), true);
    control.destroy();
    await until('the service leaves', () => !isAlive(pid));
  });

  for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
    test(`after ${signal} all applications are registered again with a new service`, async () => {
      freshDir();
      const both = [makeApplication(), makeApplication()];
      const ports = await Promise.all(both.map((application) => application.open(['http://*:0/'])));
      const pid = await both[0].pid();
      await stopProcess(pid, signal);
      await until('both are restored', () => both.every((application) => application.events.includes('restored')));
      for (const [index, application] of both.entries()) {
        assert.deepEqual(application.events, ['lost', 'restored']);
        assert.equal(application.channels.size, 2);
        const state = await application.state();
        assert.notEqual(await application.pid(), pid);
        assert.ok(state.urls.some((url) => url.prefix === ports[index][0].prefix));
      }
    });
  }

  test('requests made while there is no service fail with ERR_HTTPSYS_SERVICE_LOST', async () => {
    freshDir();
    const application = makeApplication();
    await application.open(['http://*:0/']);
    const pid = await application.pid();
    process.kill(pid, 'SIGKILL');
    await until('it is lost', () => application.events.includes('lost'));
    await assert.rejects(application.state(), { code: 'ERR_HTTPSYS_SERVICE_LOST' });
    await until('it is restored', () => application.events.includes('restored'));
    await application.pid();
  });

  test('closing while there is no service ends the search', async () => {
    freshDir(50);
    const application = makeApplication();
    await application.open(['http://*:0/']);
    process.kill(await application.pid(), 'SIGKILL');
    await until('it is lost', () => application.events.includes('lost'));
    await application.close();
    assert.deepEqual(application.events, ['lost']);
  });

  test('a prefix of another process is EADDRINUSE with its pid', async () => {
    freshDir();
    const { child, answer } = await spawnApplication('http://*:0/shop/');
    await assert.rejects(
      makeApplication().open([`http://*:${answer.port}/shop/`]),
      (error: NodeJS.ErrnoException & { pid?: number; prefix?: string }) => {
        assert.equal(error.code, 'EADDRINUSE');
        assert.equal(error.pid, child.pid);
        assert.equal(error.prefix, `http://*:${answer.port}/shop/`);
        return true;
      },
    );
  });

  test('the prefix of a process that was killed can be taken over at once', async () => {
    freshDir();
    const { child, answer } = await spawnApplication('http://*:0/shop/');
    const watcher = makeApplication();
    await watcher.open(['http://*:0/']);
    child.kill('SIGKILL');
    const orphaned = await until('the service notices', async () =>
      (await watcher.state()).urls.find((url) => url.prefix === answer.prefix && url.pids?.length === 0),
    );
    const successor = makeApplication();
    const [bound] = await successor.open([answer.prefix as string]);
    assert.equal(bound.prefix, answer.prefix);
    const url = (await successor.state()).urls.find((candidate) => candidate.prefix === answer.prefix);
    assert.equal(url?.queueId, orphaned.queueId, 'the queue, and with it the cache, goes on');
    assert.equal(successor.channels.size, 2);
  });

  test('a process whose carrier is not referenced ends by itself', async () => {
    freshDir();
    const { child } = await spawnApplication('http://*:0/', 'carrier.unref();');
    await until('the child ends', () => child.exitCode !== null);
    assert.equal(child.exitCode, 0);
  });

  test('cluster: processes on one named queue share it', async () => {
    freshDir();
    const [first, second] = [makeApplication(), makeApplication()];
    const [bound] = await first.open(['http://*:0/'], { name: 'workers', mode: 'createOrAttach' });
    await second.open([bound.prefix], { name: 'workers', mode: 'createOrAttach' });
    const state = await first.state();
    await first.pid();
    assert.equal(state.queues.length, 1);
    assert.equal(state.queues[0].name, 'workers');
    assert.equal(state.urls.length, 1);
    await assert.rejects(makeApplication().open([], { name: 'workers', mode: 'create' }), { code: 'EEXIST' });
    await assert.rejects(makeApplication().open([], { name: 'nobody', mode: 'attach' }), { code: 'ENOENT' });
  });

  test('cluster: workers that listen on the same URL share a queue without naming it', async () => {
    const dir = freshDir();
    const application = makeApplication();
    const [{ port }] = await application.open(['http://*:0/other/']);
    await application.pid();
    const script = `
      const cluster = require('node:cluster');
      if (cluster.isPrimary) {
        let open = 0;
        for (let index = 0; index < 2; index++) cluster.fork().on('message', () => ++open === 2 && console.log('both'));
      } else {
        const { createServer } = require(${JSON.stringify(path.join(dist, 'index.js'))});
        createServer(() => {}).listen('http://*:${port}/shared/', () => process.send('open'));
        process.on('disconnect', () => process.exit(0));
      }`;
    const file = path.join(dir, 'cluster.cjs');
    fs.writeFileSync(file, script);
    const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'], env: process.env });
    children.add(child);
    let text = '';
    child.stdout.on('data', (piece: Buffer) => (text += piece.toString()));
    await until('both workers', () => text.includes('both'));
    const state = await application.state();
    const shared = state.queues.find((queue) => queue.name?.startsWith(`cluster ${child.pid} `));
    assert.equal(shared?.pids?.length, 2);
    child.kill('SIGKILL');
    await until('the workers are gone', async () => {
      const queue = (await application.state()).queues.find((candidate) => candidate.id === shared?.id);
      return queue === undefined || queue.pids?.length === 0;
    });
  });

  test('a listener that is busy while the service answers is not taken for a lost one', async () => {
    freshDir();
    const busy = 'const until = Date.now() + 3500; while (Date.now() < until);';
    const { answer } = await spawnApplication('http://*:0/', '', busy);
    assert.equal(answer.code, undefined);
    assert.ok(answer.pid);
  });

  test('options and removal of URLs reach the service', async () => {
    freshDir();
    const application = makeApplication();
    await application.open(['http://*:0/']);
    await application.pid();
    const call = (start: (done: (error: Error | null) => void) => void): Promise<Error | null> => new Promise((resolve) => start(resolve));
    assert.equal(await call((done) => application.carrier.setOptions({ queueLength: 5 }, done)), null);
    const refused = (await call((done) => application.carrier.setOptions({ queueLength: 0 }, done))) as NodeJS.ErrnoException;
    assert.equal(refused.code, 'EINVAL');
    assert.equal(await call((done) => application.carrier.flushCache('http://localhost:1/x', true, done)), null);
    assert.equal(await call((done) => application.carrier.removeUrls(done)), null);
    assert.deepEqual((await application.state()).urls, []);
  });

  test('one channel that ends is replaced while the service lives', async () => {
    freshDir();
    const application = makeApplication();
    await application.open(['http://*:0/']);
    await application.pid();
    const [victim] = application.channels;
    victim.destroy(new Error('test'));
    await until('another channel', () => application.channels.size === 2 && !application.channels.has(victim));
    assert.deepEqual(application.events, []);
  });

  test('another protocol major is refused by the service, which names both versions', async () => {
    freshDir();
    const application = makeApplication();
    await application.open(['http://*:0/']);
    await application.pid();
    const { socket, received, send } = await rawControl();
    send(frames.Hello, 1, { ...ownHello('99.0.0'), protocolMajor: 99 });
    await until('the connection ends', () => socket.closed);
    const reply = received.find((frame) => frame.type === frames.Reply);
    assert.equal(reply?.body.code, 'ERR_HTTPSYS_VERSION');
    assert.match(String(reply?.body.message), /99\.0\.0 \(protocol 99\.\d+\).*protocol 1\.\d+/);
  });

  test('a service of another protocol major is refused by the application', async () => {
    const dir = freshDir();
    const server = net.createServer((socket) => {
      socket.on('error', () => undefined);
      socket.write(encodeControl(frames.Hello, 0, { ...ownHello('99.0.0'), protocolMajor: 99 }));
    });
    await new Promise<void>((resolve) => server.listen(path.join(dir, 'service.sock'), resolve));
    await assert.rejects(makeApplication().open(['http://*:0/']), { code: 'ERR_HTTPSYS_VERSION', message: /99\.0\.0/ });
    server.close();
  });

  test('a later minor version works together', async () => {
    freshDir();
    const application = makeApplication();
    await application.open(['http://*:0/']);
    await application.pid();
    const { socket, received, send } = await rawControl();
    send(frames.Hello, 1, { ...ownHello('1.9.0'), protocolMinor: 200, more: true });
    send(frames.OpenQueue, 2, { mode: 'create', options: { inventedLater: 1 } });
    send(0x7e, 3, {});
    await until('three replies', () => received.filter((frame) => frame.type === frames.Reply).length === 3);
    assert.deepEqual(
      received.filter((frame) => frame.type === frames.Reply).map((frame) => frame.body.code),
      ['OK', 'OK', 'EINVAL'],
    );
    socket.destroy();
  });

  for (const [what, bytes] of [
    ['garbage', Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')],
    ['a request before HELLO', encodeControl(frames.OpenQueue, 1, {})],
    ['a malformed HELLO', encodeControl(frames.Hello, 1, { protocolMajor: 'one' })],
    ['a frame with a length beyond the limit', Buffer.from([0xff, 0xff, 0xff, 0x7f, 0x40, 0, 0, 0, 1, 0, 0, 0])],
  ] as const) {
    test(`${what} on the control socket ends that connection and nothing else`, async () => {
      freshDir();
      const application = makeApplication();
      await application.open(['http://*:0/']);
      const pid = await application.pid();
      const { socket } = await rawControl();
      socket.write(bytes);
      await until('the connection ends', () => socket.closed);
      assert.equal(await application.pid(), pid);
      assert.deepEqual(application.events, []);
    });
  }

  test('requests with wrong fields are answered with EINVAL and leave the session usable', async () => {
    freshDir();
    const application = makeApplication();
    await application.open(['http://*:0/']);
    await application.pid();
    const control = await ControlConnection.open(openRuntimeDir().control);
    await assert.rejects(control.request(frames.AddUrl, { urls: [] }), { code: 'EINVAL' });
    await assert.rejects(control.request(frames.OpenQueue, { mode: 'steal' }), { code: 'EINVAL' });
    await assert.rejects(control.request(frames.OpenQueue, { name: 'a/b' }), { code: 'ERR_HTTPSYS_QUEUE_NAME' });
    await control.request(frames.OpenQueue, {});
    await assert.rejects(control.request(frames.AddUrl, { urls: [{ prefix: 'nonsense', urlContext: 0 }] }), {
      code: 'ERR_HTTPSYS_PREFIX_INVALID',
    });
    await assert.rejects(control.request(frames.FlushCache, { url: 7 }), { code: 'EINVAL' });
    control.destroy();
  });

  test('a service that cannot start is ERR_HTTPSYS_SERVICE_START with the last lines of its log', async () => {
    const dir = freshDir();
    const addon = process.env.HTTPSYS_ADDON;
    process.env.HTTPSYS_ADDON = path.join(dir, 'missing.node');
    try {
      await assert.rejects(makeApplication().open(['http://*:0/']), (error: NodeJS.ErrnoException) => {
        assert.equal(error.code, 'ERR_HTTPSYS_SERVICE_START');
        assert.ok(error.message.includes(path.join(dir, 'service.log')));
        assert.match(error.message, /missing\.node \(does not exist\)/);
        return true;
      });
    } finally {
      if (addon === undefined) delete process.env.HTTPSYS_ADDON;
      else process.env.HTTPSYS_ADDON = addon;
    }
  });

  test('the command line shows, flushes and stops', async () => {
    freshDir();
    const application = makeApplication();
    const [bound] = await application.open(['http://*:0/shop/']);
    const pid = await application.pid();
    const out: string[] = [];
    const command = (...args: string[]): Promise<number> => {
      out.length = 0;
      return run(
        args,
        (text) => out.push(text),
        (text) => out.push(text),
      );
    };
    assert.equal(await command('show', 'servicestate'), 0);
    assert.match(out[0], new RegExp(`Service process: ${pid}`));
    assert.ok(out[0].includes(bound.prefix));
    assert.equal(await command('show', 'servicestate', '--json'), 0);
    assert.equal((JSON.parse(out[0]) as ServiceState).pid, pid);
    assert.equal(await command('flush', 'cache', `url=http://localhost:${bound.port}/shop/`, 'recursive=yes'), 0);
    assert.match(out[0], /^0 cached responses dropped/);
    assert.equal(await command('flush', 'cache'), 1);
    assert.match(out[0], /needs url=/);
    assert.equal(await command('flush', 'cache', 'url=http://x:1/', 'recursive=perhaps'), 1);
    assert.equal(await command('show', 'servicestate', '--xml'), 1);
    await application.close();
    assert.equal(await command('stop', 'service'), 0);
    assert.equal(isAlive(pid), false);
    assert.equal(await command('show', 'servicestate'), 1);
    assert.equal(out[0], 'The httpsys service is not running.');
    assert.equal(await command('dance'), 1);
    assert.match(out[0], /Unknown command: dance/);
    assert.equal(await command('--help'), 0);
    assert.equal(await command('--version'), 0);
    assert.match(out[0], /^\d+\.\d+\.\d+/);
  });
});
