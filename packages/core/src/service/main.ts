/**
 * The service process: owns the ports of one user, so that the prefixes of several applications meet. Started by the first application
 * (carriers/service-start.ts), found by the next, gone shortly after the last.
 */
import * as fs from 'node:fs';
import * as os from 'node:os';
import { loadAddon } from '../carriers/load-addon';
import type { NativeBinding, NativeEngine } from '../carriers/native';
import { ControlPlane } from './control-plane';
import { ControlServer } from './control-server';
import { SERVICE_LINGER_MS } from './limits';
import { Log } from './log';
import { ioSocketPath, openRuntimeDir, type RuntimeDir } from './runtime-dir';
import { packageVersion } from './version';

const THREADS_MAX = 64;
const DEFAULT_THREADS_MAX = 4;

/** Whatever keeps the service from starting is one line of the log, which the application's error quotes. */
function main(): void {
  try {
    start();
  } catch (error) {
    process.stderr.write(`${new Date().toISOString()} [${process.pid}] cannot start: ${(error as Error).message}\n`);
    process.exit(1);
  }
}

function start(): void {
  const where = openRuntimeDir();
  const addon = loadAddon();
  // Held until the process ends, however it ends.
  const lock = fs.openSync(where.lock, 'w', 0o600);
  if (!addon.lockFile(lock)) process.exit(0);

  const log = new Log(where.log);
  process.on('uncaughtException', (error) => {
    log.write(`uncaught: ${error.stack ?? error.message}`);
    process.exit(1);
  });
  run(where, addon, log);
}

function run(where: RuntimeDir, addon: NativeBinding, log: Log): void {
  const threads = numberFrom('HTTPSYS_IO_THREADS', 1, THREADS_MAX) ?? defaultThreads();
  const socketPaths = Array.from({ length: threads }, (_, thread) => ioSocketPath(where.dir, thread));
  // The lock is ours, so whoever left these is dead.
  removeSockets(where);
  const engine: NativeEngine = new addon.Engine({
    mode: 'threads',
    threads,
    socketPaths,
    cacheBytes: numberFrom('HTTPSYS_CACHE_BYTES', 0, Number.MAX_SAFE_INTEGER),
  });
  const plane = new ControlPlane(engine, { attachKeys: true });
  let leaving = false;
  const leave = (why: string): void => {
    if (leaving) return;
    leaving = true;
    log.write(`ends: ${why}`);
    // The control socket disappears first, so that an application that comes now starts a service of its own.
    removeSockets(where);
    server.close();
    plane.close();
    process.exit(0);
  };
  const server = new ControlServer({
    addon,
    plane,
    socketPaths,
    lingerMs: numberFrom('HTTPSYS_SERVICE_LINGER_MS', 0, 0x7fffffff) ?? SERVICE_LINGER_MS,
    log: (event) => log.write(event),
    onIdle: () => leave('no application is left'),
  });
  process.on('SIGTERM', () => leave('SIGTERM'));
  process.on('SIGINT', () => leave('SIGINT'));
  // Applications started from a terminal that was closed go on, and so does this.
  process.on('SIGHUP', () => log.write('SIGHUP ignored'));
  server.listen(where.control, () => {
    fs.rmSync(where.starting, { force: true });
    log.write(`httpsys service ${packageVersion}, Node ${process.versions.node}, ${threads} I/O threads, ${where.dir}`);
  });
}

function removeSockets(where: RuntimeDir): void {
  for (const name of fs.readdirSync(where.dir)) {
    if (name === 'service.sock' || /^io-\d+\.sock$/.test(name)) fs.rmSync(`${where.dir}/${name}`, { force: true });
  }
}

/** Half of the cores: the other half runs the applications. */
function defaultThreads(): number {
  return Math.max(1, Math.min(DEFAULT_THREADS_MAX, Math.floor(os.availableParallelism() / 2)));
}

/** An integer from the environment; anything else counts as not given. */
function numberFrom(name: string, low: number, high: number): number | undefined {
  const text = process.env[name];
  if (text === undefined || text === '') return undefined;
  const value = Number(text);
  return Number.isInteger(value) && value >= low && value <= high ? value : undefined;
}

main();
