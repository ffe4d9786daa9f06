/** An unmodified program in a process of its own, with slipstream or without; what it prints are its notes. */
import { spawn, type ChildProcess } from 'node:child_process';
import * as path from 'node:path';
import { within } from '../../support/poll';
import { Notes } from '../client';
import type { EngineName } from '../run';

const startDeadlineMs = 30_000;
const textMax = 20_000;

export class Program {
  /** Of the scenario that runs. */
  notes = new Notes();
  readonly port: Promise<number>;
  readonly exit: Promise<string>;
  /** What it wrote to stderr, without stacks and process ids. */
  errors = '';
  private readonly process: ChildProcess;
  private gone = false;
  private marks = 0;

  constructor(
    readonly engine: EngineName,
    file: string,
  ) {
    const flags = engine === 'node' ? [] : ['--import', '@httpsys/core/slipstream'];
    this.process = spawn(
      process.execPath,
      [...flags, '-r', path.join(__dirname, 'end-with-parent.cjs'), path.join(__dirname, 'programs', file)],
      {
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
        env: { ...process.env, NODE_TEST_CONTEXT: undefined, NODE_ENV: 'test', HTTPSYS_ENGINE: engine === 'node' ? undefined : engine },
      },
    );
    this.exit = new Promise((resolve) => {
      this.process.once('close', (code, signal) => {
        this.gone = true;
        resolve(signal ?? String(code));
      });
    });
    this.process.stderr!.setEncoding('utf8').on('data', (piece: string) => (this.errors = (this.errors + piece).slice(-textMax)));
    const listening = new Promise<number>((resolve, reject) => {
      void this.exit.then((how) => reject(new Error(`${file} ended (${how}): ${this.errors}`)));
      this.readLines((line) => {
        const started = /^listening (\d+)$/.exec(line);
        if (started) resolve(Number(started[1]));
        else this.notes.see(line);
      });
    });
    this.port = within(listening, `${file} to listen on ${engine}`, startDeadlineMs);
    this.port.catch(() => undefined);
  }

  private readLines(take: (line: string) => void): void {
    let text = '';
    this.process.stdout!.setEncoding('utf8').on('data', (piece: string) => {
      const lines = (text + piece).split('\n');
      text = lines.pop()!;
      lines.forEach(take);
    });
  }

  /** Until everything that it has printed by now, and in the next turns of its loop, is among its notes. */
  async settle(): Promise<void> {
    if (this.gone || !this.process.connected) return;
    const mark = `mark ${++this.marks}`;
    const notes = this.notes;
    this.process.send(mark);
    await Promise.race([notes.waitFor(mark), this.exit]);
    const at = notes.list.indexOf(mark);
    if (at >= 0) notes.list.splice(at, 1);
  }

  /** As a supervisor does. */
  stop(): void {
    this.process.kill('SIGTERM');
  }

  async kill(): Promise<void> {
    if (!this.gone) this.process.kill('SIGKILL');
    await this.exit;
  }

  /** Messages on stderr; frames of stacks name files of one side or the other. */
  complaints(): string[] {
    return this.errors
      .split('\n')
      .filter((line) => line.trim() !== '' && !/^\s+at /.test(line) && !/^\(Use `node --trace-/.test(line))
      .map((line) => line.replace(/^\(node:\d+\)/, '(node)'));
  }
}
