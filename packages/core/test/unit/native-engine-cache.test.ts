import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as frames from '../../src/queue/frames';
import { RawClient } from '../support/client';
import { eventually, pace } from '../support/poll';
import { get, open, stateOf, type Mode, type Peer } from './native-peer';

for (const mode of ['loop', 'threads'] as Mode[]) {
  const name = (text: string): string => `${mode}: ${text}`;

  test(name('the cache: stored once, served without the application, expired, flushed'), async (t) => {
    const { engine, port, attach } = open(t, mode);
    const peer = await attach();
    let made = 0;
    peer.onRequest = (asked) =>
      asked.peer.answer(asked, {
        head: 'Content-Type: text/plain\r\nETag: "v1"\r\nConnection: keep-alive\r\nDate: old\r\n',
        body: `made ${++made}`,
        ttl: asked.target === '/short' ? 1 : Infinity,
      });
    const client = await RawClient.connect(port);
    assert.equal((await client.exchange(get('/c'))).text, 'made 1');
    const hit = await client.exchange(get('/c'));
    assert.equal(hit.text, 'made 1');
    assert.equal(hit.headers['content-length'], '6');
    assert.notEqual(hit.headers.date, 'old');
    assert.equal(hit.headers['keep-alive'], 'timeout=120');
    assert.equal((await client.exchange(get('/c?x'))).text, 'made 2', 'CACHE-23: the query is part of the key');
    assert.equal((await client.exchange(get('/c', 'Authorization: a\r\n'))).text, 'made 3', 'CACHE-24');
    assert.equal((await client.exchange(get('/c', 'If-None-Match: "v1"\r\n'))).status, 304);
    const part = await client.exchange(get('/c', 'Range: bytes=0-3\r\n'));
    assert.deepEqual([part.status, part.text, part.headers['content-range']], [206, 'made', 'bytes 0-3/6']);
    assert.equal((await client.exchange(get('/c', 'Range: bytes=99-\r\n'))).status, 416);
    client.send('HEAD /c HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await client.response({ head: true });
    assert.equal(made, 4, 'CACHE-21: HEAD passes by');
    assert.equal((await client.exchange(get('/c'))).text, 'made 1', 'and does not invalidate');
    const state = stateOf(engine);
    assert.equal(state.urls[0]!.hits, 5);
    assert.equal(state.cache.hits, 5);
    assert.equal(engine.flushCache(1, `http://*:${port}/c`, false), 1);
    assert.equal((await client.exchange(get('/c'))).text, 'made 5');
    assert.equal(engine.flushCache(1, `http://*:${port}/`, true), 2);
    await client.exchange(get('/short'));
    const before = made;
    await eventually('the entry to expire', async () => {
      await client.exchange(get('/short'));
      return made > before;
    });
  });

  test(name('pipelined hits come in order and leave together'), async (t) => {
    const { port, attach } = open(t, mode);
    (await attach()).onRequest = (asked) => asked.peer.answer(asked, { body: asked.target, ttl: 60 });
    const client = await RawClient.connect(port);
    await client.exchange(get('/a'));
    await client.exchange(get('/b'));
    const rounds = 200;
    client.send((get('/a') + get('/b')).repeat(rounds));
    for (let n = 0; n < rounds; n++) {
      assert.equal((await client.response()).text, '/a');
      assert.equal((await client.response()).text, '/b');
    }
  });

  test(name('a large hit reaches a slow reader whole, with what was pipelined behind it'), async (t) => {
    const { port, attach } = open(t, mode, { queue: { cacheEntryBytes: 16 * 1024 * 1024 } });
    const body = Buffer.alloc(5 * 1024 * 1024, 'L');
    const peer = await attach();
    peer.onRequest = (asked) => asked.peer.answer(asked, { body, ttl: 60 });
    const client = await RawClient.connect(port);
    assert.equal((await client.exchange(get('/large'))).body.length, body.length);
    client.socket.pause();
    client.send(get('/large').repeat(3));
    await pace(100);
    client.socket.resume();
    for (let n = 0; n < 3; n++) assert.ok((await client.response()).body.equals(body));
    assert.equal(peer.requests.length, 1);
  });

  test(name('one request renews an expired entry while the others wait for its answer'), async (t) => {
    const { engine, port, attach } = open(t, mode);
    const peer = await attach();
    const client = await RawClient.connect(port);
    client.send(get('/r'));
    peer.answer(await peer.request(1), { body: 'old', ttl: 60 });
    await client.response();
    assert.equal(engine.flushCache(1, `http://*:${port}/r`, false), 1);
    const clients = await Promise.all(Array.from({ length: 8 }, () => RawClient.connect(port)));
    for (const one of clients) one.send(get('/r'));
    const renewal = await peer.request(2);
    await pace(100);
    assert.equal(peer.requests.length, 2);
    clients[7]!.destroy();
    peer.answer(renewal, { body: 'new', ttl: 60 });
    for (const one of clients.slice(0, 7)) assert.equal((await one.response()).text, 'new');
    assert.equal(peer.requests.length, 2);
  });

  test(name('a renewal that fails wakes those that wait'), async (t) => {
    const { engine, port, attach } = open(t, mode);
    const peer = await attach();
    const client = await RawClient.connect(port);
    client.send(get('/r'));
    peer.answer(await peer.request(1), { body: 'old', ttl: 60 });
    await client.response();
    engine.flushCache(1, `http://*:${port}/r`, false);
    const renewing = await RawClient.connect(port);
    renewing.send(get('/r'));
    await peer.request(2);
    const waiting = await RawClient.connect(port);
    waiting.send(get('/r'));
    await pace(50);
    renewing.reset();
    const next = await peer.request(3);
    peer.answer(next, { body: 'second try' });
    assert.equal((await waiting.response()).text, 'second try');
  });

  test(name('what may not be stored is not'), async (t) => {
    const { engine, port, attach } = open(t, mode, { queue: { cacheEntryBytes: 1000 } });
    const peer = await attach();
    const plain = 'Content-Type: text/plain\r\n';
    const answers: Record<string, Parameters<Peer['answer']>[1]> = {
      '/206': { status: 206, head: plain, body: 'x', ttl: 60 },
      '/304': { status: 304, head: plain, ttl: 60 },
      '/no-type': { head: 'X-A: b\r\n', body: 'x', ttl: 60 },
      '/zero': { head: plain, body: 'x', ttl: 0 },
      '/large': { head: plain, body: 'x'.repeat(2000), ttl: 60 },
      '/date': { head: `${plain}Last-Modified: yesterday\r\n`, body: 'x', ttl: 60 },
      '/no-date': { head: plain, body: 'x', ttl: 60, flags: frames.ResponseEnd | frames.ResponseNoDate },
      '/length': { head: `${plain}Content-Length: 1\r\n`, body: 'xy', ttl: 60 },
    };
    peer.onRequest = (asked) => asked.peer.answer(asked, answers[asked.target]);
    for (const target of Object.keys(answers)) {
      const client = await RawClient.connect(port);
      await client.exchange(get(target));
    }
    const client = await RawClient.connect(port);
    client.send(get('/pieces'));
    assert.equal(stateOf(engine).cache.stores, 0);
  });
}
