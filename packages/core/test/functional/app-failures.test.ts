/** Applications that throw, exit, hang or are killed: their own clients hear of it at once, nobody else notices. */
import { test, type TestContext } from 'node:test';
import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { engine, features, onFreePort, runtimeDirectory, unless } from '../support/engine';
import { RawClient, fetchOnce } from '../support/client';
import { startChild, type Child } from '../support/child';
import { DEADLINE_MS, eventually, within } from '../support/poll';

/** An application that is blocked until it is released does not stay so for ever, milliseconds. */
const blockedMs = 3 * DEADLINE_MS;

const sharing = unless(features.sharing, 'the processes share a port');

const code = `
  const fs = require('node:fs');
  const server = createServer((req, res) => {
    const path = req.url.split('/').pop();
    if (path === 'throw') throw new Error('thrown by the application');
    if (path === 'reject') return Promise.reject(new Error('rejected by the application'));
    if (path === 'exit') process.exit(7);
    if (path === 'hold') return report({ holding: true });
    if (path === 'half') { res.write('half'); return report({ holding: true }); }
    if (path === 'cached') { res.cachePolicy = { untilFlushed: true }; res.setHeader('Content-Type', 'text/plain'); }
    if (path === 'block') {
      report({ blocked: true });
      const end = Date.now() + ${blockedMs};
      while (!fs.existsSync(process.env.RELEASE) && Date.now() < end);
    }
    res.end(process.pid + ' ' + path);
  });
  if (process.env.CATCH) process.on('uncaughtException', (error) => report({ caught: error.message }));
  listenAndReport(server, process.env.PREFIX || undefined);
`;

interface Application {
  child: Child;
  port: number;
  base: string;
}

/** An application in its own process, on a prefix where the engine shares ports. */
async function application(t: TestContext, port?: number, name = 'app', environment: NodeJS.ProcessEnv = {}): Promise<Application> {
  const begin = async (chosen: number): Promise<Application> => {
    const prefix = engine === 'service' ? `http://*:${chosen}/${name}/` : '';
    const child = startChild(t, code, { PREFIX: prefix, ...environment });
    const report = await child.report('listening');
    return { child, port: prefix ? chosen : (report.address as { port: number }).port, base: prefix ? `/${name}` : '' };
  };
  return port === undefined ? onFreePort(begin) : begin(port);
}

const endings: [what: string, path: string, check: (code: number | null, signal: string | null) => boolean][] = [
  ['throws in its listener', 'throw', (exit) => exit === 1],
  ['rejects in its listener', 'reject', (exit) => exit === 1],
  ['exits in its listener', 'exit', (exit) => exit === 7],
];

