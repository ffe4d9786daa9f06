/** Defects that a review of the engine found, each by what a client or an application sees; on raw frames, in both modes. */
import assert from 'node:assert/strict';
import * as net from 'node:net';
import { test } from 'node:test';
import * as frames from '../../src/queue/frames';
import { RawClient } from '../support/client';
import { eventually, nextEvent, pace } from '../support/poll';
import { makeFrame, open, u32, Peer, type Mode } from './native-peer';

const get = (target: string, fields = '', host = 'localhost'): string => `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n`;
const url = (port: number, path: string, queueId: number, urlContext: number) => ({
  https: false,
  hostKind: 3 as const,
  host: '',
  port,
  path,
  queueId,
  urlContext,
});

interface State {
  connections: number;
  cache: { stores: number };
  queues: { id: number; depth: number; attached: number; inFlight: number; connections: number }[];
}
const stateOf = (engine: { queryState(): unknown }): State => engine.queryState() as State;

/** Answers each request with its number and a life of `ttl` seconds. */
function counting(peer: Peer, ttl: number): void {
  let count = 0;
  peer.onRequest = (asked) => peer.answer(asked, { ttl, body: `answer ${++count}` });
}

for (const mode of ['loop', 'threads'] as Mode[]) {
  const name = (text: string): string => `${mode}: ${text}`;

  test(name('RFC 9110 section 13.2.2: If-Match and If-Unmodified-Since are for the application, whatever the cache holds'), async (t) => {
    const { port, attach } = open(t, mode);
    const peer = await attach();
    counting(peer, 60);
    const client = await RawClient.connect(port);
    assert.equal((await client.exchange(get('/x'))).text, 'answer 1');
    assert.equal((await client.exchange(get('/x', 'If-Match: "other"\r\n'))).text, 'answer 2');
    assert.equal((await client.exchange(get('/x', 'If-Unmodified-Since: Sat, 01 Jan 2000 00:00:00 GMT\r\n'))).text, 'answer 3');
    assert.equal((await client.exchange(get('/x'))).text, 'answer 1', 'what they got is not stored either');
  });

  test(name('a target in absolute form, whose Host may say anything, neither fills nor reads the cache'), async (t) => {
    const { engine, port, attach } = open(t, mode);
    const peer = await attach();
    peer.onRequest = (asked) => peer.answer(asked, { ttl: 60, body: asked.headers[0] });
    const client = await RawClient.connect(port);
    const poison = await client.exchange(get(`http://victim:${port}/x`, '', 'evil.example'));
    assert.equal(poison.text, 'Host: evil.example');
    assert.equal(stateOf(engine).cache.stores, 0);
    const victim = await client.exchange(get('/x', '', `victim:${port}`));
    assert.equal(victim.text, `Host: victim:${port}`);
  });

  test(name('an entry answers only the route it was made for, though the Host names the port of another'), async (t) => {
    const { engine, port, attach } = open(t, mode);
    const second = engine.listen('127.0.0.1', 0, 16);
    engine.setUrls([url(port, '/', 1, 1), url(second, '/', 1, 2)]);
    const peer = await attach();
    peer.onRequest = (asked) => peer.answer(asked, { ttl: 60, body: `context ${asked.urlContext}` });
    const liar = await RawClient.connect(second);
    assert.equal((await liar.exchange(get('/x', '', `site:${port}`))).text, 'context 2');
    const honest = await RawClient.connect(port);
    assert.equal((await honest.exchange(get('/x', '', `site:${port}`))).text, 'context 1');
  });

  test(name('CACHE-9: nobody waits for the answer to a Range request'), async (t) => {
    const { port, attach } = open(t, mode);
    const peer = await attach();
    peer.onRequest = (asked) => peer.answer(asked, { ttl: 1, body: 'first' });
    const seed = await RawClient.connect(port);
    await seed.exchange(get('/x'));
    peer.onRequest = () => undefined;
    const ranged = await RawClient.connect(port);
    // Looks until the entry has expired: hits are answered at once, the first miss stays with the application.
    await eventually('the entry to expire', async () => {
      if (peer.requests.length === 1) ranged.send(get('/x', 'Range: bytes=0-1\r\n'));
      await pace(20);
      return peer.requests.length > 1;
    });
    const plain = await RawClient.connect(port);
    plain.send(get('/x'));
    const renewing = await peer.request(3);
    const waiting = await RawClient.connect(port);
    waiting.send(get('/x'));
    peer.answer(renewing, { ttl: 60, body: 'second' });
    assert.equal((await plain.response()).text, 'second');
    assert.equal((await waiting.response()).text, 'second');
  });

  test(name('several ranges of a large entry are answered with the whole, which no client has copied for itself'), async (t) => {
    const { port, attach } = open(t, mode, { queue: { cacheEntryBytes: 4 * 1024 * 1024 } });
    const peer = await attach();
    const body = 'x'.repeat(2 * 1024 * 1024);
    peer.onRequest = (asked) => peer.answer(asked, { ttl: 60, body });
    const client = await RawClient.connect(port);
    await client.exchange(get('/x'));
    const response = await client.exchange(get('/x', 'Range: bytes=0-0,2-\r\n'));
    assert.equal(response.status, 200);
    assert.equal(response.body.length, body.length);
    assert.equal((await client.exchange(get('/x', 'Range: bytes=0-1\r\n'))).status, 206);
  });

  test(name('an interim status as the last word ends the connection, so that no later answer is taken for it'), async (t) => {
    const { port, attach } = open(t, mode);
    const peer = await attach();
    peer.onRequest = (asked) => peer.answer(asked, asked.target === '/odd' ? { status: 102, head: '' } : { body: 'of another' });
    const client = await RawClient.connect(port);
    client.send(get('/odd') + get('/next'));
    const bytes = (await client.closed()).toString('latin1');
    assert.match(bytes, /^HTTP\/1\.1 102 /);
    assert.doesNotMatch(bytes, /of another/);
  });

  test(name('interim responses that a client does not read are left out instead of being kept'), async (t) => {
    const { port, attach } = open(t, mode, { queue: { minSendRate: -1 } });
    const peer = await attach();
    const client = await RawClient.connect(port);
    client.socket.pause();
    client.send(get('/'));
    const asked = await peer.request();
    const block = `X-Padding: ${'p'.repeat(60_000)}\r\n`;
    const rounds = 1500;
    for (let n = 0; n < rounds; n++) {
      peer.send(makeFrame(frames.Informational, 0, 103, asked.id, block));
      if (n % 50 === 0) await pace(0);
    }
    // The engine has seen them all when it has passed on what came behind them.
    peer.onRequest = (other) => peer.answer(other, { body: 'seen' });
    assert.equal((await (await RawClient.connect(port)).exchange(get('/'))).text, 'seen');
    peer.answer(asked, { body: 'at last', flags: frames.ResponseEnd | frames.ResponseClose });
    client.socket.resume();
    const bytes = await client.closed();
    assert.match(bytes.subarray(-7).toString('latin1'), /at last/);
    assert.ok(bytes.length < (rounds * block.length) / 2, `${bytes.length} bytes`);
  });

  test(name('an id does not come again before its generations have passed many slots'), async (t) => {
    const { port, attach } = open(t, mode);
    const peer = await attach();
    const ids = new Set<number>();
    peer.onRequest = (asked) => {
      ids.add(asked.id);
      peer.send(makeFrame(frames.Credit, 0, 0, 0, u32(1)));
      peer.answer(asked, { body: '.' });
    };
    const client = await RawClient.connect(port);
    const rounds = 60;
    const each = 100;
    for (let n = 0; n < rounds; n++) {
      client.send(get('/').repeat(each));
      for (let k = 0; k < each; k++) await client.response();
    }
    assert.equal(ids.size, rounds * each);
  });

  test(name('requests sent ahead of a FIN are answered, also those that waited for the output'), async (t) => {
    const { port, attach } = open(t, mode, { queue: { cacheEntryBytes: 1024 * 1024 } });
    const peer = await attach();
    const body = 'y'.repeat(900_000);
    peer.onRequest = (asked) => peer.answer(asked, { ttl: 60, body });
    const seed = await RawClient.connect(port);
    await seed.exchange(get('/x'));
    const client = await RawClient.connect(port);
    client.socket.pause();
    const count = 12;
    client.send(get('/x').repeat(count));
    client.socket.end();
    await pace(100);
    client.socket.resume();
    for (let n = 0; n < count; n++) assert.equal((await client.response()).body.length, body.length);
  });

  test(name('a client that left behind a body which nobody reads is let go after the time for a body'), async (t) => {
    const { engine, port, attach } = open(t, mode, { queue: { entityBody: 1 } });
    const peer = await attach();
    const client = await RawClient.connect(port);
    // More than the window, less than what the kernels hold: the FIN comes behind it without a reset.
    client.send(`POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000\r\n\r\n${'b'.repeat(100_000)}`);
    const asked = await peer.request();
    client.socket.end();
    assert.equal((await peer.aborted(asked)).aux, 3);
    client.destroy();
    await eventually('the connection to be gone', () => stateOf(engine).connections === 0);
  });

  test(name('requests that wait for a renewal end with their queue'), async (t) => {
    const { engine, port, attach } = open(t, mode);
    const peer = await attach();
    peer.onRequest = (asked) => peer.answer(asked, { ttl: 60, body: 'first' });
    const renewer = await RawClient.connect(port);
    await renewer.exchange(get('/x'));
    assert.equal(engine.flushCache(1, `http://localhost:${port}/x`, false) + engine.flushCache(1, `http://localhost/x`, false), 1);
    peer.onRequest = () => undefined;
    renewer.send(get('/x'));
    await peer.request(2);
    const waiters = await Promise.all(Array.from({ length: 5 }, () => RawClient.connect(port)));
    waiters.forEach((client) => client.send(get('/x')));
    await eventually('all to have been routed', () => stateOf(engine).queues[0]!.connections === 6);
    engine.closeQueue(1);
    for (const client of [renewer, ...waiters]) {
      assert.equal((await client.response()).status, 503);
      client.destroy();
    }
    await eventually('no connection to be left', () => stateOf(engine).connections === 0);
  });

  test(name('an application cannot end a request of another on the same connection, and hears of the connection anew'), async (t) => {
    const { engine, port, attach } = open(t, mode);
    engine.openQueue(2, {});
    engine.setUrls([url(port, '/a/', 1, 1), url(port, '/b/', 2, 2)]);
    const a = await attach({ queueId: 1 });
    const b = await attach({ queueId: 2 });
    a.onRequest = (asked) => a.answer(asked, { body: 'from a' });
    const client = await RawClient.connect(port);
    assert.equal((await client.exchange(get('/a/1'))).text, 'from a');
    client.send(get('/b/1'));
    const asked = await b.request();
    const connection = a.requests[0]!.connection;
    a.send(makeFrame(frames.CloseConnections, frames.CloseAll, 0, connection), makeFrame(frames.CloseConnections, frames.CloseAll, 0, 0));
    // The engine has seen both when it has answered a request that came behind them.
    const other = await RawClient.connect(port);
    assert.equal((await other.exchange(get('/a/2'))).text, 'from a');
    b.answer(asked, { body: 'from b' });
    assert.equal((await client.response()).text, 'from b');
    assert.equal(b.of(frames.Aborted).length, 0);
    assert.equal((await client.exchange(get('/a/3'))).text, 'from a');
    assert.equal(a.of(frames.Connection, connection).length, 2);
  });
}

