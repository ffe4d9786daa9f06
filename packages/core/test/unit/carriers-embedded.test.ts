import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as http from 'node:http';
import * as net from 'node:net';
import * as path from 'node:path';
import { afterEach, describe, test } from 'node:test';
import type { BoundUrl, CarrierEvents, Channel } from '../../src/carriers/carrier';
import { chooseCarrier } from '../../src/carriers/choose';
import { EmbeddedCarrier } from '../../src/carriers/embedded';
import * as frames from '../../src/queue/frames';
import { findPortHolder } from '../../src/service/port-holder';
import type { ServiceState } from '../../src/service/state';
import { until } from './service-support';

/** Answers every request with its URL context and target. */
class Application implements CarrierEvents {
  readonly carrier = new EmbeddedCarrier(this);
  readonly channels: Channel[] = [];
  closed = 0;
  failure: Error | null = null;

  onChannel(channel: Channel): void {
    this.channels.push(channel);
  }
  onBatch(channel: Channel, batch: Uint8Array, offset: number, length: number): void {
    const data = Buffer.from(batch.buffer, batch.byteOffset + offset, length);
    for (let at = 0; at < length; at += data.readUInt32LE(at)) {
      if (data[at + 4] !== frames.Request) continue;
      const body = at + frames.HeaderBytes;
      const target = data.toString('latin1', body + 20, body + 20 + data.readUInt32LE(body + 8));
      const text = `${data.readUInt32LE(body + 4)} ${target}`;
      const head = 'Content-Type: text/plain\r\n';
      const answer = Buffer.alloc(frames.HeaderBytes + 8);
      answer.writeUInt32LE(answer.length + 2 + head.length + text.length, 0);
      answer[4] = frames.Response;
      answer[5] = frames.ResponseEnd;
      answer.writeUInt16LE(200, 6);
      answer.writeUInt32LE(data.readUInt32LE(at + 8), 8);
      answer.writeUInt16LE(2, 12);
      answer.writeUInt32LE(head.length, 16);
      const frame = Buffer.concat([answer, Buffer.from(`OK${head}${text}`)]);
      channel.send(frame, frame.length);
    }
  }
  onChannelClosed(): void {
    this.closed++;
  }
  onLost(): void {
    assert.fail('the embedded engine cannot be lost');
  }
  onRestored(): void {}
  onFailed(error: Error): void {
    this.failure = error;
  }
  /** `open` calls back before it returns. */
  open(...prefixes: string[]): BoundUrl[] {
    const urls = prefixes.map((prefix, urlContext) => ({ prefix, urlContext }));
    let result: [Error | null, BoundUrl[]] | undefined;
    this.carrier.open({ credit: 16 }, urls, (error, bound) => (result = [error, bound]));
    if (result === undefined) assert.fail('open did not call back at once');
    if (result[0] !== null) throw result[0];
    return result[1];
  }
  state(): ServiceState {
    let result: ServiceState | undefined;
    this.carrier.queryState((error, state) => {
      assert.equal(error, null);
      result = state as ServiceState;
    });
    return result as ServiceState;
  }
}

const applications: Application[] = [];
function makeApplication(): Application {
  const application = new Application();
  applications.push(application);
  return application;
}

function get(port: number, target: string, host = '127.0.0.1'): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    http
      .get({ host, port, path: target, agent: false }, (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (piece: string) => (body += piece));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      })
      .on('error', reject);
  });
}

