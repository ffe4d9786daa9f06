/** Request queues: bounds, several processes on one, and what becomes of requests when one of them dies (QUEUE-1 to QUEUE-10). */
import { test, type TestContext } from 'node:test';
import * as assert from 'node:assert/strict';
import {
  anyHost,
  createServer,
  features,
  listen,
  listening,
  onFreePort,
  serve,
  shutDown,
  unless,
  type TestResponse,
} from '../support/engine';
import { RawClient, fetchOnce } from '../support/client';
import { startChild, type Child } from '../support/child';
import { eventually, nextEvent, within } from '../support/poll';

const httpsys = unless(features.httpsys, 'node:http has no request queues');
const sharing = unless(features.sharing, 'processes share a queue on the service');

/** What one request became: a status, or `closed`. */
async function outcome(port: number, path = '/'): Promise<string> {
  try {
    return String((await fetchOnce(port, path, { ms: 20_000 })).status);
  } catch {
    return 'closed';
  }
}

test('QUEUE-9: requests beyond queueLength get 503 at once, those that wait are served', httpsys, async (t) => {
  const held: TestResponse[] = [];
  const { port, get, server } = await serve(t, (_req, res) => void held.push(res), { queueLength: 10, maxConcurrentRequests: 1 } as never);
  // More than the channels' credit and the queue together.
  const total = 1200;
  const outcomes: string[] = [];
  const pending: Promise<void>[] = [];
  for (let n = 0; n < total; n++) pending.push(outcome(port).then((status) => void outcomes.push(status)));
  await eventually('a full queue', () => outcomes.includes('503'));
  const state = (await server.queryState()) as { queues: { depth: number }[] };
  assert.ok(
    state.queues.some((queue) => queue.depth > 0 && queue.depth <= 11),
    JSON.stringify(state.queues),
  );
  let finished = false;
  const all = Promise.all(pending).then(() => (finished = true));
  await eventually(
    'every answer',
    () => {
      held.splice(0).forEach((res) => res.end('ok'));
      return finished;
    },
    20_000,
  );
  await all;
  const served = outcomes.filter((status) => status === '200').length;
  assert.equal(served + outcomes.filter((status) => status === '503').length, total, JSON.stringify([...new Set(outcomes)]));
  assert.ok(served >= 11, String(served));
  const next = get('/');
  await eventually('the next request', () => held.length === 1);
  held[0]?.end('next');
  assert.equal((await next).text, 'next');
});

/** An application on a named queue that holds its answers until it is told to give them. */
function holder(t: TestContext, prefix: string): Child {
  return startChild(
    t,
    `
    const held = [];
    let open = false;
    const answer = (res) => res.end(String(process.pid));
    const server = createServer({ queueName: process.env.QUEUE, queueMode: 'createOrAttach', maxConcurrentRequests: 1 }, (req, res) => {
      if (open || req.url.endsWith('/now')) answer(res);
      else { held.push(res); report({ held: held.length }); }
    });
    process.on('message', () => { open = true; held.splice(0).forEach(answer); });
    listenAndReport(server, process.env.PREFIX);
  `,
    { PREFIX: prefix, QUEUE: `test-${process.pid}` },
  );
}

async function ready(child: Child): Promise<void> {
  const report = await child.report('listening').catch(async (error: Error) => {
    throw new Error(`${error.message} ${JSON.stringify(await child.report('error').catch(() => null))}`);
  });
  assert.equal(report.listening, true);
}

test('two processes on one queue share the requests of one prefix', sharing, async (t) => {
  await onFreePort(async (port) => {
    const prefix = `http://${anyHost}:${port}/q/`;
    const children = [holder(t, prefix), holder(t, prefix)];
    for (const child of children) await ready(child);
    const pids = new Set<string>();
    await eventually('answers of both', async () => {
      pids.add((await fetchOnce(port, '/q/now')).text);
      return pids.size === 2;
    });
    assert.deepEqual([...pids].sort(), children.map((child) => String(child.pid)).sort());
  });
});

test('a process that dies loses only its own requests; the other goes on', sharing, async (t) => {
  await onFreePort(async (port) => {
    const prefix = `http://${anyHost}:${port}/q/`;
    const [first, second] = [holder(t, prefix), holder(t, prefix)];
    await ready(first);
    await ready(second);
    const outcomes: string[] = [];
    const pending = Array.from({ length: 20 }, () => outcome(port, '/q/hold').then((status) => void outcomes.push(status)));
    await first.report('held');
    await second.report('held');
    first.kill();
    await first.exited();
    await eventually("the end of the first one's requests", () => outcomes.length > 0);
    assert.ok(
      outcomes.every((status): boolean => status === '503' || status === 'closed'),
      outcomes.join(),
    );
    second.tell({ go: true });
    await within(Promise.all(pending), 'all outcomes');
    const served = outcomes.filter((status) => status === '200').length;
    assert.ok(served > 0 && served < 20, outcomes.join());
    for (let n = 0; n < 5; n++) assert.equal((await fetchOnce(port, '/q/now')).text, String(second.pid));
  });
});

test('what is queued when a process dies goes to the other', sharing, async (t) => {
  await onFreePort(async (port) => {
    const prefix = `http://${anyHost}:${port}/q/`;
    const [first, second] = [holder(t, prefix), holder(t, prefix)];
    await ready(first);
    await ready(second);
    const total = 1100;
    const outcomes: string[] = [];
    const pending = Array.from({ length: total }, () => outcome(port, '/q/hold').then((status) => void outcomes.push(status)));
    await second.report('held');
    await first.report('held');
    const depth = async (): Promise<number> => {
      const state = JSON.parse((await fetchState(t, port)) || '{"queues":[]}') as { queues: { name?: string; depth: number }[] };
      return state.queues.find((queue) => queue.name === `test-${process.pid}`)?.depth ?? 0;
    };
    await eventually('requests in the queue', async () => (await depth()) > 0);
    first.kill();
    await first.exited();
    second.tell({ go: true });
    await within(Promise.all(pending), 'all outcomes', 20_000);
    const lost = outcomes.filter((status) => status !== '200').length;
    assert.ok(lost > 0, 'the first process had requests');
    assert.ok(lost <= total / 2, `${lost} of ${total} were lost`);
  });
});

