import { fork } from 'node:child_process';
import { EventEmitter, once } from 'node:events';

/** Pause before an app that died is started again; doubled each time it dies young, so that a broken app costs little. */
const firstPauseMs = 100;
const longestPauseMs = 5_000;
/** An app that lived this long starts again without a grudge. */
const matureMs = 10_000;
/** How long an app may take to end after SIGTERM; a process that is stopped or traced may not. */
const patienceMs = 3_000;

const preload = new URL('child.mjs', import.meta.url).href;

/**
 * One app and the process it runs in now. Emits `'failed'` with `{ code, syscall, message }` when the app could not go on.
 */
export class Child extends EventEmitter {
  #process;
  #timer;
  #stopping = false;
  #pauseMs = firstPauseMs;
  #markReady;

  constructor(app, env) {
    super();
    this.app = app;
    this.env = env;
    /** Resolves when the app has said for the first time that it listens. */
    this.firstReady = new Promise((resolve) => (this.#markReady = resolve));
  }

  get pid() {
    return this.#process?.pid;
  }

  start() {
    const startedAt = Date.now();
    const child = fork(this.app.file, { env: this.env, execArgv: ['--import', preload], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.#process = child;
    child.on('message', (message) => {
      if (message === 'ready') this.#markReady();
      else if (message?.failed) this.emit('failed', message.failed);
    });
    // A process that could not be started has no 'exit'.
    child.on('error', (error) => {
      this.emit('failed', { code: error.code, syscall: error.syscall, message: error.message });
      if (child.pid === undefined) this.#gone(`could not be started: ${error.message}`, startedAt);
    });
    child.on('exit', (code, signal) => this.#gone(signal ? `was ended by ${signal}` : `exited with code ${code}`, startedAt));
  }

  async stop() {
    this.#stopping = true;
    clearTimeout(this.#timer);
    const child = this.#process;
    if (!child) return;
    const gone = once(child, 'exit');
    // The apps have no handler for SIGTERM, so the kernel ends also one that blocks its loop.
    child.kill('SIGTERM');
    const force = setTimeout(() => child.kill('SIGKILL'), patienceMs);
    await gone;
    clearTimeout(force);
  }

  #gone(how, startedAt) {
    this.#process = undefined;
    if (this.#stopping) return;
    if (Date.now() - startedAt >= matureMs) this.#pauseMs = firstPauseMs;
    const pauseMs = this.#pauseMs;
    this.#pauseMs = Math.min(pauseMs * 2, longestPauseMs);
    this.#timer = setTimeout(() => {
      console.log(`${this.app.name} ${how}; starting it again`);
      this.start();
    }, pauseMs);
  }
}
