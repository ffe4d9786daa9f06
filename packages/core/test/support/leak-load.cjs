'use strict';
/**
 * The program of the leak tests, run with --expose-gc in a process of its own: a server, clients that do everything at once (plain requests,
 * bodies both ways, aborts of either side, upgrades, new connections), and what is left in memory after each of several equal rounds.
 */
const net = require('node:net');
const fs = require('node:fs');

// Of child-prelude.cjs.
const { createServer, engine, letGo, report } = globalThis;

const LANES = 8;
const ROUNDS = 4;
const PIPELINED = 40;
const total = Number(process.env.REQUESTS);
const PLAIN = 'GET /plain HTTP/1.1\r\nHost: x\r\n\r\n';
const BODY = Buffer.alloc(20_000, 'b');

const server = createServer((req, res) => {
  req.on('error', () => undefined);
  switch (req.url) {
    case '/echo':
      req.pipe(res);
      return;
    case '/break':
      res.write('half');
      setImmediate(() => res.destroy());
      return;
    case '/never':
      req.resume();
      res.write('first');
      return;
    case '/early':
      res.end('early');
      return;
    default:
      res.end('hello');
  }
});
server.on('upgrade', (_req, socket, head) => {
  socket.on('error', () => undefined);
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
  socket.write(head);
  socket.pipe(socket);
});

const open = () =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    if (process.env.PORT) server.listen(`http://*:${process.env.PORT}/`, resolve);
    else server.listen(0, '127.0.0.1', resolve);
  });

/** A connection that sends `bytes` and is over when `isDone` says so of what has come, or when the server closes it. */
const talk = (port, bytes, isDone, leave) =>
  new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    let text = '';
    socket.on('connect', () => socket.write(bytes));
    socket.on('data', (piece) => {
      text += piece.toString('latin1');
      if (isDone(text)) leave(socket);
      else text = text.slice(-40_000);
    });
    socket.on('error', () => undefined);
    socket.on('close', resolve);
  });

const destroy = (socket) => socket.destroy();
const reset = (socket) => socket.resetAndDestroy();
const post = (path) => Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${BODY.length}\r\n\r\n`), BODY]);
const cut = (path) => Buffer.from(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nhalf`);
const upgrade = 'GET /up HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n';
const ended = (text) => text.includes('\r\n0\r\n\r\n');

/** Each ends with its connection. */
const odd = [
  (port) => talk(port, post('/echo'), ended, destroy),
  (port) => talk(port, 'GET /break HTTP/1.1\r\nHost: x\r\n\r\n', () => false, destroy),
  (port) => talk(port, 'GET /never HTTP/1.1\r\nHost: x\r\n\r\n', (text) => text.includes('first'), reset),
  (port) => talk(port, cut('/never'), (text) => text.includes('first'), destroy),
  (port) => talk(port, cut('/echo'), (text) => text.includes('half'), reset),
  (port) => talk(port, cut('/early'), (text) => text.includes('early'), destroy),
  (port) => talk(port, `${upgrade}ping`, (text) => text.includes('ping'), destroy),
  (port) =>
    talk(
      port,
      `${upgrade}ping`,
      (text) => text.includes('ping'),
      (socket) => socket.end(),
    ),
  (port) => talk(port, 'nonsense\r\n\r\n', () => false, destroy),
];

/** Many requests on one connection, pipelined, which is what makes a million of them possible. */
const plain = (port, count) => {
  let left = count;
  let seen = 0;
  const next = Math.min(left, PIPELINED);
  let sent = next;
  left -= next;
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(PLAIN.repeat(next)));
    let rest = '';
    socket.on('data', (piece) => {
      const text = rest + piece.toString('latin1');
      const pieces = text.split('HTTP/1.1 200');
      seen += pieces.length - 1;
      rest = pieces[pieces.length - 1].slice(-11);
      if (seen >= count) socket.destroy();
      else if (seen >= sent) {
        const more = Math.min(left, PIPELINED);
        left -= more;
        sent += more;
        socket.write(PLAIN.repeat(more));
      }
    });
    socket.on('error', reject);
    socket.on('close', () => (seen >= count ? resolve() : reject(new Error(`closed after ${seen} of ${count} answers`))));
  });
};

/** One request in ten is an odd one. */
async function lane(port, count) {
  for (let done = 0, n = 0; done < count; n++) {
    await plain(port, 81);
    for (const one of odd) await one(port);
    done += 81 + odd.length;
  }
}

const round = (port, count) => Promise.all(Array.from({ length: LANES }, () => lane(port, count / LANES)));

const connections = () =>
  new Promise((resolve, reject) => server.getConnections((error, count) => (error ? reject(error) : resolve(count))));

/** Turns the loop until `probe` holds; the parent's deadline bounds it. */
async function until(probe) {
  while (!(await probe())) await new Promise((resolve) => setImmediate(resolve));
}

async function measure() {
  await until(async () => (await connections()) === 0);
  let state;
  if (engine !== 'node') {
    await until(async () => {
      state = await server.queryState();
      return state.connections === 0 && state.queues.every((queue) => queue.inFlight === 0 && (queue.depth ?? 0) === 0);
    });
  }
  // What is collected lets go of native memory in a later turn.
  for (let n = 0; n < 5; n++) {
    global.gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage();
  const resources = {};
  for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1;
  const handles = fs.existsSync('/proc/self/fd') ? fs.readdirSync('/proc/self/fd').length : null;
  const pid = engine === 'service' ? state.pid : undefined;
  const service = pid && {
    rss: Number(fs.readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * 4096,
    handles: fs.readdirSync(`/proc/${pid}/fd`).length,
  };
  return { heapUsed, external, arrayBuffers, rss, resources, handles, service };
}

(async () => {
  await open();
  const { port } = server.address();
  const measured = [];
  // The first rounds fill pools and let the compiler work.
  for (let n = 0; n < ROUNDS; n++) {
    await round(port, total / ROUNDS);
    measured.push(await measure());
  }
  report({ measured });
  await new Promise((resolve) => server.close(resolve));
  report({ closed: true });
  letGo();
})().catch((error) => {
  console.error(error);
  process.exit(9);
});
