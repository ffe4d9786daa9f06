/** Finds the service of this user or starts one. Safe when several applications do so at the same time: the service's lock decides. */
import { spawn, type ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { makeError } from '../errors';
import type { RuntimeDir } from '../service/runtime-dir';
import { ControlConnection } from './service-control';

/** The compiled entry, also when this file itself runs from its source. */
const SERVICE_MAIN = path.join(__dirname, '..', '..', 'dist', 'service', 'main.js');
const SHELL = '/bin/sh';
const BEHIND_SHELL = '"$HTTPSYS_SERVICE_NODE" "$HTTPSYS_SERVICE_MAIN" & wait $!';
const START_TIMEOUT_MS = 10_000;
/** Below this many tries the application itself was busy, and the time is not the service's fault. */
const START_POLLS_MIN = 40;
/** Services that may end with an error before it is reported. */
const START_ATTEMPTS = 3;
/** The mark of another application that is starting the service counts for so long, milliseconds. */
const STARTING_MARK_MS = 300;
/** After a service left because another one holds the lock, milliseconds. */
const RESPAWN_PAUSE_MS = 100;
const POLL_FIRST_MS = 5;
const POLL_MAX_MS = 50;
const LOG_LINES = 8;
const LOG_TAIL_BYTES = 4096;

/** Nothing listens there, or what listened is leaving. */
const absent = new Set(['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'EAGAIN', 'ERR_HTTPSYS_SERVICE_LOST']);

/** Variables that belong to this process alone: debuggers, loaders, IPC channels of cluster, child_process and the test runner. */
const notInherited = [
  'NODE_OPTIONS',
  'NODE_CHANNEL_FD',
  'NODE_CHANNEL_SERIALIZATION_MODE',
  'NODE_UNIQUE_ID',
  'NODE_TEST_CONTEXT',
  'NODE_V8_COVERAGE',
];

/**
 * A control connection after HELLO.
 *
 * @param isCancelled asked between attempts; true ends the search with ERR_HTTPSYS_SERVICE_LOST
 * @throws ERR_HTTPSYS_SERVICE_START with the log's last lines, ERR_HTTPSYS_VERSION
 */
export async function connectService(where: RuntimeDir, isCancelled: () => boolean = () => false): Promise<ControlConnection> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  let started: StartedService | null = null;
  let failures = 0;
  let respawnAt = 0;
  for (let wait = POLL_FIRST_MS, polls = 1; ; wait = Math.min(wait * 2, POLL_MAX_MS), polls++) {
    try {
      const connection = await ControlConnection.open(where.control);
      started?.release();
      return connection;
    } catch (error) {
      if (!absent.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
    if (isCancelled()) throw makeError('ERR_HTTPSYS_SERVICE_LOST', 'the server was closed');
    const now = performance.now();
    if (started?.ended !== undefined) {
      if (started.ended !== '') {
        failures++;
        if (failures === START_ATTEMPTS) throw startError(where, started.ended);
      }
      respawnAt = now + RESPAWN_PAUSE_MS;
      started = null;
      wait = POLL_FIRST_MS;
    }
    if (now > deadline && polls > START_POLLS_MIN) throw startError(where, `it did not answer within ${START_TIMEOUT_MS / 1000} s`);
    if (started === null && now >= respawnAt && markStarting(where)) started = new StartedService(where);
    await delay(wait);
  }
}

/**
 * A service on its way. It runs behind a shell that tells how it ended, and leaves when it answers: what is left is no child of this process,
 * for who ends an application with all its children (PM2 does at each reload) must not end the listener of the others.
 */
class StartedService {
  /** Why it ended: '' when it left because another one is there; undefined while it runs. */
  ended: string | undefined;
  private shell: ChildProcess | null = null;

  constructor(private readonly where: RuntimeDir) {
    if (!fs.existsSync(SERVICE_MAIN)) {
      this.finish(`${SERVICE_MAIN} does not exist; build the package first (npm run build)`);
      return;
    }
    this.shell = this.run(SHELL, ['-c', BEHIND_SHELL], (error) => {
      this.shell = null;
      // An image without a shell: the service is this process' child there.
      if (error.code === 'ENOENT') this.run(process.execPath, [SERVICE_MAIN], ({ message }) => this.finish(message));
      else this.finish(error.message);
    });
  }

  private run(file: string, args: string[], failed: (error: NodeJS.ErrnoException) => void): ChildProcess {
    const log = fs.openSync(this.where.log, 'a', 0o600);
    let child: ChildProcess;
    try {
      child = spawn(file, args, { detached: true, stdio: ['ignore', log, log], cwd: '/', env: serviceEnv(this.where) });
    } finally {
      fs.closeSync(log);
    }
    child.on('error', failed);
    child.on('exit', (code, signal) =>
      this.finish(code === 0 ? '' : signal === null ? `it ended with code ${code}` : `it was ended by ${signal}`),
    );
    child.unref();
    return child;
  }

  /** It answers. */
  release(): void {
    if (this.ended !== undefined) return;
    this.ended = '';
    this.shell?.kill('SIGKILL');
  }

  private finish(why: string): void {
    if (this.ended !== undefined) return;
    this.ended = why;
    // The next application need not wait for the mark to age.
    if (why !== '') fs.rmSync(this.where.starting, { force: true });
  }
}

function serviceEnv(where: RuntimeDir): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    HTTPSYS_RUNTIME_DIR: where.dir,
    HTTPSYS_SERVICE_NODE: process.execPath,
    HTTPSYS_SERVICE_MAIN: SERVICE_MAIN,
  };
  for (const name of notInherited) delete env[name];
  return env;
}

/** True when nobody else is about to start the service: without it, all applications would start one each after the service was killed. */
function markStarting(where: RuntimeDir): boolean {
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      fs.closeSync(fs.openSync(where.starting, 'wx', 0o600));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return true;
    }
    try {
      if (Date.now() - fs.statSync(where.starting).mtimeMs < STARTING_MARK_MS) return false;
      fs.rmSync(where.starting, { force: true });
    } catch {
      continue;
    }
  }
  return false;
}

function startError(where: RuntimeDir, why: string): Error {
  const tail = readTail(where.log);
  return makeError('ERR_HTTPSYS_SERVICE_START', tail === '' ? where.log : `${where.log}, which ends with:\n${tail}`, why);
}

function readTail(file: string): string {
  try {
    const fd = fs.openSync(file, 'r');
    try {
      const size = fs.fstatSync(fd).size;
      const buffer = Buffer.alloc(Math.min(size, LOG_TAIL_BYTES));
      fs.readSync(fd, buffer, 0, buffer.length, size - buffer.length);
      return buffer.toString('utf8').trimEnd().split('\n').slice(-LOG_LINES).join('\n');
    } finally {
      fs.closeSync(fd);
    }
  } catch {
    return '';
  }
}
