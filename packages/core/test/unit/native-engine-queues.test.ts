import assert from 'node:assert/strict';
import * as net from 'node:net';
import { test } from 'node:test';
import * as fc from 'fast-check';
import * as frames from '../../src/queue/frames';
import { RawClient } from '../support/client';
import { deferred, eventually, nextEvent, within } from '../support/poll';
import { GET, get, hello, makeFrame, makeResponse, open, post, stateOf, u32, type Mode } from './native-peer';

/** Bodies of RESPONSE frames that a random one would hardly ever be. */
const bodies = [
  {},
  { flags: 0 },
  { head: 'Content-Length: 5\r\n', body: 'abc' },
  { ttl: 1, body: 'cached' },
  { head: 'Transfer-Encoding: chunked\r\n' },
].map((parts) => Uint8Array.from(makeResponse(1, parts).subarray(12)));

for (const mode of ['loop', 'threads'] as Mode[]) {
  const name = (text: string): string => `${mode}: ${text}`;

  test(name('CANCEL closes the connection, behind what was written before it'), async (t) => {
    const { port, attach } = open(t, mode);
    const peer = await attach();
    const client = await RawClient.connect(port);
    client.send(GET);
    const { id } = await peer.request();
    peer.send(makeResponse(id, { flags: 0, body: 'begun' }));
    peer.send(makeFrame(frames.Cancel, 0, 0, id));
    assert.match((await client.closed()).toString(), /\r\n\r\n5\r\nbegun\r\n$/);
    assert.equal(client.error, null);
  });

  test(name('CANCEL resets the connection where a part of a body would look whole'), async (t) => {
    const { port, attach } = open(t, mode);
    const peer = await attach();
    const client = await RawClient.connect(port);
    client.send('GET / HTTP/1.0\r\n\r\n');
    const { id } = await peer.request();
    peer.send(makeResponse(id, { flags: 0, body: 'begun' }));
    await client.bytes(10);
    peer.send(makeFrame(frames.Cancel, 0, 0, id));
    await client.closed();
    await eventually('the reset', () => client.error?.code === 'ECONNRESET');
  });

  test(name('CLOSE_CONNECTIONS: idle ones by IDLE, busy ones by ALL, one by its id'), async (t) => {
    const { port, attach } = open(t, mode);
    const peer = await attach();
    peer.onRequest = (asked) => (asked.target === '/busy' ? undefined : hello(asked));
    const idle = await RawClient.connect(port);
    await idle.exchange(GET);
    const single = await RawClient.connect(port);
    await single.exchange(get('/single'));
    const busy = await RawClient.connect(port);
    busy.send(get('/busy'));
    const asked = await peer.request(3);
    peer.send(makeFrame(frames.CloseConnections, frames.CloseIdle, 0, peer.requests[1]!.connection));
    await single.closed();
    assert.equal(idle.ended, false);
    peer.send(makeFrame(frames.CloseConnections, frames.CloseIdle, 0, 0));
    await idle.closed();
    assert.equal(busy.ended, false);
    peer.send(makeFrame(frames.CloseConnections, frames.CloseAll, 0, 0));
    await busy.closed();
    await peer.aborted(asked);
  });

  test(name('QUEUE-9: requests wait for credit up to the queue length, then 503'), async (t) => {
    const { engine, port, attach } = open(t, mode, { queue: { queueLength: 2 } });
    const peer = await attach({ credit: 1 });
    const clients = await Promise.all([1, 2, 3, 4].map(() => RawClient.connect(port)));
    for (const [n, client] of clients.entries()) {
      client.send(get(`/${n}`));
      if (n === 0) await peer.request();
      else if (n < 3) await eventually('the depth', () => stateOf(engine).queues[0]!.depth === n);
    }
    assert.equal((await clients[3]!.response()).status, 503);
    assert.equal(stateOf(engine).rejections.QueueFull, 1);
    peer.onRequest = hello;
    hello(peer.requests[0]!);
    peer.send(makeFrame(frames.Credit, 0, 0, 0, u32(2)));
    for (const client of clients.slice(0, 3)) assert.equal((await client.response()).text, 'hello');
    assert.equal(stateOf(engine).queues[0]!.depth, 0);
  });

  test(name('a body that waits in the queue is delivered with its request'), async (t) => {
    const { engine, port, attach } = open(t, mode);
    const peer = await attach({ credit: 0 });
    const client = await RawClient.connect(port);
    client.send(post(5) + 'first');
    await eventually('the depth', () => stateOf(engine).queues[0]!.depth === 1);
    peer.send(makeFrame(frames.Credit, 0, 0, 0, u32(1)));
    const asked = await peer.request();
    await eventually('the body', () => peer.bodyOf(asked).toString() === 'first');
    peer.answer(asked, { body: 'ok' });
    assert.equal((await client.response()).text, 'ok');
  });

  test(name('QUEUE-10: a disabled queue and one that nobody attends answer 503'), async (t) => {
    const { engine, port, attach } = open(t, mode);
    const nobody = await RawClient.connect(port);
    assert.equal((await nobody.exchange(GET)).status, 503);
    (await attach()).onRequest = hello;
    engine.setQueueOptions(1, { enabled: false });
    assert.equal((await (await RawClient.connect(port)).exchange(GET)).status, 503);
    engine.setQueueOptions(1, { enabled: true });
    assert.equal((await (await RawClient.connect(port)).exchange(GET)).text, 'hello');
  });

  test(name('QUEUE-8: channels take turns, and DETACH leaves the rest to the others'), async (t) => {
    const { port, attach } = open(t, mode);
    const peers = [await attach(), await attach()];
    for (const peer of peers) peer.onRequest = hello;
    const client = await RawClient.connect(port);
    for (let n = 0; n < 6; n++) await client.exchange(GET);
    assert.deepEqual(
      peers.map((peer) => peer.requests.length),
      [3, 3],
    );
    peers[0]!.send(makeFrame(frames.Detach, 0, 0, 0));
    await eventually('DETACHED', () => peers[0]!.of(frames.Detached).length === 1);
    for (let n = 0; n < 4; n++) await client.exchange(GET);
    assert.deepEqual(
      peers.map((peer) => peer.requests.length),
      [3, 7],
    );
  });

  test(name('SHUT-6: when a channel dies its clients get 503 or a closed connection; what waited goes to others'), async (t) => {
    const { engine, port, attach } = open(t, mode);
    const dying = await attach({ credit: 2 });
    const waiting = await RawClient.connect(port);
    const streaming = await RawClient.connect(port);
    waiting.send(GET);
    await dying.request(1);
    streaming.send(GET);
    const second = await dying.request(2);
    dying.send(makeResponse(second.id, { flags: 0, body: 'begun' }));
    await eventually('the first piece', () => streaming.buffered.includes('begun'));
    const queued = await RawClient.connect(port);
    queued.send(GET);
    await eventually('the depth', () => stateOf(engine).queues[0]!.depth === 1);
    const heir = await attach({ credit: 0 });
    heir.onRequest = hello;
    dying.transport.end();
    assert.equal((await waiting.response()).status, 503);
    await waiting.closed();
    assert.ok(!(await streaming.closed()).toString().endsWith('0\r\n\r\n'), 'a cut response does not look complete');
    heir.send(makeFrame(frames.Credit, 0, 0, 0, u32(5)));
    assert.equal((await queued.response()).text, 'hello');
    heir.transport.end();
    assert.equal((await queued.exchange(GET)).status, 503);
    assert.equal(stateOf(engine).queues[0]!.inFlight, 0);
  });

  test(name('malformed frames end their channel and no other'), async (t) => {
    const { port, attach } = open(t, mode);
    const good = await attach();
    good.onRequest = hello;
    const bad: Buffer[] = [
      Buffer.from([5, 0, 0, 0, 0x21, 0, 0, 0, 0, 0, 0, 0]),
      Buffer.from([0xff, 0xff, 0xff, 0xff, 0x21, 0, 0, 0, 0, 0, 0, 0]),
      makeFrame(frames.Credit, 0, 0, 0, 'abc'),
      makeFrame(frames.Response, 1, 200, 1, 'short'),
      makeFrame(frames.Response, 1, 200, 1, Buffer.from([0xff, 0xff, 0, 0, 0, 0, 0, 0])),
      makeFrame(frames.Response, 1, 200, 1, Buffer.from([0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff])),
      makeFrame(frames.Attach, 0, 1, 0, Buffer.alloc(20)),
    ];
    for (const bytes of bad) {
      const peer = await attach();
      if (mode === 'loop') {
        assert.throws(() => peer.send(bytes), { code: 'EPROTO' });
      } else {
        peer.send(bytes);
        await eventually('the end of the channel', () => peer.closed);
      }
    }
    const ignored = await attach();
    ignored.send(makeFrame(0x7f, 9, 9, 9, 'a later type'), makeFrame(frames.Data, 0, 0, 12345, 'late'), makeFrame(frames.Cancel, 0, 0, 99));
    ignored.onRequest = hello;
    const client = await RawClient.connect(port);
    for (let n = 0; n < 4; n++) assert.equal((await client.exchange(GET)).text, 'hello');
    assert.equal(ignored.closed, false);
    assert.ok(ignored.requests.length > 0 && good.requests.length > 0);
  });

  test(name('connection limits: of a queue 503, of the engine a closed connection'), async (t) => {
    const { engine, port, attach } = open(t, mode, { engine: { maxConnections: 3 }, queue: { maxConnections: 2 } });
    (await attach()).onRequest = hello;
    const clients = [await RawClient.connect(port), await RawClient.connect(port), await RawClient.connect(port)];
    assert.equal((await clients[0]!.exchange(GET)).status, 200);
    assert.equal((await clients[1]!.exchange(GET)).status, 200);
    const fourth = await RawClient.connect(port);
    await fourth.closed();
    assert.equal((await clients[2]!.exchange(GET)).status, 503);
    await clients[2]!.closed();
    await eventually('the connections to be counted down', () => stateOf(engine).connections === 2);
    const next = await RawClient.connect(port);
    clients[0]!.destroy();
    await eventually('room in the queue', () => stateOf(engine).queues[0]!.connections === 1);
    assert.equal((await next.exchange(GET)).status, 200);
  });

  test(name('listen reports the exact error before it returns'), async (t) => {
    const { engine, port } = open(t, mode);
    assert.throws(() => engine.listen('127.0.0.1', port, 10), { code: 'EADDRINUSE', syscall: 'listen', errno: -98 });
    assert.throws(() => engine.listen('192.0.2.1', 0, 10), { code: 'EADDRNOTAVAIL' });
    assert.throws(() => engine.listen('not an address', 0, 10), { code: 'EINVAL' });
    engine.unlisten('127.0.0.1', port);
    const again = engine.listen('127.0.0.1', port, 10);
    assert.equal(again, port);
  });

  test(name('unlisten frees the port and leaves open connections alone'), async (t) => {
    const { engine, port, attach } = open(t, mode);
    (await attach()).onRequest = hello;
    const client = await RawClient.connect(port);
    await client.exchange(GET);
    engine.unlisten('127.0.0.1', port);
    await assert.rejects(RawClient.connect(port), { code: 'ECONNREFUSED' });
    assert.equal((await client.exchange(GET)).text, 'hello');
  });

  test(name('closeQueue: what waits gets 503, entries go, the channel ends'), async (t) => {
    const { engine, port, attach } = open(t, mode);
    const peer = await attach({ credit: 2 });
    const client = await RawClient.connect(port);
    client.send(get('/entry'));
    peer.answer(await peer.request(1), { body: 'x', ttl: 60 });
    await client.response();
    client.send(get('/held'));
    await peer.request(2);
    const queued = await RawClient.connect(port);
    queued.send(GET);
    await eventually('the depth', () => stateOf(engine).queues[0]!.depth === 1);
    engine.closeQueue(1);
    assert.equal((await client.response()).status, 503);
    assert.equal((await queued.response()).status, 503);
    assert.equal(stateOf(engine).cache.entries, 0);
    if (mode === 'threads') await eventually('the end of the channel', () => peer.closed);
    else assert.throws(() => peer.send(makeFrame(frames.Credit, 0, 0, 0, u32(1))), { code: 'EPROTO' });
    assert.equal((await (await RawClient.connect(port)).exchange(GET)).status, 503);
    engine.openQueue(1, {});
    (await attach()).onRequest = hello;
    assert.equal((await (await RawClient.connect(port)).exchange(GET)).text, 'hello');
  });

  test(name('close() in every state of a connection'), async (t) => {
    const { engine, port, attach } = open(t, mode);
    const peer = await attach({ credit: 4 });
    const clients = await Promise.all(Array.from({ length: 7 }, () => RawClient.connect(port)));
    const [fresh, partial, idle, waiting, streaming, body, queued] = clients;
    partial!.send('GET / HT');
    idle!.send(GET);
    hello(await peer.request(1));
    await idle!.response();
    waiting!.send(GET);
    await peer.request(2);
    streaming!.send(GET);
    peer.send(makeResponse((await peer.request(3)).id, { flags: 0, body: 'begun' }));
    body!.send(post(100) + 'x');
    await peer.request(4);
    queued!.send(GET);
    await eventually('the depth', () => stateOf(engine).queues[0]!.depth === 1);
    engine.close();
    engine.close();
    for (const client of clients) await client.closed();
    assert.equal(fresh!.buffered.length, 0);
    assert.throws(() => engine.queryState(), { code: 'ERR_SERVER_NOT_RUNNING' });
    await assert.rejects(RawClient.connect(port), { code: 'ECONNREFUSED' });
  });
}

