import assert from 'node:assert/strict';
import * as net from 'node:net';
import { test } from 'node:test';
import * as frames from '../../src/queue/frames';
import { RawClient } from '../support/client';
import { deferred, eventually, nextEvent, pace, within } from '../support/poll';
import { makeFrame, makeResponse, open, u32, type Asked, type Mode, type Peer } from './native-peer';

const GET = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';
const get = (target: string, fields = ''): string => `GET ${target} HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`;
const post = (length: number, fields = ''): string => `POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${length}\r\n${fields}\r\n`;
const hello = (asked: Asked): void => asked.peer.answer(asked, { body: 'hello' });

interface State {
  connections: number;
  requests: number;
  cache: { hits: number; misses: number; stores: number; entries: number };
  rejections: Record<string, number>;
  queues: { id: number; depth: number; attached: number; inFlight: number; connections: number }[];
  urls: { queueId: number; urlContext: number; requests: number; hits: number }[];
}
const stateOf = (engine: { queryState(): unknown }): State => engine.queryState() as State;

for (const mode of ['loop', 'threads'] as Mode[]) {
  const name = (text: string): string => `${mode}: ${text}`;

  test(name('a request travels as it came, and its answer is framed as node:http frames it'), async (t) => {
    const { port, attach } = open(t, mode);
    const peer = await attach();
    peer.onRequest = (asked) => asked.peer.answer(asked, { head: 'X-One: 1\r\nContent-Type: text/plain\r\n', body: 'hello' });
    const client = await RawClient.connect(port);
    client.send('GET /a%20b?c=d HTTP/1.1\r\nHost: localhost\r\naccept: */*\r\nX-MiXed: v w \r\n\r\n');
    const response = await client.response();
    assert.equal(response.status, 200);
    assert.equal(response.text, 'hello');
    assert.equal(response.headers['content-length'], '5');
    assert.equal(response.headers.connection, 'keep-alive');
    assert.equal(response.headers['keep-alive'], 'timeout=120');
    assert.ok(Math.abs(Date.parse(response.headers.date!) - Date.now()) < 5000, response.headers.date);
    const asked = await peer.request();
    assert.equal(asked.target, '/a%20b?c=d');
    assert.equal(asked.method, 1);
    assert.equal(asked.urlContext, 7);
    assert.equal(asked.flags, frames.RequestEnd | frames.RequestKeepAlive);
    assert.deepEqual(asked.headers, ['Host: localhost', 'accept: */*', 'X-MiXed: v w']);
    const [connection] = peer.of(frames.Connection);
    assert.equal(connection!.id, asked.connection);
    assert.equal(connection!.body.readUInt16LE(2), port);
    assert.equal(connection!.body.readUInt16LE(0), client.socket.localPort);
    assert.equal(connection!.body.toString('latin1', 8), '127.0.0.1127.0.0.1');
    assert.equal(connection!.body[6], 4);
    assert.ok(peer.frames.indexOf(connection!) < peer.frames.findIndex((frame) => frame.type === frames.Request));
  });

  test(name('one connection carries many requests and is announced once; its end is told'), async (t) => {
    const { port, attach } = open(t, mode);
    const peer = await attach();
    peer.onRequest = hello;
    const client = await RawClient.connect(port);
    for (let n = 0; n < 5; n++) assert.equal((await client.exchange(GET)).text, 'hello');
    client.destroy();
    await eventually('CONNECTION_CLOSED', () => peer.of(frames.ConnectionClosed).length === 1);
    assert.equal(peer.of(frames.Connection).length, 1);
    assert.equal(new Set(peer.requests.map((asked) => asked.id)).size, 5, 'a finished id is not used again at once');
  });

  test(name('RECV-7: the next pipelined request is looked at when the response before it is complete'), async (t) => {
    const { port, attach } = open(t, mode);
    const peer = await attach();
    const client = await RawClient.connect(port);
    client.send(get('/1') + get('/2') + get('/3'));
    const first = await peer.request(1);
    await pace(50);
    assert.equal(peer.requests.length, 1);
    peer.answer(first, { body: 'one' });
    peer.answer(await peer.request(2), { body: 'two' });
    peer.answer(await peer.request(3), { body: 'three' });
    const texts = [await client.response(), await client.response(), await client.response()].map((response) => response.text);
    assert.deepEqual(texts, ['one', 'two', 'three']);
  });

  test(name('a head that drips byte by byte is one request'), async (t) => {
    const { port, attach } = open(t, mode);
    (await attach()).onRequest = hello;
    const client = await RawClient.connect(port);
    await client.drip(get('/drip', 'X-A: b\r\n'));
    assert.equal((await client.response()).text, 'hello');
  });

  test(name('routing: 404 for no path, 400 for no host, both close'), async (t) => {
    const { engine, port, attach } = open(t, mode, { path: '/app/' });
    (await attach()).onRequest = hello;
    const missing = await RawClient.connect(port);
    assert.equal((await missing.exchange(get('/other'))).status, 404);
    await missing.closed();
    engine.setUrls([{ https: false, hostKind: 1, host: 'example.org', port, path: '/', queueId: 1, urlContext: 1 }]);
    const stranger = await RawClient.connect(port);
    const page = await stranger.exchange(GET);
    assert.equal(page.status, 400);
    assert.match(page.text, /Invalid Hostname/);
    assert.equal(page.headers.connection, 'close');
    await stranger.closed();
    assert.deepEqual(stateOf(engine).rejections, { Hostname: 1, NotFound: 1 });
  });

  test(name('malformed requests get a page and reach nobody'), async (t) => {
    const { port, attach } = open(t, mode);
    const peer = await attach();
    const cases: [string, number][] = [
      ['GET / HTTP/1.1\r\n\r\n', 400],
      ['GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n', 400],
      ['POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', 400],
      ['POST / HTTP/1.1\r\nHost: a\r\n\r\n', 411],
      ['GET / HTTP/2.0\r\nHost: a\r\n\r\n', 505],
      [`GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20000)}\r\n\r\n`, 431],
      ['POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', 400],
    ];
    for (const [bytes, status] of cases) {
      const client = await RawClient.connect(port);
      const response = await client.exchange(bytes);
      assert.equal(response.status, status, bytes.slice(0, 60));
      await client.closed();
    }
    assert.equal(peer.requests.length, 0);
  });

  test(name('a page is read by a client that was still sending'), async (t) => {
    const { port } = open(t, mode, { queue: { maxRequestBodyBytes: 10 } });
    const client = await RawClient.connect(port);
    client.send(post(200000) + 'x'.repeat(150000));
    assert.equal((await client.response()).status, 413);
    client.end();
    await client.closed();
    assert.equal(client.error, null);
  });

  test(name('a small body comes inline, a large one in pieces under the window of 64 KiB'), async (t) => {
    const { port, attach } = open(t, mode);
    const peer = await attach();
    const client = await RawClient.connect(port);
    client.send(post(3) + 'abc');
    const small = await peer.request(1);
    assert.equal(small.body.toString(), 'abc');
    assert.ok(small.flags & frames.RequestEnd);
    peer.answer(small);
    await client.response();

    const size = 300000;
    client.send(post(size));
    client.send(Buffer.alloc(size, 'y'));
    const large = await peer.request(2);
    assert.equal(large.flags & frames.RequestEnd, 0);
    await eventually('the window to fill', () => peer.bodyOf(large).length === frames.BodyWindowBytes);
    await pace(50);
    assert.equal(peer.bodyOf(large).length, frames.BodyWindowBytes, 'no byte without credit');
    for (let granted = frames.BodyWindowBytes; granted < size; granted += 50000) {
      peer.send(makeFrame(frames.Credit, 0, 0, large.id, u32(50000)));
      const expected = Math.min(size, granted + 50000);
      await eventually(`${expected} bytes`, () => peer.bodyOf(large).length === expected);
    }
    assert.ok(peer.of(frames.Body, large.id).at(-1)!.flags & frames.BodyIsLast);
    peer.answer(large, { body: 'thanks' });
    assert.equal((await client.response()).text, 'thanks');
  });

  test(name('chunked bodies are decoded, whole ones inline, trailers apart'), async (t) => {
    const { port, attach } = open(t, mode);
    const peer = await attach();
    const client = await RawClient.connect(port);
    const head = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
    client.send(`${head}3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\n\r\n`);
    const whole = await peer.request(1);
    assert.equal(whole.body.toString(), 'abcde');
    assert.equal(whole.flags & (frames.RequestEnd | frames.RequestChunked), frames.RequestEnd | frames.RequestChunked);
    peer.answer(whole);
    await client.response();

    client.send(`${head}3\r\nabc\r\n`);
    const parts = await peer.request(2);
    await eventually('the first piece', () => peer.bodyOf(parts).toString() === 'abc');
    await client.drip('4\r\ndefg\r\n0\r\nX-Sum: 9\r\n\r\n');
    const [end] = await eventually('BODY_END', () =>
      peer.of(frames.BodyEnd, parts.id).length > 0 ? peer.of(frames.BodyEnd, parts.id) : null,
    );
    assert.equal(end!.aux, 1);
    assert.equal(peer.bodyOf(parts).toString(), 'abcdefg');
    peer.answer(parts);
    assert.equal((await client.response()).status, 200);

    client.send(`${head}1\r\nx\r\n0\r\nX-T: 1\r\n\r\n`);
    const trailed = await peer.request(3);
    await eventually('BODY_END', () => peer.of(frames.BodyEnd, trailed.id).length === 1);
    assert.equal(peer.bodyOf(trailed).toString(), 'x');
  });

  test(name('a chunked body that breaks in the middle is aborted with reason 4 and answered with 400'), async (t) => {
    const { port, attach } = open(t, mode);
    const peer = await attach();
    const client = await RawClient.connect(port);
    client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
    const asked = await peer.request();
    client.send('nonsense\r\n');
    assert.equal((await client.response()).status, 400);
    assert.equal((await peer.aborted(asked)).aux, frames.AbortMalformedBody);
    await client.closed();
  });

  test(name('BODY-6: the rest of a body that nobody read is drained, and the connection goes on'), async (t) => {
    const { port, attach } = open(t, mode);
    const peer = await attach();
    peer.onRequest = hello;
    const client = await RawClient.connect(port);
    client.send(post(100000) + 'z'.repeat(1000));
    assert.equal((await client.response()).text, 'hello');
    client.send('z'.repeat(99000) + get('/next'));
    assert.equal((await client.response()).text, 'hello');
    assert.equal(peer.requests[1]!.target, '/next');
  });

  test(name('Expect: 100-continue is passed on; the application sends the 100'), async (t) => {
    const { port, attach } = open(t, mode);
    const peer = await attach();
    const client = await RawClient.connect(port);
    client.send(post(4, 'Expect: 100-continue\r\n'));
    const asked = await peer.request();
    assert.ok(asked.flags & frames.RequestExpectContinue);
    peer.send(makeFrame(frames.Informational, 0, 100, asked.id), makeFrame(frames.Informational, 0, 103, asked.id, 'Link: </a.css>\r\n'));
    await eventually('the interim responses', () => client.buffered.includes('103 Early Hints\r\nLink: </a.css>\r\n\r\n'));
    client.send('data');
    await eventually('the body', () => peer.bodyOf(asked).toString() === 'data');
    peer.answer(asked, { body: 'done' });
    const statuses = [await client.response(), await client.response(), await client.response()].map((response) => response.status);
    assert.deepEqual(statuses, [100, 103, 200]);
  });

  test(name('framing: chunked, Content-Length, HEAD, 204, 304, HTTP/1.0, trailers'), async (t) => {
    const { port, attach } = open(t, mode);
    const peer = await attach();
    const client = await RawClient.connect(port);

    client.send(GET);
    let asked = await peer.request(1);
    peer.send(
      makeResponse(asked.id, { flags: 0, body: 'ab' }),
      makeFrame(frames.Data, 0, 0, asked.id, 'cd'),
      makeFrame(frames.End, 0, 0, asked.id, 'X-Sum: 4\r\n'),
    );
    let response = await client.response();
    assert.equal(response.headers['transfer-encoding'], 'chunked');
    assert.equal(response.text, 'abcd');

    client.send(GET);
    asked = await peer.request(2);
    peer.send(
      makeResponse(asked.id, { flags: 0, head: 'Content-Length: 4\r\n' }),
      makeFrame(frames.Data, frames.DataEnd, 0, asked.id, 'wxyz'),
    );
    response = await client.response();
    assert.deepEqual([response.headers['content-length'], response.text], ['4', 'wxyz']);

    client.send('HEAD / HTTP/1.1\r\nHost: a\r\n\r\n');
    asked = await peer.request(3);
    peer.answer(asked, { head: 'Content-Length: 99\r\n', body: 'dropped' });
    response = await client.response({ head: true });
    assert.equal(response.headers['content-length'], '99');

    for (const status of [204, 304]) {
      client.send(GET);
      asked = await peer.request(peer.requests.length + 1);
      peer.answer(asked, { status, head: '', body: 'dropped' });
      response = await client.response();
      assert.deepEqual(
        [response.status, response.headers['content-length'], response.headers['transfer-encoding']],
        [status, undefined, undefined],
      );
    }

    const old = await RawClient.connect(port);
    old.send('GET / HTTP/1.0\r\n\r\n');
    asked = await peer.request(peer.requests.length + 1);
    assert.ok(asked.flags & frames.RequestHttp10);
    peer.send(makeResponse(asked.id, { flags: 0, body: 'until ' }), makeFrame(frames.Data, frames.DataEnd, 0, asked.id, 'close'));
    response = await old.response();
    assert.deepEqual([response.headers.connection, response.text], ['close', 'until close']);
    await old.closed();
  });

  test(name('more body than Content-Length is cut and closes; less closes at once'), async (t) => {
    const { port, attach } = open(t, mode);
    const peer = await attach();
    const more = await RawClient.connect(port);
    more.send(GET);
    peer.answer(await peer.request(1), { head: 'Content-Length: 2\r\n', body: 'abcd' });
    assert.equal((await more.response()).text, 'ab');
    assert.equal((await more.closed()).length, 0);
    const less = await RawClient.connect(port);
    less.send(GET);
    peer.answer(await peer.request(2), { head: 'Content-Length: 9\r\n', body: 'abcd' });
    assert.match((await less.closed()).toString(), /abcd$/);
  });

  test(name('a response with a broken head is aborted with reason 5'), async (t) => {
    const { port, attach } = open(t, mode);
    const peer = await attach();
    for (const head of ['no colon\r\n', 'A: b\r\n\r\n', 'Content-Length: 1\r\nContent-Length: 1\r\n', 'X: a\u0001b\r\n', 'X: no end']) {
      const client = await RawClient.connect(port);
      client.send(GET);
      const asked = await peer.request(peer.requests.length + 1);
      peer.answer(asked, { head });
      assert.equal((await peer.aborted(asked)).aux, frames.AbortResponse);
      assert.ok(!(await client.closed()).includes('200 OK'));
    }
    assert.equal(peer.closed, false);
  });

  test(name('response bytes are credited as they leave, and a slow client holds them back'), async (t) => {
    const { port, attach } = open(t, mode);
    const peer = await attach();
    const client = await RawClient.connect(port);
    client.send(GET);
    const asked = await peer.request();
    const total = 20 * 1024 * 1024;
    let sent = 0;
    let credited = 0;
    let drained = false;
    const piece = Buffer.alloc(64 * 1024, 'd');
    const pump = (): void => {
      while (sent < total && sent + piece.length - credited <= frames.ResponseWindowBytes) {
        sent += piece.length;
        peer.send(makeFrame(frames.Data, 0, 0, asked.id, piece));
      }
      if (sent === total && !drained) {
        drained = true;
        peer.send(makeFrame(frames.End, 0, 0, asked.id));
      }
    };
    peer.onFrame = (frame) => {
      if (frame.type !== frames.Credit || frame.id !== asked.id) return;
      credited += frame.body.readUInt32LE(0);
      setImmediate(pump);
    };
    client.socket.pause();
    peer.send(makeResponse(asked.id, { flags: 0, head: `Content-Length: ${total}\r\n` }));
    pump();
    let before = -1;
    await eventually('the kernel buffers to fill', async () => {
      const still = sent === before && sent - credited > 0;
      before = sent;
      await pace(100);
      return still && sent === before;
    });
    assert.ok(sent < total, 'nothing is buffered without a bound');
    client.socket.resume();
    const response = await client.response();
    assert.equal(response.body.length, total);
  });

  test(name('a channel that overruns the response window is ended with an error'), async (t) => {
    const { port, attach } = open(t, mode);
    const peer = await attach();
    const client = await RawClient.connect(port);
    client.socket.pause();
    client.send(GET);
    const asked = await peer.request();
    const flood = (): void =>
      peer.send(
        makeResponse(asked.id, { flags: 0 }),
        ...Array.from({ length: 400 }, () => makeFrame(frames.Data, 0, 0, asked.id, Buffer.alloc(50000))),
      );
    if (mode === 'loop') {
      assert.throws(flood, { code: 'EPROTO', message: /window/ });
    } else {
      flood();
      await eventually('the end of the channel', () => peer.closed);
      assert.match(peer.of(frames.Attached)[1]!.body.toString(), /window/);
    }
    client.socket.resume();
    await client.closed();
  });

  test(name('a client that leaves aborts its request: RST at once, FIN when no answer comes'), async (t) => {
    const { port, attach } = open(t, mode);
    const peer = await attach();
    const reset = await RawClient.connect(port);
    reset.send(GET);
    const first = await peer.request(1);
    reset.reset();
    assert.equal((await peer.aborted(first)).aux, frames.AbortClientReset);
    const gone = await RawClient.connect(port);
    gone.send(GET);
    const second = await peer.request(2);
    gone.end();
    assert.equal((await peer.aborted(second)).aux, frames.AbortClientClosed);
    await eventually('both connections to be gone', () => peer.of(frames.ConnectionClosed).length === 2);
    peer.answer(second, { body: 'too late' });
    const half = await RawClient.connect(port);
    half.send(GET);
    half.end();
    const third = await peer.request(3);
    peer.answer(third, { body: 'in time' });
    assert.equal((await half.response()).text, 'in time');
    await half.closed();
  });

  test(name('a client that leaves in the middle of its body aborts its request'), async (t) => {
    const { port, attach } = open(t, mode);
    const peer = await attach();
    const client = await RawClient.connect(port);
    client.send(post(100) + 'some');
    const asked = await peer.request();
    client.destroy();
    assert.ok([frames.AbortClientClosed, frames.AbortClientReset].includes((await peer.aborted(asked)).aux));
  });

  test(name('a reset is seen while the body waits for credit'), async (t) => {
    const { port, attach } = open(t, mode);
    const peer = await attach();
    const client = await RawClient.connect(port);
    client.send(post(1000000));
    client.send(Buffer.alloc(400000));
    const asked = await peer.request();
    await eventually('the window to fill', () => peer.bodyOf(asked).length === frames.BodyWindowBytes);
    await pace(50);
    client.reset();
    assert.equal((await peer.aborted(asked)).aux, frames.AbortClientReset);
  });

  test(name('CANCEL resets the connection'), async (t) => {
    const { port, attach } = open(t, mode);
    const peer = await attach();
    const client = await RawClient.connect(port);
    client.send(GET);
    peer.send(makeFrame(frames.Cancel, 0, 0, (await peer.request()).id));
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
    await eventually('the detached one to get nothing more', async () => {
      const before = peers[0]!.requests.length;
      for (let n = 0; n < 4; n++) await client.exchange(GET);
      return peers[0]!.requests.length === before;
    });
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

  test(name('timeouts: head, body, queue, drain and send rate'), async (t) => {
    const { engine, port, attach } = open(t, mode, {
      queue: { headerWait: 1, entityBody: 1, requestQueue: 1, drainEntityBody: 1, minSendRate: 100000 },
    });
    const peer = await attach({ credit: 3 });
    const head = await RawClient.connect(port);
    head.send('GET / HTTP/1.1\r\nHo');
    const body = await RawClient.connect(port);
    body.send(post(10) + 'abc');
    const stalled = await peer.request(1);
    const drain = await RawClient.connect(port);
    drain.send(post(10) + 'abc');
    hello(await peer.request(2));
    const slow = await RawClient.connect(port);
    slow.socket.pause();
    slow.send(GET);
    const large = await peer.request(3);
    let credited = 0;
    let sent = 0;
    const pump = (): void => {
      for (; sent - credited < 200000; sent += 50000) peer.send(makeFrame(frames.Data, 0, 0, large.id, Buffer.alloc(50000)));
    };
    peer.onFrame = (frame) => {
      if (frame.type !== frames.Credit || frame.id !== large.id) return;
      credited += frame.body.readUInt32LE(0);
      setImmediate(pump);
    };
    peer.send(makeResponse(large.id, { flags: 0 }));
    pump();
    const queued = await RawClient.connect(port);
    queued.send(GET);
    assert.equal((await head.response()).status, 408);
    assert.equal((await body.response()).status, 408);
    assert.equal((await queued.response()).status, 503);
    assert.equal((await drain.response()).text, 'hello');
    await drain.closed();
    assert.equal((await peer.aborted(stalled)).aux, frames.AbortTimeout);
    assert.equal((await peer.aborted(large)).aux, frames.AbortTimeout);
    const { rejections } = stateOf(engine);
    for (const reason of ['Timer_HeaderWait', 'Timer_EntityBody', 'Timer_AppPool', 'Timer_MinBytesPerSecond'])
      assert.equal(rejections[reason], 1, reason);
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
