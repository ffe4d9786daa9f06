// Memory of idle keep-alive connections: opened by client processes of their own, so that their memory is not the server's.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { residentBytes } from './proc.mjs';
import { startServer } from './server.mjs';

const client = fileURLToPath(new URL('./idle-client.mjs', import.meta.url));
const clients = 4;
/** Opened and closed first, so that what is allocated once is not counted for each connection. */
const warmUpConnections = 500;
const openDeadline = 60_000;

/** Opens connections and resolves when each has had its answer; `close` ends them. */
function open(url, path, count) {
  const child = fork(client, [url, path, String(count)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const close = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => fail(new Error(`${count} connections were not open within ${openDeadline / 1000} s`)), openDeadline);
    const fail = (error) => {
      clearTimeout(timer);
      close().then(() => reject(error));
    };
    child.once('error', fail);
    const early = (code) => fail(new Error(`the client of idle connections ended with ${code}`));
    child.once('exit', early);
    child.once('message', () => {
      clearTimeout(timer);
      child.off('exit', early);
      resolve(close);
    });
  });
}

export async function runIdle(one, options, log) {
  const count = options.smoke ? 200 : one.connections;
  const server = await startServer('plain', 'service');
  const closers = [];
  try {
    await (
      await open(server.url, one.request.path, Math.min(count, warmUpConnections))
    )();
    const pids = server.processes();
    const engine = pids.filter((pid) => pid !== server.pid);
    if (engine.length === 0) throw new Error('the service process was not found');
    const before = { engine: residentBytes(engine), app: residentBytes([server.pid]) };
    for (let index = 0; index < clients; index++) closers.push(await open(server.url, one.request.path, count / clients));
    const engineBytes = (residentBytes(engine) - before.engine) / count;
    const appBytes = (residentBytes([server.pid]) - before.app) / count;
    log(`${one.name}: ${Math.round(engineBytes)} bytes a connection in the service, ${Math.round(appBytes)} in the application`);
    const verdict = {
      server: 'service',
      what: 'bytes a connection',
      limit: `<= ${one.target}`,
      value: engineBytes,
      reached: engineBytes <= one.target,
    };
    return { name: one.name, title: one.title, idle: { connections: count, engineBytes, appBytes }, verdicts: [verdict] };
  } finally {
    await Promise.all(closers.map((close) => close()));
    await server.stop();
  }
}
