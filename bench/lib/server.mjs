// Starts a server in a process of its own, checks its answers, stops it and what it started.
import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../packages/core/test/support/free-port.cjs';
import { marker, serverProcesses } from './proc.mjs';

const readyDeadline = 20_000;
const leaveDeadline = 10_000;
const appScript = fileURLToPath(new URL('../servers/app.mjs', import.meta.url));

const running = new Set();

/** Stops every server that is up: for a run that is interrupted. */
export function stopServers() {
  return Promise.all([...running].map((server) => server.stop()));
}

export function nginxVersion() {
  const result = spawnSync('nginx', ['-v'], { encoding: 'utf8' });
  return result.error ? null : (/nginx\/(\S+)/.exec(result.stderr)?.[1] ?? 'unknown');
}

/** One answer; the connection is not kept. */
export function fetchOnce(url, { method = 'GET', headers = {}, body, timeout = 10_000 } = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method, headers, agent: false, timeout }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) }));
    });
    request.on('timeout', () => request.destroy(new Error(`${url}: no answer within ${timeout} ms`)));
    request.on('error', reject);
    request.end(body);
  });
}

function nginxConfiguration(folder, port) {
  // One worker per processor, as its packages set it up; logs off and connections never retired, as for the others.
  return `worker_processes auto;
daemon off;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  server {
    listen 127.0.0.1:${port};
    location / { default_type text/plain; return 200 "Hello, world"; }
  }
}
`;
}

/**
 * @param app which application of servers/app.mjs, or `nginx`
 * @param engine `node`, `embedded` or `service`
 */
export async function startServer(app, engine) {
  const mark = randomUUID();
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'hsb-'));
  const env = { ...process.env, [marker]: mark, HTTPSYS_RUNTIME_DIR: folder, NODE_ENV: 'production' };
  delete env.HTTPSYS_ENGINE;
  if (engine === 'embedded' || engine === 'service') env.HTTPSYS_ENGINE = engine;
  let command = [process.execPath, appScript, '--app', app, '--engine', engine, '--port', String(port)];
  if (app === 'nginx') {
    writeFileSync(join(folder, 'nginx.conf'), nginxConfiguration(folder, port));
    command = ['nginx', '-p', folder, '-c', join(folder, 'nginx.conf')];
  }
  const child = spawn(command[0], command.slice(1), { env, stdio: ['pipe', 'pipe', 'inherit'] });
  let output = '';
  // A server that dies early closes the pipe: its exit says so, not the pipe.
  child.stdin.on('error', () => {});
  child.stdout.on('data', (chunk) => (output = (output + chunk).slice(-4096)));
  let failure = null;
  child.on('error', (error) => (failure = error));
  child.on('exit', (code, signal) => (failure ??= new Error(`${app} on ${engine} ended with ${code ?? signal}\n${output}`)));
  const server = {
    name: app === 'nginx' ? 'nginx' : engine,
    pid: child.pid,
    url: `http://127.0.0.1:${port}`,
    processes: () => serverProcesses(child.pid, mark),
    stop: () => {
      running.delete(server);
      return stopServer(child, mark, folder);
    },
  };
  running.add(server);
  try {
    await waitUntilReady(server, () => failure);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

async function waitUntilReady(server, failed) {
  const deadline = Date.now() + readyDeadline;
  for (;;) {
    if (failed() !== null) throw failed();
    const problem = await fetchOnce(`${server.url}/hello`, { timeout: 2000 }).then(
      ({ status }) => (status === 200 ? null : `/hello answered ${status}`),
      (error) => error.message,
    );
    if (problem === null) return;
    if (Date.now() > deadline) throw new Error(`${server.name} is not ready: ${problem}`);
    await delay(50);
  }
}

/** Ends the processes that were started, also the detached service, and waits for them. */
async function stopServer(child, mark, folder) {
  const pids = new Set(child.pid === undefined ? [] : serverProcesses(child.pid, mark));
  const signal = (pid, name) => {
    try {
      process.kill(pid, name);
      return true;
    } catch {
      return false;
    }
  };
  if (child.pid !== undefined && child.exitCode === null) signal(child.pid, 'SIGTERM');
  const deadline = Date.now() + leaveDeadline;
  while (pids.size > 0) {
    await delay(50);
    const late = Date.now() > deadline;
    for (const pid of pids) {
      if (!signal(pid, late ? 'SIGKILL' : 0)) pids.delete(pid);
    }
    if (Date.now() > deadline + 2000) break;
  }
  rmSync(folder, { recursive: true, force: true });
}
