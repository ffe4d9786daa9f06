/** What the tests of the service share: a private runtime directory, polling with a deadline, and ends of processes that were started. */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const made: string[] = [];
process.on('exit', () => {
  for (const dir of made) fs.rmSync(dir, { recursive: true, force: true });
});

/** A fresh directory with mode 0700, removed at the end. */
export function makeDir(): string {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'httpsys-test-'));
  made.push(dir);
  return dir;
}

/** Polls until `check` gives something truthy. */
export async function until<T>(what: string, check: () => T | Promise<T>, timeoutMs = 10_000): Promise<NonNullable<T>> {
  for (const deadline = performance.now() + timeoutMs; ;) {
    const value = await check();
    if (value) return value as NonNullable<T>;
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await delay(5);
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // A process that ended and was not reaped by init yet still takes signals.
  try {
    return !/^State:\s+Z/m.test(fs.readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return process.platform !== 'linux';
  }
}

/** Ends a process that the test has started, and waits for its end. */
export async function stopProcess(pid: number, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  try {
    process.kill(pid, signal);
  } catch {
    return;
  }
  await until(`process ${pid} ends`, () => !isAlive(pid));
}
