/**
 * The HTTP.SYS driver under load, and queues closed at every point: nothing is lost, mixed up or left behind. Wine's HTTP service is slow beyond
 * 16 connections, and has one listening socket for all queues, so one server is open at a time.
 */
import { test } from 'node:test';
import * as assert from 'node:assert/strict';
import * as crypto from 'node:crypto';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer, engine, listening, shutDown, unless, type TestListener, type TestServer } from '../support/engine';
import { startChild } from '../support/child';
import { within } from '../support/poll';

const onlyHttpSys = unless(engine === 'httpsys', 'a test of the HTTP.SYS driver');
const connections = 12;
/** Fits into the time of a file also on a busy machine; HTTPSYS_LOAD_REQUESTS=20000 takes a minute on an idle one. */
const requests = Number(process.env.HTTPSYS_LOAD_REQUESTS) || 5000;
const loadMs = (90_000 * Math.max(requests, 5000)) / 5000;
/** Growth from the middle of the run to its end, when every buffer has found its size. */
const growthMax = { rss: 24 * 1024 * 1024, handles: 16 };

interface Answer {
  status: number;
  body: Buffer;
}

function ask(agent: http.Agent, port: number, path: string, body?: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { port, host: '127.0.0.1', path, agent, method: body === undefined ? 'GET' : 'POST' };
    const request = http.request(options, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(pieces) }));
      response.on('error', reject);
    });
    request.on('error', reject);
    if (body !== undefined) request.setHeader('Content-Length', body.length);
    request.end(body);
  });
}

/** What a leak would show in. */
async function resources(server: TestServer): Promise<{ rss: number; handles: number }> {
  return { rss: process.memoryUsage().rss, handles: (await server.queryState()).handles as number };
}

const listener: TestListener = (request, response) => {
  if (request.method === 'POST') {
    request.pipe(response);
    return;
  }
  if (request.url !== '/stream') {
    response.end(`one ${request.url}`);
    return;
  }
  let left = 5;
  const next = (): void => {
    if (left-- === 0) response.end();
    else response.write('p'.repeat(2000), () => setImmediate(next));
  };
  next();
};

test(
  `${requests} requests with bodies and streams over ${connections} connections`,
  { ...onlyHttpSys, timeout: loadMs + 10_000 },
  async (t) => {
    const server = createServer({}, listener);
    const agent = new http.Agent({ keepAlive: true, maxSockets: connections });
    t.after(async () => {
      agent.destroy();
      await shutDown(server);
    });
    await listening(server, 0);
    const { port } = server.address() as AddressInfo;
    let next = 0;
    let middle: Awaited<ReturnType<typeof resources>> | undefined;
    const worker = async (): Promise<void> => {
      while (next < requests) {
        const n = next++;
        if (n === requests / 2) middle = await resources(server);
        if (n % 5 === 0) {
          const body = crypto.randomBytes((n % 3000) + 1);
          const answer = await ask(agent, port, '/echo', body);
          assert.ok(answer.body.equals(body), `request ${n}: ${body.length} bytes came back as ${answer.body.length}`);
        } else if (n % 5 === 1) assert.equal((await ask(agent, port, '/stream')).body.length, 10_000);
        else assert.equal((await ask(agent, port, `/${n}`)).body.toString(), `one /${n}`);
      }
    };
    await within(Promise.all(Array.from({ length: connections }, worker)), `${requests} answers`, loadMs);
    const end = await resources(server);
    assert.ok(middle !== undefined);
    const growth = { rss: end.rss - middle.rss, handles: end.handles - middle.handles };
    t.diagnostic(
      `resident ${Math.round(end.rss / 1e6)} MB, grown by ${Math.round(growth.rss / 1e6)}; handles ${end.handles}, by ${growth.handles}`,
    );
    assert.ok(growth.rss <= growthMax.rss, `resident memory grew by ${growth.rss} bytes in the second half`);
    assert.ok(growth.handles <= growthMax.handles, `${growth.handles} more handles in the second half`);
  },
);

