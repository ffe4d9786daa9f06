/** Every form of `listen` that node:http has, with its addresses and errors; node:http itself is the oracle. */
import { describe, test, type TestContext } from 'node:test';
import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as http from 'node:http';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import type { AddressInfo } from 'node:net';
import { createServer, engine, listening, shutDown, unless } from '../support/engine';
import { fetchOnce } from '../support/client';
import { startChild } from '../support/child';
import { within } from '../support/poll';

const ownLoop = unless(engine !== 'service', 'ports of the service are prefixes that others may share');
const posix = unless(process.platform !== 'win32', 'there are no Unix sockets');
const hasIpv6 = Object.values(os.networkInterfaces()).some((list) => list?.some((one) => one.address === '::1'));
const ipv6 = { skip: ownLoop.skip || unless(hasIpv6, 'this machine has no IPv6 loopback').skip };
const kernelSpreads = unless(process.platform === 'linux', 'the kernel does not spread connections over such sockets');

const hello: http.RequestListener = (req, res) => {
  const { remoteAddress, remotePort, localAddress, localPort } = req.socket;
  res.end(JSON.stringify({ url: req.url, host: req.headers.host, remoteAddress, remotePort, localAddress, localPort }));
};

function open(t: TestContext): http.Server {
  const server = createServer({}, hello);
  t.after(() => shutDown(server));
  return server;
}

const portOf = (server: http.Server): number => (server.address() as AddressInfo).port;

/** The error a call of `listen` ends with, thrown or emitted. */
async function failureOf(...target: unknown[]): Promise<Record<string, unknown>> {
  const server = createServer({}, hello);
  try {
    await listening(server, ...target);
  } catch (error) {
    const { code, message, syscall, address, port, errno } = error as NodeJS.ErrnoException & Record<string, unknown>;
    return { code, message, syscall, address, port, errno, listening: server.listening };
  }
  await shutDown(server);
  return assert.fail(`listening on ${JSON.stringify(target)}`);
}