describe('the embedded carrier', () => {
  afterEach(() => {
    for (const application of applications.splice(0)) application.carrier.close(() => undefined);
  });

  test('a port is bound before openAlone returns, on the address that was asked for', async () => {
    const application = makeApplication();
    const bound = application.carrier.openAlone({ credit: 8 }, { host: '127.0.0.1', port: 0 }, 511, 7);
    assert.ok(bound.port > 0);
    assert.deepEqual(bound.address, { address: '127.0.0.1', family: 'IPv4', port: bound.port });
    assert.deepEqual(await get(bound.port, '/x?y'), { status: 200, body: '7 /x?y' });
  });

  test('without an address, any name and address of the machine is answered', async () => {
    const application = makeApplication();
    const { port, address } = application.carrier.openAlone({ credit: 8 }, { port: 0 }, 0, 1);
    assert.deepEqual(address, { address: '::', family: 'IPv6', port });
    assert.equal((await get(port, '/')).status, 200);
    assert.equal((await get(port, '/', 'localhost')).status, 200);
  });

  test('several prefixes of several servers meet on one port of the process', async () => {
    const [first, second] = [makeApplication(), makeApplication()];
    const [{ port }] = first.open('http://*:0/', 'http://*:0/a/');
    second.open(`http://*:${port}/b/`);
    assert.equal((await get(port, '/a/1')).body, '1 /a/1');
    assert.equal((await get(port, '/b/1')).body, '0 /b/1');
    assert.equal((await get(port, '/c')).body, '0 /c');
    assert.equal(first.state().urls.length, 3);
  });

  test('a duplicate prefix is EADDRINUSE with the own pid, and changes nothing', async () => {
    const [first, second] = [makeApplication(), makeApplication()];
    const [{ port }] = first.open('http://*:0/');
    assert.throws(() => second.open(`http://*:${port}/`), { code: 'EADDRINUSE', pid: process.pid });
    assert.equal((await get(port, '/')).status, 200);
  });

  test('a port that another socket holds is EADDRINUSE, with the pid where it can be found', async () => {
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as net.AddressInfo;
    const application = makeApplication();
    assert.throws(
      () => application.carrier.openAlone({ credit: 1 }, { host: '127.0.0.1', port: port }, 511, 0),
      (error: NodeJS.ErrnoException & { pid?: number; port?: number }) => {
        assert.equal(error.code, 'EADDRINUSE');
        assert.equal(error.syscall, 'listen');
        assert.equal(error.port, port);
        assert.equal(error.message, `listen EADDRINUSE: address already in use 127.0.0.1:${port}`);
        if (process.platform === 'linux') assert.equal(error.pid, process.pid);
        return true;
      },
    );
    assert.throws(() => application.open(`http://*:${port}/`), { code: 'EADDRINUSE' });
    server.close();
  });

  test('an address that this machine does not have is EADDRNOTAVAIL', () => {
    const { carrier } = makeApplication();
    assert.throws(() => carrier.openAlone({ credit: 1 }, { host: '203.0.113.1', port: 0 }, 511, 0), { code: 'EADDRNOTAVAIL' });
  });

  test('the port is free again after close, also when close is called inside a batch', async () => {
    const application = makeApplication();
    const { port } = application.carrier.openAlone({ credit: 8 }, { host: '127.0.0.1', port: 0 }, 511, 0);
    const answer = application.onBatch.bind(application);
    application.onBatch = (...args) => {
      answer(...args);
      application.carrier.close(() => undefined);
    };
    await get(port, '/').catch(() => undefined);
    assert.equal(application.closed, 1);
    const next = makeApplication();
    next.carrier.openAlone({ credit: 8 }, { host: '127.0.0.1', port: port }, 511, 0);
    assert.equal((await get(port, '/')).status, 200);
  });

  test('a malformed frame ends the channel and its requests; the queue goes on over another', async () => {
    const application = makeApplication();
    const { port } = application.carrier.openAlone({ credit: 8 }, { host: '127.0.0.1', port: 0 }, 511, 0);
    application.channels[0].send(Buffer.alloc(12), 12);
    await until('another channel', () => application.channels.length === 2);
    assert.equal(application.closed, 1);
    assert.equal((await get(port, '/again')).body, '0 /again');
    assert.equal(application.failure, null);
  });

  test('removed URLs get no requests', async () => {
    const [first, second] = [makeApplication(), makeApplication()];
    const [{ port }] = first.open('http://*:0/');
    second.open(`http://*:${port}/b/`);
    second.carrier.removeUrls((error) => assert.equal(error, null));
    assert.equal((await get(port, '/b/x')).body, '0 /b/x');
  });

  test('only a referenced carrier keeps the process alive', () => {
    const source = path.join(__dirname, '..', '..', 'src', 'carriers', 'embedded.ts');
    const script = `
      const { EmbeddedCarrier } = require(${JSON.stringify(source)});
      const nothing = () => {};
      const carrier = new EmbeddedCarrier({ onChannel: nothing, onBatch: nothing, onChannelClosed: nothing });
      carrier.openAlone({ credit: 1 }, { host: '127.0.0.1', port: 0 }, 1, 0);
      carrier.unref();`;
    const result = spawnSync(process.execPath, ['--require', 'tsx/cjs', '-e', script], {
      cwd: __dirname,
      timeout: 20_000,
      encoding: 'utf8',
    });
    assert.equal(result.stderr, '');
    assert.equal(result.status, 0);
  });

  test('operations before open and after close are ERR_HTTPSYS_NOT_LISTENING', () => {
    const { carrier } = makeApplication();
    carrier.queryState((error) => assert.equal((error as NodeJS.ErrnoException).code, 'ERR_HTTPSYS_NOT_LISTENING'));
    carrier.close((error) => assert.equal(error, null));
    carrier.removeUrls((error) => assert.equal((error as NodeJS.ErrnoException).code, 'ERR_HTTPSYS_NOT_LISTENING'));
  });
});