for (const [what, path, check] of endings) {
  test(`an application that ${what}: its client gets 503 or a closed connection at once`, async (t) => {
    const { child, port, base } = await application(t);
    const client = await RawClient.connect(port);
    t.after(() => client.destroy());
    client.send(`GET ${base}/${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
    const rest = (await client.closed()).toString('latin1');
    assert.ok(rest === '' || rest.startsWith('HTTP/1.1 503'), rest);
    const { code: exit, signal } = await child.exited();
    assert.ok(check(exit, signal), `${exit} ${signal}`);
  });
}

test('an application that catches what its listener throws goes on', async (t) => {
  const { child, port, base } = await application(t, undefined, 'app', { CATCH: '1' });
  const thrower = await RawClient.connect(port);
  t.after(() => thrower.destroy());
  thrower.send(`GET ${base}/throw HTTP/1.1\r\nHost: x\r\n\r\n`);
  assert.equal((await child.report('caught')).caught, 'thrown by the application');
  for (let n = 0; n < 5; n++) assert.equal((await fetchOnce(port, `${base}/fine`)).text, `${child.pid} fine`);
});

test('requests that arrive together with one whose listener throws are served', async (t) => {
  const { child, port, base } = await application(t, undefined, 'app', { CATCH: '1' });
  const clients = await Promise.all(Array.from({ length: 20 }, () => RawClient.connect(port)));
  t.after(() => clients.forEach((client) => client.destroy()));
  clients.forEach((client, n) => client.send(`GET ${base}/${n % 5 === 0 ? 'throw' : 'fine'} HTTP/1.1\r\nHost: x\r\n\r\n`));
  const fine = clients.filter((_client, n) => n % 5 !== 0);
  for (const client of fine) assert.equal((await client.response()).text, `${child.pid} fine`);
});

for (const stage of ['hold', 'half']) {
  test(`an application killed while it answers (${stage}): its clients hear of it at once`, async (t) => {
    const { child, port, base } = await application(t);
    const client = await RawClient.connect(port);
    t.after(() => client.destroy());
    client.send(`GET ${base}/${stage} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await child.report('holding');
    child.kill('SIGKILL');
    const rest = (await client.closed()).toString('latin1');
    if (stage === 'hold') assert.ok(rest === '' || rest.startsWith('HTTP/1.1 503'), rest);
    else assert.ok(!rest.endsWith('0\r\n\r\n'), 'half an answer must not look like a whole one');
  });
}

test('another prefix of the port never notices that an application dies', sharing, async (t) => {
  const steady = await application(t, undefined, 'steady');
  for (const path of ['throw', 'exit', 'hold']) {
    const dying = await application(t, steady.port, `dying-${path}`);
    const client = await RawClient.connect(steady.port);
    client.send(`GET ${steady.base}/fine HTTP/1.1\r\nHost: x\r\n\r\n`);
    assert.equal((await client.response()).status, 200);
    const doomed = await RawClient.connect(steady.port);
    doomed.send(`GET ${dying.base}/${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
    if (path === 'hold') {
      await dying.child.report('holding');
      dying.child.kill();
    }
    for (let n = 0; n < 20; n++) {
      client.send(`GET ${steady.base}/fine HTTP/1.1\r\nHost: x\r\n\r\n`);
      assert.equal((await client.response()).text, `${steady.child.pid} fine`);
    }
    await doomed.closed();
    await dying.child.exited();
    doomed.destroy();
    client.destroy();
  }
});

test(
  '2.5: the prefix of an application that died answers 503 and goes on serving what is cached; its successor takes over',
  sharing,
  async (t) => {
    // The service leaves soon after its last application, and a start may take longer.
    const steady = await application(t, undefined, 'steady');
    const first = await application(t, steady.port, 'app');
    const cached = (await fetchOnce(first.port, '/app/cached')).text;
    first.child.kill();
    await first.child.exited();
    await eventually('503', async () => (await fetchOnce(first.port, '/app/fine').catch(() => null))?.status === 503);
    assert.equal((await fetchOnce(first.port, '/app/cached')).text, cached);
    const second = await application(t, first.port, 'app');
    assert.equal((await fetchOnce(first.port, '/app/fine')).text, `${second.child.pid} fine`);
    assert.equal((await fetchOnce(first.port, '/app/cached')).text, cached, 'the successor continues the queue');
  },
);

test('while an application is blocked, its cached pages and other prefixes answer', sharing, async (t) => {
  const release = path.join(runtimeDirectory, 'release');
  const busy = await application(t, undefined, 'busy', { RELEASE: release });
  const other = await application(t, busy.port, 'other');
  const cached = (await fetchOnce(busy.port, '/busy/cached')).text;
  const blocked = fetchOnce(busy.port, '/busy/block', { ms: blockedMs });
  await busy.child.report('blocked');
  let done = false;
  void blocked.then(() => (done = true));
  for (let n = 0; n < 20; n++) {
    assert.equal((await fetchOnce(busy.port, '/busy/cached')).text, cached);
    assert.equal((await fetchOnce(busy.port, '/other/fine')).text, `${other.child.pid} fine`);
  }
  assert.equal(done, false, 'all that happened while the application was blocked');
  fs.writeFileSync(release, '');
  assert.equal((await within(blocked, 'the blocked answer')).status, 200);
});

test('an application killed again and again and started again is served each time', sharing, async (t) => {
  let { child, port } = await application(t, undefined, 'again');
  for (let round = 0; round < 4; round++) {
    child.kill('SIGKILL');
    await child.exited();
    ({ child, port } = await application(t, port, 'again'));
    assert.equal((await fetchOnce(port, '/again/fine')).text, `${child.pid} fine`);
  }
});