test('loop: a batch larger than any before arrives whole in a grown inbox', async (t) => {
  const { port, attach } = open(t, 'loop');
  const peer = await attach();
  const clients = await Promise.all(Array.from({ length: 20 }, () => RawClient.connect(port)));
  for (const client of clients) {
    client.send(post(60000));
    client.send(Buffer.alloc(60000, 'b'));
  }
  const asked = await peer.request(20);
  assert.ok(asked);
  await eventually('every body', () => peer.requests.every((one) => peer.bodyOf(one).length === 60000));
});

test('loop: what a batch listener throws is an uncaught exception, and the engine goes on', async (t) => {
  const { port, attach } = open(t, 'loop');
  const peer = await attach();
  const caught = deferred<unknown>();
  const before = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.once('uncaughtException', caught.resolve);
  t.after(() => before.forEach((listener) => process.on('uncaughtException', listener)));
  peer.onRequest = () => {
    throw new Error('from the application');
  };
  const client = await RawClient.connect(port);
  client.send(GET);
  assert.match(String(await within(caught.promise, 'the exception')), /from the application/);
  peer.onRequest = hello;
  assert.equal((await (await RawClient.connect(port)).exchange(GET)).text, 'hello');
});

test('loop: promise jobs and ticks run behind a batch', async (t) => {
  const { port, attach } = open(t, 'loop');
  const order: string[] = [];
  (await attach()).onRequest = (asked) => {
    process.nextTick(() => order.push('tick'));
    void Promise.resolve().then(() => {
      order.push('job');
      hello(asked);
    });
  };
  assert.equal((await (await RawClient.connect(port)).exchange(GET)).text, 'hello');
  assert.deepEqual(order, ['tick', 'job']);
});