/** A folder for sockets: their paths have to be short. */
function folder(t: TestContext): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'hs-'));
  t.after(() => fs.rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function getByPath(socketPath: string): Promise<Record<string, unknown>> {
  return within(
    new Promise((resolve, reject) => {
      const request = http.get({ socketPath, path: '/over/path', agent: false }, (response) => {
        response.setEncoding('utf8');
        let text = '';
        response.on('data', (piece: string) => (text += piece));
        response.on('end', () => resolve(JSON.parse(text) as Record<string, unknown>));
      });
      request.on('error', reject);
    }),
    'an answer over the path',
  );
}

describe('ports', () => {
  test('the port is bound before listen returns', ownLoop, async (t) => {
    // With an address node:http needs another turn; here it is bound at once as well.
    const addressed = [[0, '127.0.0.1'], [{ host: '127.0.0.1', port: '0' }], [0, 'localhost']];
    for (const target of [[0], [], [{ port: 0 }], [{ port: undefined }], [null], ['0'], ...(engine === 'node' ? [] : addressed)]) {
      const server = open(t);
      (server.listen as (...values: unknown[]) => unknown).call(server, ...target);
      const address = server.address() as AddressInfo;
      assert.ok(address.port > 0, JSON.stringify(target));
      assert.equal(server.listening, true);
      assert.equal((await fetchOnce(address.port, '/')).status, 200);
    }
  });

  test('host, backlog and callback are found in every order node:http takes them', async (t) => {
    for (const rest of [['127.0.0.1'], ['127.0.0.1', 5], [undefined, 5], [5], [null], []] as unknown[][]) {
      const server = open(t);
      await listening(server, 0, ...rest);
      assert.equal((await fetchOnce(portOf(server), '/')).status, 200);
    }
  });

  test('address() has the address, family and port in node:http’s form', { skip: ownLoop.skip || ipv6.skip }, async (t) => {
    for (const [host, family, shown] of [
      ['127.0.0.1', 'IPv4', '127.0.0.1'],
      ['0.0.0.0', 'IPv4', '0.0.0.0'],
      ['::1', 'IPv6', '::1'],
      ['::', 'IPv6', '::'],
      [undefined, 'IPv6', '::'],
    ]) {
      const server = open(t);
      await listening(server, { port: 0, host });
      assert.deepEqual(server.address(), { address: shown, family, port: portOf(server) });
    }
  });

  test('any Host is served, whatever the address', ownLoop, async (t) => {
    const server = open(t);
    await listening(server, 0, '127.0.0.1');
    for (const host of ['example.org', `other:1`, '[::1]:80', 'localhost']) {
      assert.equal(JSON.parse((await fetchOnce(portOf(server), '/', { host })).text).host, host);
    }
  });

  test('ipv6Only leaves the port to IPv4, both ways round', ipv6, async (t) => {
    const six = open(t);
    await listening(six, { port: 0, host: '::', ipv6Only: true });
    const port = portOf(six);
    await assert.rejects(fetchOnce(port, '/'));
    assert.equal((await fetchOnce(port, '/', { address: '::1', host: `[::1]:${port}` })).status, 200);
    const four = open(t);
    await listening(four, port, '0.0.0.0');
    assert.equal((await fetchOnce(port, '/')).status, 200);
  });

  test('one port on two addresses is two servers', ownLoop, async (t) => {
    const first = open(t);
    await listening(first, 0, '127.0.0.1');
    const second = createServer({}, (_req, res) => res.end('second'));
    t.after(() => shutDown(second));
    await listening(second, portOf(first), '127.0.0.2');
    assert.equal((await fetchOnce(portOf(first), '/', { address: '127.0.0.2' })).text, 'second');
    assert.match((await fetchOnce(portOf(first), '/')).text, /127\.0\.0\.1/);
  });

  test(
    'reusePort lets several servers bind the port',
    { skip: ownLoop.skip || (engine === 'node' && 'Node 20 has no reusePort') || kernelSpreads.skip },
    async (t) => {
      const first = open(t);
      await listening(first, { port: 0, host: '127.0.0.1', reusePort: true });
      const second = open(t);
      await listening(second, { port: portOf(first), host: '127.0.0.1', reusePort: true });
      await shutDown(first);
      assert.equal((await fetchOnce(portOf(second), '/')).status, 200);
    },
  );

  test('a signal closes the server, also one that was aborted before; it keeps no listener behind', async (t) => {
    const controller = new AbortController();
    const server = open(t);
    await listening(server, { port: 0, signal: controller.signal });
    const closed = new Promise((resolve) => server.once('close', resolve));
    controller.abort();
    await within(closed, 'close');
    const late = open(t);
    const ended = new Promise((resolve) => late.once('close', resolve));
    late.listen({ port: 0, signal: controller.signal });
    await within(ended, 'close');
    const signal = new AbortController();
    const third = open(t);
    await listening(third, { port: 0, signal: signal.signal });
    await shutDown(third);
    await listening(third, 0);
    signal.abort();
    assert.equal(third.listening, true);
  });
});

describe('errors of ports', () => {
  test('a port that is taken is EADDRINUSE in node:http’s words, on the next turn', ownLoop, async (t) => {
    const holder = net.createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    t.after(() => holder.close());
    const { port } = holder.address() as AddressInfo;
    const { errno, ...rest } = await failureOf(port, '127.0.0.1');
    assert.equal(typeof errno, 'number');
    assert.deepEqual(rest, {
      code: 'EADDRINUSE',
      message: `listen EADDRINUSE: address already in use 127.0.0.1:${port}`,
      syscall: 'listen',
      address: '127.0.0.1',
      port,
      listening: false,
    });
    const any = net.createServer();
    await new Promise<void>((resolve) => any.listen(0, resolve));
    t.after(() => any.close());
    const all = (any.address() as AddressInfo).port;
    assert.equal((await failureOf(all)).message, `listen EADDRINUSE: address already in use :::${all}`);
  });

  test('a server that failed may listen again', ownLoop, async (t) => {
    const first = open(t);
    await listening(first, 0, '127.0.0.1');
    const second = open(t);
    await assert.rejects(listening(second, portOf(first), '127.0.0.1'), { code: 'EADDRINUSE' });
    await listening(second, 0, '127.0.0.1');
    assert.equal((await fetchOnce(portOf(second), '/')).status, 200);
  });

  test('an address of another machine is EADDRNOTAVAIL', ownLoop, async () => {
    const { errno, ...rest } = await failureOf(0, '203.0.113.1');
    assert.equal(typeof errno, 'number');
    assert.deepEqual(rest, {
      code: 'EADDRNOTAVAIL',
      message: `listen EADDRNOTAVAIL: address not available 203.0.113.1`,
      syscall: 'listen',
      address: '203.0.113.1',
      port: undefined,
      listening: false,
    });
  });

  test('arguments that make no sense are thrown at once, as node:net throws them', () => {
    const cases: [unknown[], string, RegExp][] = [
      [[{ port: 65536 }], 'ERR_SOCKET_BAD_PORT', /^options\.port should be >= 0 and < 65536\. Received type number \(65536\)\.$/],
      [[-1], 'ERR_SOCKET_BAD_PORT', /Received type number \(-1\)/],
      [[1.5], 'ERR_SOCKET_BAD_PORT', /Received type number \(1\.5\)/],
      [['65536'], 'ERR_SOCKET_BAD_PORT', /Received type string \('65536'\)/],
      [[{}], 'ERR_INVALID_ARG_VALUE', /must have the property "port" or "path"/],
      [[{ path: '' }], 'ERR_INVALID_ARG_VALUE', /Received \{ path: '' \}/],
      [[{ path: 5 }], 'ERR_INVALID_ARG_VALUE', /Received \{ path: 5 \}/],
      [[true], 'ERR_INVALID_ARG_VALUE', /Received \{ port: true \}/],
      [[{ port: {} }], 'ERR_INVALID_ARG_VALUE', /port: \{\}/],
      [[{ port: 0, signal: 'now' }], 'ERR_INVALID_ARG_TYPE', /signal/],
    ];
    for (const [target, code, message] of cases) {
      const server = createServer({}, hello);
      assert.throws(
        () => (server.listen as (...values: unknown[]) => unknown).call(server, ...target),
        { code, message },
        JSON.stringify(target),
      );
      assert.equal(server.listening, false);
    }
  });

  test('a second listen is ERR_SERVER_ALREADY_LISTEN', async (t) => {
    const server = open(t);
    await listening(server, 0);
    assert.throws(() => server.listen(0), { code: 'ERR_SERVER_ALREADY_LISTEN' });
    assert.throws(() => server.listen('./other.sock'), { code: 'ERR_SERVER_ALREADY_LISTEN' });
  });
});

describe('paths', posix, () => {
  test('a path is listened on, shown as it was given, and removed by close', async (t) => {
    const file = path.join(folder(t), 'app.sock');
    const server = open(t);
    await listening(server, file);
    assert.equal(server.address(), file);
    assert.deepEqual(await getByPath(file), { url: '/over/path', host: 'localhost' });
    await shutDown(server);
    assert.equal(fs.existsSync(file), false);
    // node:http goes on showing the path.
    if (engine !== 'node') assert.equal(server.address(), null);
    await listening(server, { path: file });
    assert.equal((await getByPath(file)).url, '/over/path');
  });

  test('two paths are two servers, though their clients name the same host', async (t) => {
    const directory = folder(t);
    for (const name of ['one', 'two']) {
      const server = createServer({}, (_req, res) => res.end(JSON.stringify({ name })));
      t.after(() => shutDown(server));
      await listening(server, path.join(directory, name));
    }
    assert.deepEqual(await getByPath(path.join(directory, 'one')), { name: 'one' });
    assert.deepEqual(await getByPath(path.join(directory, 'two')), { name: 'two' });
  });

  test('a path that exists is EADDRINUSE, as a dead socket or as a file; a folder that does not is EACCES', async (t) => {
    const directory = folder(t);
    const stale = path.join(directory, 'stale.sock');
    const child = startChild(
      t,
      `const server = require('node:net').createServer().listen(${JSON.stringify(stale)}, () => report({ up: true }));`,
    );
    await child.report('up');
    child.kill('SIGKILL');
    await child.exited();
    const file = path.join(directory, 'file');
    fs.writeFileSync(file, '');
    for (const taken of [stale, file]) {
      const { errno, ...rest } = await failureOf(taken);
      assert.equal(typeof errno, 'number');
      assert.deepEqual(rest, {
        code: 'EADDRINUSE',
        message: `listen EADDRINUSE: address already in use ${taken}`,
        syscall: 'listen',
        address: taken,
        port: -1,
        listening: false,
      });
    }
    assert.equal((await failureOf(path.join(directory, 'none', 'x'))).code, 'EACCES');
    assert.equal(fs.existsSync(stale), true);
  });

  test('readableAll and writableAll open the socket to everybody', async (t) => {
    const file = path.join(folder(t), 'open.sock');
    const server = open(t);
    await listening(server, { path: file, readableAll: true, writableAll: true });
    assert.equal(fs.statSync(file).mode & 0o666, 0o666);
  });

  test('a name of the abstract namespace', { skip: process.platform === 'linux' ? ownLoop.skip : 'Linux only' }, async (t) => {
    const server = open(t);
    const name = `\0httpsys-test-${process.pid}`;
    await listening(server, { path: name });
    assert.equal((await getByPath(name)).url, '/over/path');
  });
});

/** Descriptors are of this process: the service cannot have them, so they are served on the embedded engine whatever was asked for. */
describe('descriptors', posix, () => {
  /** A process whose descriptor 3 listens on a port, as systemd's socket activation leaves it. */
  const inherit = async (t: TestContext, code: string): Promise<{ port: number; report: Record<string, unknown> }> => {
    const child = startChild(
      t,
      `
      const net = require('node:net');
      const { spawn } = require('node:child_process');
      const holder = net.createServer().listen(0, '127.0.0.1', () => {
        const inner = spawn(process.execPath, ['-r', process.env.PRELUDE, '-e', process.env.CODE], { stdio: ['ignore', 'inherit', 'inherit', holder._handle, 'ipc'] });
        holder._handle.close();
        inner.on('message', (message) => report({ inner: message, port: message.port }));
        process.on('message', () => inner.send({ end: true }));
        inner.on('exit', () => { report({ ended: true }); letGo(); });
      });
    `,
      { PRELUDE: require.resolve('../support/child-prelude.cjs'), CODE: code },
    );
    const { inner } = (await child.report('inner')) as { inner: Record<string, unknown> };
    const port = Number(inner.port);
    t.after(async () => {
      child.tell({ end: true });
      await child.exited();
    });
    return { port, report: inner };
  };

  test('{ fd } is listened on, and closed with the server', async (t) => {
    const { port, report } = await inherit(
      t,
      `
      const server = createServer((req, res) => res.end('by fd ' + req.socket.localPort)).listen({ fd: 3 }, () => report({ port: server.address().port, address: server.address() }));
      process.on('message', () => server.close(() => letGo()));
    `,
    );
    assert.deepEqual(report.address, { address: '127.0.0.1', family: 'IPv4', port });
    assert.equal((await fetchOnce(port, '/', { host: 'anything' })).text, `by fd ${port}`);
  });

  test('what is no listening socket is EINVAL', async () => {
    for (const fd of [9999, fs.openSync(os.devNull, 'r')]) {
      const { errno, ...rest } = await failureOf({ fd });
      assert.equal(typeof errno, 'number');
      assert.deepEqual(rest, {
        code: 'EINVAL',
        message: 'listen EINVAL: invalid argument',
        syscall: 'listen',
        address: null,
        port: undefined,
        listening: false,
      });
    }
  });

  test('a handle of Node’s, or a net.Server that has one, is taken over', async (t) => {
    for (const give of [(holder: net.Server) => holder, (holder: net.Server) => (holder as unknown as { _handle: object })._handle]) {
      const holder = net.createServer();
      await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
      const { port } = holder.address() as AddressInfo;
      const server = open(t);
      await listening(server, give(holder));
      assert.deepEqual(server.address(), { address: '127.0.0.1', family: 'IPv4', port });
      assert.equal((await fetchOnce(port, '/')).status, 200);
      await shutDown(server);
      await assert.rejects(fetchOnce(port, '/'), { code: 'ECONNREFUSED' });
    }
  });
});
