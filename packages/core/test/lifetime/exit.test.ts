/** Leaving a process at every stage of a server's life: the exit code is the program's own, never a signal. */
import { test } from 'node:test';
import * as assert from 'node:assert/strict';
import { engine } from '../support/engine';
import { freePort } from '../support/free-port.cjs';
import { startChild } from '../support/child';

const target = async (): Promise<NodeJS.ProcessEnv> => ({ TARGET: engine === 'service' ? `http://*:${await freePort()}/` : '' });
const prelude = `
  const http = require('node:http');
  const go = (server, then) => process.env.TARGET ? server.listen(process.env.TARGET, then) : server.listen(0, '127.0.0.1', then);
  const ask = (server, path = '/') => http.get({ port: server.address().port, host: '127.0.0.1', path }, (res) => res.resume()).on('error', () => {});
`;

const stages: [what: string, code: string][] = [
  ['before listen', `createServer(() => {}); process.exit(21);`],
  ['right after listen was called', `go(createServer(() => {})); process.exit(21);`],
  ["inside 'listening'", `go(createServer(() => {}), () => process.exit(21));`],
  ["inside 'connection'", `const s = createServer(() => {}); s.on('connection', () => process.exit(21)); go(s, () => ask(s));`],
  ["inside 'request'", `const s = createServer(() => process.exit(21)); go(s, () => ask(s));`],
  [
    'with the response half written',
    `const s = createServer((req, res) => { res.write('half'); setImmediate(() => process.exit(21)); }); go(s, () => ask(s));`,
  ],
  [
    "inside 'finish'",
    `const s = createServer((req, res) => { res.on('finish', () => process.exit(21)); res.end('x'); }); go(s, () => ask(s));`,
  ],
  [
    "inside 'data' of a body",
    `
    const s = createServer((req, res) => { req.on('data', () => process.exit(21)); });
    go(s, () => { const r = http.request({ port: s.address().port, host: '127.0.0.1', method: 'POST' }); r.on('error', () => {}); r.write('x'.repeat(100000)); });
  `,
  ],
  ['right after close was called', `const s = createServer(() => {}); go(s, () => { s.close(); process.exit(21); });`],
  ["inside 'close'", `const s = createServer(() => {}); s.on('close', () => process.exit(21)); go(s, () => s.close());`],
  [
    'inside an exit listener that closes the server',
    `const s = createServer(() => {}); process.on('exit', () => s.close()); go(s, () => process.exit(21));`,
  ],
  [
    'by an uncaught exception inside a request',
    `const s = createServer(() => { throw new Error('uncaught'); }); process.on('exit', () => (process.exitCode = 21)); go(s, () => ask(s));`,
  ],
];

for (const [what, code] of stages) {
  test(`process.exit ${what}`, async (t) => {
    const child = startChild(t, prelude + code, await target());
    assert.deepEqual(await child.exited(), { code: 21, signal: null }, child.output);
  });
}

test('a program whose servers are closed ends by itself', async (t) => {
  const code = `
    const s = createServer((req, res) => res.end('x'));
    go(s, () => { const r = ask(s); r.on('close', () => s.close(() => letGo())); });
  `;
  const child = startChild(t, prelude + code, await target());
  assert.deepEqual(await child.exited(), { code: 0, signal: null }, child.output);
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} ends a listening program as it ends any other`, async (t) => {
    const child = startChild(t, `${prelude} go(createServer(() => {}), () => report({ up: true }));`, await target());
    await child.report('up');
    child.kill(signal);
    assert.deepEqual(await child.exited(), { code: null, signal });
  });
}