test('loop: submit checks its arguments, and a cut frame is malformed', async (t) => {
  const { engine, attach } = open(t, 'loop');
  await attach();
  const cut = makeFrame(frames.Credit, 0, 0, 0, u32(1)).subarray(0, 14);
  assert.throws(() => engine.submit(1, cut, 100), TypeError);
  assert.throws(() => engine.submit(1, cut, cut.length), { code: 'EPROTO', message: /cut off/ });
  assert.throws(() => engine.submit(1, cut, cut.length), { code: 'EPROTO', message: /ended/ });
});

test('threads: a data connection must show a known key of this protocol', async (t) => {
  const { engine, socketPath, allow } = open(t, 'threads');
  const key = allow();
  const refused = async (bytes: Buffer, why: RegExp): Promise<void> => {
    const socket = net.connect(socketPath);
    const pieces: Buffer[] = [];
    socket.on('data', (piece) => pieces.push(piece));
    socket.on('error', () => undefined);
    socket.write(bytes);
    await nextEvent(socket, 'close');
    const answer = Buffer.concat(pieces);
    assert.equal(answer[4], frames.Attached);
    assert.equal(answer.readUInt16LE(6), 1);
    assert.match(answer.toString('latin1', 12), why);
  };
  await refused(makeFrame(frames.Attach, 0, 1, 0, Buffer.alloc(20)), /unknown key/);
  await refused(makeFrame(frames.Attach, 0, 99, 0, Buffer.concat([key, u32(1)])), /protocol 99\.0/);
  await refused(makeFrame(frames.Attach, 0, 1, 0, key), /16 bytes/);
  await refused(makeFrame(frames.Credit, 0, 0, 0, u32(1)), /ATTACH/);
  engine.revokeAttach(key);
  await refused(makeFrame(frames.Attach, 0, 1, 0, Buffer.concat([key, u32(1)])), /unknown key/);
});

