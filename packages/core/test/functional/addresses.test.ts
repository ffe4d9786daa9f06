/** Addresses: IPv6, dual stack, and ports a program has no right to. */
import { test, type TestContext } from 'node:test';
import * as assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { promisify } from 'node:util';
import type { AddressInfo } from 'node:net';
import { createServer, engine, listening, onFreePort, shutDown, unless } from '../support/engine';
import { freePort } from '../support/free-port.cjs';
import { fetchOnce } from '../support/client';
import { privateRuntime, startChild } from '../support/child';

const hasIpv6 = Object.values(os.networkInterfaces()).some((list) => list?.some((one) => one.address === '::1'));
const ipv6 = unless(hasIpv6, 'this machine has no IPv6 loopback');

test(
  'an IPv6 address is bound alone and shown as it is',
  { skip: engine === 'service' ? 'service: prefixes only' : ipv6.skip },
  async (t) => {
    const server = createServer({}, (req, res) =>
      res.end(`${req.socket.remoteAddress} ${req.socket.remoteFamily} ${req.socket.localAddress}`),
    );
    t.after(() => shutDown(server));
    await listening(server, 0, '::1');
    const address = server.address() as AddressInfo;
    assert.deepEqual({ ...address, port: 0 }, { address: '::1', family: 'IPv6', port: 0 });
    assert.equal((await fetchOnce(address.port, '/', { address: '::1', host: `[::1]:${address.port}` })).text, '::1 IPv6 ::1');
  },
);

test('without an address both families are served, IPv4 clients in mapped form', ipv6, async (t) => {
  await onFreePort(async (port) => {
    const server = createServer({}, (req, res) => res.end(String(req.socket.remoteAddress)));
    t.after(() => shutDown(server));
    await listening(server, engine === 'service' ? `http://*:${port}/` : port);
    assert.equal((await fetchOnce(port, '/', { address: '::1', host: `[::1]:${port}` })).text, '::1');
    assert.equal((await fetchOnce(port, '/')).text, '::ffff:127.0.0.1');
  });
});

const remedy = /(CAP_NET_BIND_SERVICE|setcap|1024|ip_unprivileged_port_start)/i;
const addonFile = path.join('build', 'Release', 'httpsys.node');

/** The package where every user may read it; a checkout may be closed to them. */
function copyForEverybody(t: TestContext): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'httpsys-test-'));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  const root = path.join(__dirname, '..', '..');
  fs.cpSync(path.join(root, 'dist'), path.join(folder, 'dist'), { recursive: true });
  fs.cpSync(path.join(root, 'package.json'), path.join(folder, 'package.json'));
  fs.cpSync(process.env.HTTPSYS_ADDON ?? path.join(root, addonFile), path.join(folder, addonFile));
  // Whatever the umask is.
  for (const name of ['', ...(fs.readdirSync(folder, { recursive: true }) as string[])]) fs.chmodSync(path.join(folder, name), 0o755);
  return folder;
}

const lowest = (): number => {
  try {
    return Number(fs.readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));
  } catch {
    return 1024;
  }
};

const unprivileged = 65534;

test(
  'a port below the unprivileged ones is EACCES, and the error says what to do',
  {
    skip:
      process.getuid?.() !== 0
        ? 'needs root, to give up its rights'
        : lowest() <= 1
          ? 'every port is unprivileged here'
          : engine === 'service' && 'the service is another process: the next test',
  },
  async (t) => {
    const code = `
      // All of the package is loaded before the rights go: the folder of a checkout may be closed to other users.
      const first = createServer(() => {}).listen(0, '127.0.0.1', () => first.close(() => {
        process.setgroups([]);
        process.setgid(${unprivileged});
        process.setuid(${unprivileged});
        const server = createServer(() => {});
        server.on('error', (error) => report({ code: error.code, message: error.message }));
        server.listen(${lowest() - 1}, '127.0.0.1', () => report({ code: 'listening' }));
      }));
    `;
    const child = startChild(t, code, { HTTPSYS_RUNTIME_DIR: privateRuntime(t) });
    const { code: result, message } = await child.report('code');
    assert.equal(result, 'EACCES');
    if (engine !== 'node') assert.match(String(message), remedy);
  },
);

test(
  'the service of an ordinary user: its own, which listens where its user may',
  {
    skip:
      engine !== 'service'
        ? 'only the service is a process of its own'
        : process.getuid?.() !== 0
          ? 'needs root, to become another user'
          : lowest() <= 1 && 'every port is unprivileged here',
  },
  async (t) => {
    const runtime = privateRuntime(t);
    fs.chownSync(runtime, unprivileged, unprivileged);
    const folder = copyForEverybody(t);
    const port = await freePort();
    const code = `
      const { createServer } = require(${JSON.stringify(folder)});
      const listen = (prefix) => new Promise((resolve) => {
        const server = createServer(() => {}).on('error', (error) => resolve([error.code, error.message]));
        server.listen(prefix, () => server.close(() => resolve(['listening'])));
      });
      Promise.all([listen('http://*:${lowest() - 1}/'), listen('http://*:${port}/')]).then((all) => console.log(JSON.stringify(all)));
    `;
    const env: NodeJS.ProcessEnv = { ...process.env, HTTPSYS_RUNTIME_DIR: runtime, NODE_TEST_CONTEXT: undefined };
    if (env.HTTPSYS_ADDON) env.HTTPSYS_ADDON = path.join(folder, addonFile);
    const options = { uid: unprivileged, gid: unprivileged, cwd: folder, env, timeout: 20_000 };
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', code], options);
    const [low, high] = JSON.parse(stdout) as string[][];
    assert.equal(low[0], 'EACCES');
    assert.match(low[1], remedy);
    assert.deepEqual(high, ['listening']);
  },
);

test('a name that does not resolve is an error of listen', { skip: engine === 'service' ? 'service: prefixes only' : false }, async () => {
  const server = createServer();
  await assert.rejects(listening(server, await freePort(), 'no-such-host.invalid'), (error: NodeJS.ErrnoException) => {
    assert.match(String(error.code), /^(ENOTFOUND|EAI_AGAIN|EAI_FAIL)$/);
    return true;
  });
  assert.equal(server.listening, false);
});