const program = `
  const http = require('node:http');
  const clients = [];
  const ask = (server, options = {}) => {
    const request = http.request({ port: server.address().port, host: '127.0.0.1', agent: false, ...options }, (response) => response.resume().on('error', () => {}));
    request.on('error', () => {});
    clients.push(request);
    return request;
  };
  const closeThen = (server, then) => { server.close(then); server.closeAllConnections(); };
  // Wine never closes a connection: the clients must go by themselves.
  const over = () => { clients.forEach((client) => client.destroy()); report({ closed: true }); letGo(); };
`;

/** Each ends with the queue closed while something is pending in the driver. */
const stages: [what: string, code: string][] = [
  ['with receives pending alone', `const s = createServer(() => {}).listen(0, () => s.close(over));`],
  ['right after listen', `const s = createServer(() => {}).listen(0); s.close(over);`],
  ['with a request unanswered', `const s = createServer(() => closeThen(s, over)).listen(0, () => ask(s).end());`],
  [
    'with a response half written',
    `const s = createServer((q, r) => { r.write('half', () => closeThen(s, over)); }).listen(0, () => ask(s).end());`,
  ],
  [
    'with a body under way',
    `const s = createServer((q) => q.once('data', () => closeThen(s, over))).listen(0, () => ask(s, { method: 'POST', headers: { 'Content-Length': 6000 } }).end('x'.repeat(6000)));`,
  ],
  [
    'with a large response that its client does not read',
    `const s = createServer((q, r) => { r.end('x'.repeat(500000)); setImmediate(closeThen, s, over); }).listen(0, () => {
      const c = require('node:net').connect(s.address().port, '127.0.0.1', () => c.pause().write('GET / HTTP/1.1\\r\\nHost: 127.0.0.1:' + s.address().port + '\\r\\n\\r\\n')).on('error', () => {});
      clients.push(c);
    });`,
  ],
  [
    'again and again on one port',
    `let rounds = 0, port = 0;
    const again = () => {
      const s = createServer((q, r) => r.end('x')).listen(port, () => { port = s.address().port; ask(s).on('close', () => s.close(() => (++rounds < 10 ? again() : over()))).end(); });
    };
    again();`,
  ],
  [
    'while a second server of the process goes on',
    `const first = createServer(() => {}).listen(0, () => {
      const second = createServer(() => {}).listen(0, () => { second.close(() => { report({ listening: first.listening }); first.close(over); }); });
    });`,
  ],
];

for (const [what, code] of stages) {
  test(`a queue is closed ${what}`, onlyHttpSys, async (t) => {
    const child = startChild(t, program + code, {});
    await child.report('closed', 20_000);
    assert.deepEqual(await child.exited(), { code: 0, signal: null }, child.output);
  });
}

test('listening twice, and again after close', onlyHttpSys, async (t) => {
  const server = createServer({}, (request, response) => response.end('x'));
  t.after(() => shutDown(server));
  await listening(server, 0);
  assert.throws(() => server.listen(0), { code: 'ERR_SERVER_ALREADY_LISTEN' });
  await shutDown(server);
  await listening(server, 0);
  assert.ok(server.listening);
});

test('URL-20: a prefix that is taken is EADDRINUSE, with the Win32 code', onlyHttpSys, async (t) => {
  const [first, second] = [createServer(), createServer()];
  t.after(async () => {
    await shutDown(second);
    await shutDown(first);
  });
  await listening(first, 0);
  const { port } = first.address() as AddressInfo;
  await assert.rejects(listening(second, `http://+:${port}/`), { code: 'EADDRINUSE', syscall: 'listen', win32Code: 183, port });
});

test('a malformed frame of the program ends its channel alone', onlyHttpSys, async (t) => {
  const server = createServer({}, (request, response) => response.end('x'));
  const agent = new http.Agent({ keepAlive: false });
  t.after(() => shutDown(server));
  await listening(server, 0);
  const { port } = server.address() as AddressInfo;
  const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
  const links = (server as unknown as { queue: { links: Map<number, { channel: { send(batch: Uint8Array, length: number): void } }> } })
    .queue.links;
  for (const link of links.values()) link.channel.send(Buffer.from([3, 0, 0, 0, 0x21, 0, 0, 0, 0, 0, 0, 0]), 12);
  assert.match((await within(warned, 'the warning')).message, /Malformed frame: frame length 3/);
  assert.equal((await within(ask(agent, port, '/'), 'an answer over the new channel')).body.toString(), 'x');
});
