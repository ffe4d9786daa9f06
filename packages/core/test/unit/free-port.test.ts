/** How the tests find their ports: what one of them was given, no other process gets. */
import { test, type TestContext } from 'node:test';
import * as assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as net from 'node:net';
import * as path from 'node:path';
import { freePort } from '../support/free-port.cjs';
import { eventually, nextEvent } from '../support/poll';

const none = /no free port of \d+ to \d+/;
const only = (port: number): Promise<number> => freePort(port, port);

/** A process that has been given a port, and lives until it is told. */
async function otherProcess(t: TestContext): Promise<{ port: number; end(): Promise<unknown> }> {
  const code = `require(${JSON.stringify(path.join(__dirname, '..', 'support', 'free-port.cjs'))}).freePort().then((port) => process.send(port));
    process.on('disconnect', () => process.exit());`;
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  t.after(() => child.kill('SIGKILL'));
  const exit = once(child, 'exit');
  const [port] = (await nextEvent(child, 'message')) as [number];
  return {
    port,
    end() {
      child.disconnect();
      return exit;
    },
  };
}

test('a port that another process was given is not given again while that process lives', async (t) => {
  const other = await otherProcess(t);
  assert.ok(other.port >= 10240 && other.port < 32768, String(other.port));
  await assert.rejects(only(other.port), none);
  await other.end();
  assert.equal(await eventually('the port to be free', () => only(other.port)), other.port);
});

test('a port that is listened on is not given', async (t) => {
  const holder = net.createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  t.after(() => holder.close());
  await assert.rejects(only((holder.address() as net.AddressInfo).port), none);
});

test('ports of one process differ in more than their last digit, also those that are asked for at once', async () => {
  const ports = await Promise.all(Array.from({ length: 50 }, () => freePort()));
  assert.equal(new Set(ports.map((port) => Math.floor(port / 10))).size, 50);
  await assert.rejects(only(ports[0] as number), none);
});

test('the ports of a process are for its use: they can be listened on', async (t) => {
  const server = net.createServer().listen(await freePort());
  t.after(() => server.close());
  await once(server, 'listening');
});
