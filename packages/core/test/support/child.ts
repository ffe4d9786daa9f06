/** Child processes of a test: a few lines of code run by `node -e`, reports over IPC, always gone when the test is. */
import { spawn, type ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import type { TestContext } from 'node:test';
import { engine } from './engine';
import { DEADLINE_MS, within } from './poll';
import { stopService } from './service-process';

export interface ChildReport {
  [key: string]: unknown;
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export class Child {
  readonly process: ChildProcess;
  readonly exit: Promise<Exit>;
  output = '';
  private reports: ChildReport[] = [];
  private wake: (() => void)[] = [];
  private gone: Exit | null = null;

  constructor(code: string, environment: NodeJS.ProcessEnv, nodeArguments: string[]) {
    this.process = spawn(process.execPath, [...nodeArguments, '-r', path.join(__dirname, 'child-prelude.cjs'), '-e', code], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      cwd: path.join(__dirname, '..', '..'),
      env: { ...process.env, NODE_TEST_CONTEXT: undefined, HTTPSYS_TEST_ENGINE: engine, ...environment },
    });
    const collect = (piece: Buffer): void => {
      this.output = (this.output + piece.toString('utf8')).slice(-20_000);
    };
    this.process.stdout?.on('data', collect);
    this.process.stderr?.on('data', collect);
    this.process.on('message', (report) => {
      this.reports.push(report as ChildReport);
      this.wake.splice(0).forEach((wake) => wake());
    });
    this.process.once('disconnect', () => this.wake.splice(0).forEach((wake) => wake()));
    this.exit = new Promise((resolve) => {
      this.process.once('exit', (status, signal) => {
        this.gone = { code: status, signal };
        this.wake.splice(0).forEach((wake) => wake());
        resolve(this.gone);
      });
    });
  }

  get pid(): number {
    return this.process.pid as number;
  }

  /** The next report that has `key`; fails with the child's output when it exits first. */
  async report(key: string, ms = DEADLINE_MS): Promise<ChildReport> {
    return within(
      (async () => {
        for (;;) {
          const at = this.reports.findIndex((report) => key in report);
          if (at >= 0) return this.reports.splice(at, 1)[0] as ChildReport;
          // 'exit' may come before the last reports: they are all here when the channel has ended.
          if (this.gone && !this.process.connected)
            throw new Error(`the child ended with ${JSON.stringify(this.gone)} before reporting '${key}': ${this.output}`);
          await new Promise<void>((resolve) => this.wake.push(resolve));
        }
      })(),
      `the child's report of '${key}'; reports: ${JSON.stringify(this.reports)}; output: ${this.output}`,
      ms,
    );
  }

  /** How it ended, within the deadline. */
  exited(ms = DEADLINE_MS): Promise<Exit> {
    return within(this.exit, `process ${this.pid} to exit; output: ${this.output}`, ms);
  }

  tell(message: ChildReport): void {
    if (this.process.connected) this.process.send(message);
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    if (!this.gone) this.process.kill(signal);
  }
}

const childrenOf = new WeakMap<TestContext, Child[]>();

async function endChildren(t: TestContext): Promise<void> {
  const children = childrenOf.get(t) ?? [];
  for (const child of children) child.kill();
  await Promise.all(children.map((child) => child.exited()));
}

/** Starts a child for one test. */
export function startChild(t: TestContext, code: string, environment: NodeJS.ProcessEnv = {}, nodeArguments: string[] = []): Child {
  const child = new Child(code, environment, nodeArguments);
  const siblings = childrenOf.get(t);
  if (siblings) siblings.push(child);
  else {
    childrenOf.set(t, [child]);
    t.after(() => endChildren(t));
  }
  return child;
}

/** A runtime directory for one test: a service that is started there belongs to the test and ends with it. */
export function privateRuntime(t: TestContext): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'httpsys-test-'));
  t.after(async () => {
    // Applications that live on would start another service at once.
    await endChildren(t);
    stopService(directory);
    fs.rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  });
  return directory;
}
