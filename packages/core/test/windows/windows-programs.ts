/** Programs in Windows' node.exe under Wine, asked by clients on Linux. */
import { spawn, type ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import * as http from 'node:http';
import * as os from 'node:os';
import * as path from 'node:path';
import type { TestContext } from 'node:test';
import { eventually, within } from '../support/poll';

const root = path.join(__dirname, '..', '..', '..', '..');
/** Compiled tests and packages as Wine can use them; scripts/lib/windows-tree.mjs makes it. */
export const tree = path.join(root, 'packages', 'core', 'build', 'windows');
const runScript = path.join(root, 'scripts', 'wine', 'run.sh');
const START_MS = 60_000;

/** Why these tests cannot run here, or false. */
export const unavailable = fs.existsSync(path.join(tree, 'handles.node')) ? false : 'needs Wine: npm run test:windows makes it ready';

export class WindowsPrograms {
  output = '';
  private readonly child: ChildProcess;
  private readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), 'httpsys-programs-'));

  /** `files`, relative to the tree, each in a process of its own on one HTTP service; they end with the test. */
  constructor(t: TestContext, files: string[], port: number) {
    const stop = path.join(this.folder, 'stop');
    this.child = spawn(runScript, ['test/windows/launcher.cjs', stop, ...files], {
      cwd: tree,
      env: { ...process.env, PORT: String(port), HTTPSYS_ENGINE: '', WINE_TIMEOUT: '1800' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.on('data', (piece: Buffer) => (this.output += piece.toString('utf8')));
    const ended = new Promise((resolve) => this.child.once('close', resolve));
    t.after(async () => {
      fs.writeFileSync(stop, '');
      await within(ended, `the programs to end; output: ${this.output}`, START_MS);
      fs.rmSync(this.folder, { recursive: true, force: true });
    });
  }

  async printed(text: string): Promise<void> {
    await eventually(`"${text}" in the output`, () => this.output.includes(text) || assertRunning(this), START_MS);
  }

  get running(): boolean {
    return this.child.exitCode === null && !/^ended /m.test(this.output);
  }
}

function assertRunning(programs: WindowsPrograms): false {
  if (programs.running) return false;
  throw new Error(`a program ended: ${programs.output}`);
}

/** A program that ends by itself; it is given a minute. `args` as for node, paths relative to the tree. */
export async function runProgram(
  t: TestContext,
  args: string[],
  environment: NodeJS.ProcessEnv,
): Promise<{ code: number | null; output: string }> {
  const env = { ...process.env, HTTPSYS_ENGINE: '', NODE_TEST_CONTEXT: undefined, ...environment };
  const child = spawn(runScript, args, { cwd: tree, env, stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill());
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece: Buffer) => (output += piece.toString('utf8')));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const code = await within(ended, `${args.join(' ')} to end`, START_MS);
  return { code, output };
}

export interface Answer {
  status: number;
  body: Buffer;
}

/** One request of a Linux client; head and body leave in one piece. */
export function ask(port: number, target: string, agent: http.Agent, body?: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path: target, agent, method: body ? 'POST' : 'GET', timeout: 30_000 };
    const request = http.request(options, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(pieces) }));
      response.on('error', reject);
    });
    request.on('timeout', () => request.destroy(new Error(`no answer to ${target}`)));
    request.on('error', reject);
    request.end(body);
  });
}
