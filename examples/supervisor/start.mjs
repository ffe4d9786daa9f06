// `npm start`: builds what is missing, starts every example on one port, and keeps it running.
import { buildMissing } from './build.mjs';
import { Engine } from './engine.mjs';
import { Supervisor } from './supervisor.mjs';
import { urlTable } from './table.mjs';

const apps = [
  { name: 'landing', path: '/' },
  { name: 'express', path: '/express/' },
  { name: 'fastify', path: '/fastify/' },
  { name: 'koa', path: '/koa/' },
  { name: 'plain', path: '/plain/' },
].map((app) => ({ ...app, file: new URL(`../${app.name === 'landing' ? 'landing' : `${app.name}-app`}/app.mjs`, import.meta.url) }));

const parentCheckMs = 250;
const sameSignalMs = 1_000;
let stoppingSince = 0;

const port = portFromEnvironment();
if (port === undefined) {
  console.error(`PORT is ${JSON.stringify(process.env.PORT)}; it must be a number from 1 to 65535`);
  process.exit(1);
}
if (!buildMissing()) process.exit(1);

const engine = new Engine(port);
const supervisor = new Supervisor(apps, { ...process.env, PORT: String(port), HTTPSYS_ENGINE: 'service' });
watchNpm();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => void finish(0));

const failure = await supervisor.start();
if (failure) {
  console.error(failure);
  await finish(1);
} else if (!supervisor.stopping) {
  console.log(urlTable(supervisor.children, port));
  console.log(`ready http://localhost:${port}/`);
  await engine.refresh();
}

async function finish(code) {
  if (supervisor.stopping) {
    // Whoever asks again does not want to wait; but npm passes on a Ctrl-C that the terminal has sent here as well.
    if (Date.now() - stoppingSince > sameSignalMs) process.exit(1);
    return;
  }
  stoppingSince = Date.now();
  supervisor.stopping = true;
  await engine.refresh();
  await supervisor.stop();
  await engine.left();
  process.exit(code);
}

function portFromEnvironment() {
  const text = process.env.PORT || '8080';
  const value = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return value >= 1 && value <= 65535 ? value : undefined;
}

/** npm passes a signal on to the shell it started, which dies of it and tells nobody: what is seen here is that the parent is another. */
function watchNpm() {
  if (!process.env.npm_lifecycle_event) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    if (!supervisor.stopping) void finish(0);
  }, parentCheckMs);
  timer.unref();
}
