'use strict';
// A primary that does what its parent tells it, and its workers: an ordinary cluster on node:http's API.
const cluster = require('node:cluster');
const before = process.listeners('disconnect');
require('./child-prelude.cjs');
// A worker ends with its primary by node:cluster's own rules.
if (cluster.isWorker)
  for (const added of process.listeners('disconnect')) if (!before.includes(added)) process.removeListener('disconnect', added);
const { createServer, letGo, report } = globalThis;
const target = JSON.parse(process.env.TARGET);

function primary() {
  // A worker is told by its pid, which is what its answers carry.
  const workers = new Map();
  const worker = (pid) => workers.get(pid);
  cluster.on('fork', (one) => workers.set(one.process.pid, one));
  cluster.setupPrimary({ exec: __filename, execArgv: [] });
  cluster.on('listening', (one, address) => report({ listening: one.process.pid, address }));
  cluster.on('message', (one, message) => {
    if (message === 'ready') report({ ready: one.process.pid });
    if (message.failed) report({ failed: message.failed });
    if (message.ports) report({ ports: message.ports, pid: one.process.pid });
  });
  cluster.on('exit', (one, code, signal) => report({ gone: one.process.pid, code, signal, voluntary: one.exitedAfterDisconnect }));
  process.on('message', ({ act, pid }) => {
    if (act === 'fork') cluster.fork();
    else if (act === 'disconnect') worker(pid).disconnect();
    else if (act === 'kill') worker(pid).process.kill('SIGKILL');
    else if (act === 'interrupt') worker(pid).process.kill('SIGINT');
    else if (act === 'release') worker(pid).send('release');
    else if (act === 'end') cluster.disconnect(() => letGo());
  });
}

function worker() {
  const held = [];
  const servers = target.map(() => {
    const server = createServer((req, res) => {
      if (req.url.endsWith('/held')) {
        held.push(res);
        res.write('held ');
      } else res.end(String(process.pid));
    });
    server.on('error', (error) => process.send({ failed: error.message }));
    return server;
  });
  process.on('message', (message) => {
    if (message === 'release') for (const res of held.splice(0)) res.end(`by ${process.pid}`);
  });
  // As PM2 reloads: the old worker closes what it has and leaves when the last request is done.
  process.on('SIGINT', () => {
    let left = servers.length;
    for (const server of servers) server.close(() => --left === 0 && process.exit(0));
  });
  let left = servers.length;
  servers.forEach((server, n) =>
    server.listen(target[n], () => {
      if (--left > 0) return;
      process.send({ ports: servers.map((one) => one.address()?.port ?? one.address()) });
      process.send('ready');
    }),
  );
}

if (cluster.isPrimary) primary();
else worker();