test('threads: requests that wait on any thread are refused when the last channel has left', async (t) => {
  const threads = 2;
  const { engine, port, attach } = open(t, 'threads', { threads });
  await attach({ credit: 0 });
  const clients = await Promise.all(Array.from({ length: 6 }, () => RawClient.connect(port)));
  clients.forEach((client) => client.send(get('/')));
  await eventually('all to wait', () => stateOf(engine).queues[0]!.depth === clients.length);
  engine.closeQueue(1);
  for (const client of clients) assert.equal((await client.response()).status, 503);
});

test('threads: an application that leaves thread by thread leaves no request waiting', async (t) => {
  const threads = 2;
  const { engine, port, socketPath, allow } = open(t, 'threads', { threads });
  const key = allow();
  const attached: { socket: net.Socket; peer: Peer }[] = [];
  t.after(() => attached.forEach(({ socket }) => socket.destroy()));
  for (let n = 0; n < threads; n++) {
    const socket = net.connect(socketPath.replace('data-0', `data-${n}`));
    const peer = new Peer();
    socket.on('data', (bytes) => peer.accept(bytes));
    attached.push({ socket, peer });
    await nextEvent(socket, 'connect');
    socket.write(makeFrame(frames.Attach, 0, frames.ProtocolMajor | (frames.ProtocolMinor << 8), 0, Buffer.concat([key, u32(0)])));
    await eventually('ATTACHED', () => peer.of(frames.Attached).length === 1);
  }
  const clients = await Promise.all(Array.from({ length: 6 }, () => RawClient.connect(port)));
  clients.forEach((client) => client.send(get('/')));
  await eventually('all to wait', () => stateOf(engine).queues[0]!.depth === clients.length);
  for (const { socket } of attached) {
    const before = stateOf(engine).queues[0]!.attached;
    socket.write(makeFrame(frames.Detach, 0, 0, 0));
    await eventually('DETACH to be seen', () => stateOf(engine).queues[0]!.attached === before - 1);
  }
  for (const client of clients) assert.equal((await client.response()).status, 503);
  await eventually('the queue to be empty', () => stateOf(engine).queues[0]!.depth === 0);
});

test('threads: a connection that was reset while its requests wait leaves nothing behind', async (t) => {
  const { engine, port, attach } = open(t, 'threads', { threads: 2 });
  const peer = await attach({ credit: 2 });
  const clients = await Promise.all(Array.from({ length: 10 }, () => RawClient.connect(port)));
  clients.forEach((client) => client.send(get('/')));
  await eventually('some to be delivered, the others to wait', () => {
    const [queue] = stateOf(engine).queues;
    return queue!.inFlight === 4 && queue!.depth === 6;
  });
  clients.forEach((client) => client.socket.resetAndDestroy());
  await eventually('everything to be gone', () => {
    const state = stateOf(engine);
    const [queue] = state.queues;
    return state.connections === 0 && queue!.inFlight === 0 && queue!.depth === 0 && queue!.connections === 0;
  });
  await eventually('ABORTED for each that was delivered', () => peer.of(frames.Aborted).length >= 4);
  assert.equal(peer.of(frames.Aborted).length, 4);
});