describe('which carrier a listen gets', () => {
  for (const [form, expected] of [
    [{ byPrefix: true, platform: 'linux' }, 'service'],
    [{ byPrefix: false, platform: 'linux' }, 'embedded'],
    [{ byPrefix: false, platform: 'darwin', isClusterWorker: true }, 'service'],
    [{ byPrefix: true, platform: 'linux', engine: 'embedded' }, 'embedded'],
    [{ byPrefix: false, platform: 'linux', env: { HTTPSYS_ENGINE: 'service' } }, 'service'],
    [{ byPrefix: false, platform: 'linux', env: { HTTPSYS_ENGINE: '' } }, 'embedded'],
    [{ byPrefix: false, platform: 'linux', engine: 'embedded', env: { HTTPSYS_ENGINE: 'service' } }, 'embedded'],
    [{ byPrefix: false, platform: 'win32', engine: 'embedded' }, 'embedded'],
    [{ byPrefix: true, platform: 'win32', engine: 'service' }, 'httpsys'],
    [{ byPrefix: false, platform: 'win32', isClusterWorker: true }, 'httpsys'],
    [{ byPrefix: true, platform: 'win32' }, 'httpsys'],
  ] as const) {
    test(`${JSON.stringify(form)}: ${expected}`, () => {
      assert.equal(chooseCarrier({ isClusterWorker: false, env: {}, ...form }), expected);
    });
  }

  test('another value is ERR_HTTPSYS_ENGINE, on every system', () => {
    for (const platform of ['linux', 'win32'] as const) {
      assert.throws(() => chooseCarrier({ byPrefix: true, platform, env: { HTTPSYS_ENGINE: 'turbo' } }), {
        code: 'ERR_HTTPSYS_ENGINE',
        message: /turbo/,
      });
      assert.throws(() => chooseCarrier({ byPrefix: true, platform, engine: 'httpsys', env: {} }), { code: 'ERR_HTTPSYS_ENGINE' });
    }
  });
});

describe('who holds a port', { skip: process.platform !== 'linux' && 'needs /proc' }, () => {
  test('the pid of the listener, undefined when nobody listens', async () => {
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(0, resolve));
    const { port } = server.address() as net.AddressInfo;
    assert.equal(findPortHolder(port), process.pid);
    await new Promise((resolve) => server.close(resolve));
    assert.equal(findPortHolder(port), undefined);
  });
});
