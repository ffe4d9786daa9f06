/** What is over can be collected: servers, requests, responses, sockets. Runs in a child with --expose-gc. */
import { test } from 'node:test';
import * as assert from 'node:assert/strict';
import { engine } from '../support/engine';
import { freePort } from '../support/free-port.cjs';
import { startChild } from '../support/child';
import { DEADLINE_MS } from '../support/poll';

/** A whole program: its start, hundreds of requests, and waits of DEADLINE_MS in it. */
const reportMs = 6 * DEADLINE_MS;

const prelude = `
  const http = require('node:http');
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const open = async (server) => {
    await new Promise((resolve, reject) => {
      server.once('error', reject);
      if (process.env.PORT) server.listen('http://*:' + process.env.PORT + '/', resolve); else server.listen(0, '127.0.0.1', resolve);
    });
    return server.address().port;
  };
  const get = (port, path = '/', through = agent) => new Promise((resolve, reject) => {
    const failed = (error) => reject(new Error('GET ' + path + ' of port ' + port + ': ' + error.message, { cause: error }));
    const request = http.get({ host: '127.0.0.1', port, path, agent: through }, (res) => {
      res.resume().on('error', failed);
      // Of a connection of its own the end is waited for.
      res.on(through ? 'end' : 'close', resolve);
    });
    request.on('error', failed);
  });
  const close = (server) => new Promise((resolve) => { agent.destroy(); server.close(resolve); server.closeAllConnections(); });
  // How many are left when no more than 'allowed' are, or at the deadline.
  const left = async (refs, allowed = 0) => {
    const end = performance.now() + ${DEADLINE_MS};
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      global.gc();
      const count = refs.filter((ref) => ref.deref() !== undefined).length;
      if (count <= allowed || performance.now() > end) return count;
    }
  };
  const fail = (error) => { console.error(error); process.exit(9); };
`;

const environment = async (): Promise<NodeJS.ProcessEnv> => (engine === 'service' ? { PORT: String(await freePort()) } : {});

test('a closed server and its listener are collected', async (t) => {
  const child = startChild(
    t,
    `${prelude}
    (async () => {
      let finalized = 0;
      const registry = new FinalizationRegistry(() => finalized++);
      const refs = [];
      for (let n = 0; n < 5; n++) {
        await (async () => {
          const server = createServer((req, res) => res.end('x'));
          refs.push(new WeakRef(server));
          registry.register(server, n);
          const port = await open(server);
          await get(port);
          await close(server);
        })();
      }
      const servers = await left(refs);
      const end = performance.now() + ${DEADLINE_MS};
      while (finalized < 5 && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 10));
      report({ servers, finalized });
      letGo();
    })().catch(fail);
  `,
    await environment(),
    ['--expose-gc'],
  );
  assert.deepEqual(await child.report('servers', reportMs), { servers: 0, finalized: 5 });
});

test('requests, responses and sockets that are over are collected while the server goes on', async (t) => {
  const child = startChild(
    t,
    `${prelude}
    (async () => {
      const refs = [];
      const server = createServer((req, res) => {
        refs.push(new WeakRef(req), new WeakRef(res));
        res.on('finish', () => {});
        res.setHeader('X-A', '1');
        res.end('x');
      });
      const sockets = [];
      server.on('connection', (socket) => sockets.push(new WeakRef(socket)));
      const port = await open(server);
      for (let n = 0; n < 300; n++) await get(port);
      for (let n = 0; n < 30; n++) await get(port, '/', false);
      const messages = await left(refs, 6);
      const connections = await left(sockets, 3);
      report({ messages, connections, requests: refs.length / 2, accepted: sockets.length });
      await close(server);
      letGo();
    })().catch(fail);
  `,
    await environment(),
    ['--expose-gc'],
  );
  const { messages, connections, requests, accepted } = await child.report('messages', reportMs);
  assert.equal(requests, 330);
  assert.ok(Number(messages) <= 6, `${messages} of ${330 * 2} requests and responses are left`);
  assert.ok(Number(connections) <= 3, `${connections} of ${accepted} sockets are left`);
});

test('20,000 requests leave heap and resident memory flat', async (t) => {
  const child = startChild(
    t,
    `${prelude}
    const net = require('node:net');
    (async () => {
      const server = createServer((req, res) => {
        if (req.url === '/stream') { res.write('a'); res.write('b'); res.end('c'); } else res.end('hello');
      });
      const port = await open(server);
      const round = (count) => new Promise((resolve, reject) => {
        const socket = net.connect(port, '127.0.0.1');
        let answered = 0, sent = 0, rest = '';
        const more = () => { let text = ''; for (let n = 0; n < 50 && sent < count; n++, sent++) text += 'GET ' + (sent % 4 ? '/' : '/stream') + ' HTTP/1.1\\r\\nHost: x:' + port + '\\r\\n\\r\\n'; if (text) socket.write(text); };
        socket.on('data', (piece) => {
          rest += piece.toString('latin1');
          const found = rest.split('HTTP/1.1 200').length - 1;
          rest = rest.slice(-11);
          answered += found;
          if (answered >= count) { socket.destroy(); resolve(); } else if (answered >= sent) more();
        });
        socket.on('error', reject);
        more();
      });
      const measure = async () => { for (let n = 0; n < 5; n++) { await new Promise((resolve) => setTimeout(resolve, 10)); global.gc(); } return process.memoryUsage(); };
      await round(10000);
      const before = await measure();
      await round(20000);
      const after = await measure();
      report({ heap: after.heapUsed - before.heapUsed, rss: after.rss - before.rss, external: after.external - before.external });
      await close(server);
      letGo();
    })().catch(fail);
  `,
    await environment(),
    ['--expose-gc'],
  );
  const { heap, rss, external } = (await child.report('heap', reportMs)) as { heap: number; rss: number; external: number };
  assert.ok(heap < 2 * 1024 * 1024, `heap grew by ${heap} bytes`);
  assert.ok(external < 4 * 1024 * 1024, `external memory grew by ${external} bytes`);
  assert.ok(rss < 24 * 1024 * 1024, `resident memory grew by ${rss} bytes`);
});