test('threads: several threads share port, queue and cache', async (t) => {
  const { engine, port } = open(t, 'threads', { threads: 1 });
  engine.unlisten('127.0.0.1', port);
  const many = open(t, 'threads', { threads: 3, queue: { queueLength: 100 } });
  const sockets = await many.attach();
  sockets.onRequest = () => undefined;
  const clients = await Promise.all(Array.from({ length: 6 }, () => RawClient.connect(many.port)));
  for (const client of clients) client.send(GET);
  await eventually('a request of each connection', () => sockets.requests.length === 6);
  assert.equal(stateOf(many.engine).queues[0]!.attached, 3);
  assert.equal(stateOf(many.engine).connections, 6);
});

test('engine options out of range are refused', async (t) => {
  const { engine } = open(t, 'loop');
  assert.throws(() => engine.openQueue(2, { queueLength: 0 }), RangeError);
  assert.throws(() => engine.openQueue(2, { cacheEntryBytes: 1e9 }), RangeError);
  assert.throws(() => engine.openQueue(1, {}), { code: 'EEXIST' });
  assert.throws(() => engine.setQueueOptions(9, {}), { code: 'ENOENT' });
  assert.throws(() => engine.attach(9, 1, () => undefined), { code: 'ENOENT' });
  assert.throws(() => engine.setUrls([{ https: false, hostKind: 0, host: '', port: 1, path: 'x', queueId: 1, urlContext: 1 }]), RangeError);
});

