import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { processesWith, waitForNone } from '../../scripts/lib/processes.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const entry = fileURLToPath(new URL('../supervisor/start.mjs', import.meta.url));
const marker = 'HTTPSYS_EXAMPLES_RUN';
/** Building from nothing is part of a first start. */
const readyMs = 90_000;
const answerMs = 20_000;
const leaveMs = 10_000;

/** The supervisor as `npm start` runs it, on a port and with a service of its own. */
export class Run {
  output = [];
  errors = '';

  /** @param command what to start; without it the supervisor itself */
  constructor(port, command = [process.execPath, entry]) {
    this.port = port;
    this.id = randomUUID();
    this.folder = mkdtempSync(join(tmpdir(), 'hse-'));
    const env = { ...process.env, PORT: String(port), HTTPSYS_RUNTIME_DIR: this.folder, [marker]: this.id };
    for (const name of ['HTTPSYS_ENGINE', 'NODE_OPTIONS', 'NODE_TEST_CONTEXT']) delete env[name];
    this.process = spawn(command[0], command.slice(1), { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.exited = once(this.process, 'exit').then(([code, signal]) => ({ code, signal }));
    this.process.stderr.setEncoding('utf8').on('data', (text) => (this.errors += text));
    this.lines = createInterface(this.process.stdout);
    this.lines.on('line', (line) => this.output.push(line));
  }

  /** Resolves to the URL of the line `ready URL`. */
  async ready() {
    const find = () => this.output.find((line) => line.startsWith('ready '))?.slice('ready '.length);
    await until(() => find() || this.process.exitCode !== null, readyMs, 'the line "ready"');
    const url = find();
    if (!url) throw new Error(`the supervisor ended early:\n${this.output.join('\n')}\n${this.errors}`);
    return url;
  }

  request(path, options = {}) {
    return request(this.port, path, options);
  }

  async json(path) {
    const answer = await this.request(path);
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${answer.body}`);
    return JSON.parse(answer.body);
  }

  /** Processes of this run that are alive: supervisor, apps, service. */
  processes() {
    return processesWith(marker, this.id);
  }

  /** Waits until no process of the run is left; resolves to those that had to be killed. */
  async allGone() {
    const left = await waitForNone(marker, this.id, leaveMs);
    rmSync(this.folder, { recursive: true, force: true });
    return left;
  }

  async stop() {
    this.process.kill('SIGTERM');
    const [how, left] = await Promise.all([this.exited, this.allGone()]);
    return { ...how, left };
  }
}

/** One request on a connection of its own. Rejects when the connection breaks. */
export async function request(port, path, { body, ...options } = {}) {
  const req = httpRequest({ host: '127.0.0.1', port, path, agent: false, timeout: answerMs, ...options });
  req.on('timeout', () => req.destroy(new Error(`no answer to ${path}`)));
  req.end(body);
  const [res] = await once(req, 'response');
  const pieces = [];
  for await (const piece of res) pieces.push(piece);
  return { status: res.statusCode, headers: res.headers, body: Buffer.concat(pieces).toString('utf8') };
}

/** Asks again until the answer is truthy. */
export async function until(ask, ms, what) {
  const end = Date.now() + ms;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await sleep(25);
  }
}
