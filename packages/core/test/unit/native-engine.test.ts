import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as frames from '../../src/queue/frames';
import { RawClient } from '../support/client';
import { eventually, pace } from '../support/poll';
import { GET, get, hello, makeFrame, makeResponse, open, post, stateOf, u32, type Mode } from './native-peer';

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
    const { engine, port, attach } = open(t, mode);
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
    }
    assert.equal(stateOf(engine).rejections.Channel, 1);
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
}