test('loop: whatever frames an application sends, the engine stands and its other channels work', async (t) => {
  const { port, attach } = open(t, 'loop');
  let run = 0;
  const types = [...Array.from({ length: 18 }, (_unused, n) => 0x10 + n), 0, 0x01, 0x40, 0xff];
  const frame = fc
    .record({
      type: fc.constantFrom(...types, frames.Response, frames.Data, frames.End, frames.Credit),
      flags: fc.integer({ min: 0, max: 255 }),
      aux: fc.oneof(fc.integer({ min: 0, max: 65535 }), fc.constantFrom(100, 103, 200, 204, 304)),
      live: fc.boolean(),
      body: fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constantFrom(...bodies)),
    })
    .map((one) => (id: number) => makeFrame(one.type, one.flags, one.aux, one.live ? id : one.aux, one.body));
  await fc.assert(
    fc.asyncProperty(fc.array(frame, { minLength: 1, maxLength: 8 }), fc.boolean(), async (batch, body) => {
      const peer = await attach();
      const client = await RawClient.connect(port);
      // A target of its own: some of these responses have a policy, and the next client would be answered from the cache.
      const get = GET.replace('GET / ', `GET /${run++} `);
      client.send(body ? post(100000) + 'x'.repeat(70000) : get + get);
      const asked = await peer.request();
      try {
        peer.send(...batch.map((make) => make(asked.id)));
      } catch (error) {
        assert.equal((error as NodeJS.ErrnoException).code, 'EPROTO');
      }
      client.destroy();
      peer.transport.end();
    }),
    { numRuns: 150 },
  );
  (await attach()).onRequest = hello;
  assert.equal((await (await RawClient.connect(port)).exchange(GET)).text, 'hello');
});