/** The state of the service, through a server of this process. */
async function fetchState(t: TestContext, near: number): Promise<string> {
  observer ??= await (async () => {
    const server = createServer({}, (_req, res) => res.end());
    t.after(async () => {
      observer = null;
      await shutDown(server);
    });
    await listening(server, `http://${anyHost}:${near}/observer-${process.pid}/`);
    return server;
  })();
  return JSON.stringify(await observer.queryState());
}
let observer: ReturnType<typeof createServer> | null = null;

test('QUEUE-3: attaching to a queue that does not exist, and creating one that does, fail', sharing, async (t) => {
  await onFreePort(async (port) => {
    const name = `test-modes-${process.pid}`;
    const lonely = createServer({ queueName: name, queueMode: 'attach' });
    const failed = nextEvent(lonely, 'error');
    lonely.listen(`http://${anyHost}:${port}/m/` as never);
    assert.equal(((await failed)[0] as NodeJS.ErrnoException).code, 'ENOENT');
    const creator = createServer({ queueName: name, queueMode: 'create' }, (_req, res) => res.end('creator'));
    t.after(() => shutDown(creator));
    await listening(creator, `http://${anyHost}:${port}/m/`);
    const again = createServer({ queueName: name, queueMode: 'create' });
    const failedAgain = nextEvent(again, 'error');
    again.listen(`http://${anyHost}:${port}/n/` as never);
    assert.equal(((await failedAgain)[0] as NodeJS.ErrnoException).code, 'EEXIST');
    assert.equal((await fetchOnce(port, '/m/')).text, 'creator');
  });
});

test('two servers of one process on one named queue both answer', httpsys, async (t) => {
  await onFreePort(async (port) => {
    const name = `test-pair-${process.pid}`;
    const seen = new Set<string>();
    for (const who of ['one', 'two']) {
      const server = createServer({ queueName: name, queueMode: 'createOrAttach' }, (_req, res) => res.end(who));
      t.after(() => shutDown(server));
      await listening(server, `http://${anyHost}:${port}/pair/`);
    }
    await eventually('both', async () => {
      seen.add((await fetchOnce(port, '/pair/')).text);
      return seen.size === 2;
    });
  });
});

test('a client that leaves while its request waits in the queue is forgotten', httpsys, async (t) => {
  const held: TestResponse[] = [];
  const { port, server } = await serve(t, (_req, res) => void held.push(res), { maxConcurrentRequests: 1 } as never);
  const depth = async (): Promise<number> => {
    const state = (await server.queryState()) as { queues: { depth: number }[] };
    return Math.max(...state.queues.map((queue) => queue.depth));
  };
  const clients: RawClient[] = [];
  t.after(() => clients.forEach((client) => client.destroy()));
  await eventually('a request in the queue', async () => {
    const more = await Promise.all(Array.from({ length: 100 }, () => RawClient.connect(port)));
    more.forEach((client) => client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
    clients.push(...more);
    return (await depth()) > 0;
  });
  clients.forEach((client) => client.reset());
  await eventually('an empty queue', async () => (await depth()) === 0);
  held.splice(0).forEach((res) => res.end());
});

test('requestQueue: a request that waits too long is answered with 503', httpsys, async (t) => {
  const held: TestResponse[] = [];
  const { port, server } = await serve(t, (_req, res) => void held.push(res), {
    maxConcurrentRequests: 1,
    timeouts: { requestQueue: 1 },
  } as never);
  const clients: RawClient[] = [];
  t.after(() => clients.forEach((client) => client.destroy()));
  await eventually('a request in the queue', async () => {
    const more = await Promise.all(Array.from({ length: 100 }, () => RawClient.connect(port)));
    more.forEach((client) => client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
    clients.push(...more);
    const state = (await server.queryState()) as { queues: { depth: number }[] };
    return state.queues.some((queue) => queue.depth > 0);
  });
  await eventually('503 for those that wait', () =>
    clients.some((client) => client.buffered.toString('latin1').startsWith('HTTP/1.1 503')),
  );
  held.splice(0).forEach((res) => res.end('ok'));
  await eventually('an answer for everybody', () => {
    held.splice(0).forEach((res) => res.end('ok'));
    return clients.every((client) => /^HTTP\/1\.1 (200|503) /.test(client.buffered.toString('latin1')));
  });
});

test('maxConnections: clients beyond it are turned away, and served again when others have left', httpsys, async (t) => {
  const server = createServer({}, (_req, res) => res.end('ok'));
  server.maxConnections = 3;
  t.after(() => shutDown(server));
  const port = await listen(server);
  const ask = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
  const inside = await Promise.all(Array.from({ length: 3 }, () => RawClient.connect(port)));
  t.after(() => inside.forEach((client) => client.destroy()));
  for (const client of inside) assert.equal((await client.exchange(ask)).text, 'ok');
  const outside = await RawClient.connect(port);
  const refused = await outside.exchange(ask);
  assert.equal(refused.status, 503);
  await outside.closed();
  assert.equal((await (inside[0] as RawClient).exchange(ask)).text, 'ok');
  inside[1]?.destroy();
  await eventually('room', async () => (await fetchOnce(port, '/')).status === 200);
});
