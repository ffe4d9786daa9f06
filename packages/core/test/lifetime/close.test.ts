/** Closing a server during each operation that can be pending: it always ends, and nothing is called afterwards. */
import { test, type TestContext } from 'node:test';
import * as assert from 'node:assert/strict';
import { createServer, engine, features, listen, serve, shutDown, unless, type TestResponse } from '../support/engine';
import { freePort } from '../support/free-port.cjs';
import { RawClient } from '../support/client';
import { eventually, nextEvent, within } from '../support/poll';

const httpsys = unless(features.httpsys, 'beyond node:http');
const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

async function client(t: TestContext, port: number): Promise<RawClient> {
  const made = await RawClient.connect(port);
  t.after(() => made.destroy());
  return made;
}

test('close right after listen, before listening', async () => {
  for (let n = 0; n < 5; n++) {
    const server = createServer({}, (_req, res) => res.end());
    const closed = nextEvent(server, 'close');
    if (engine === 'service') server.listen(`http://*:${await freePort()}/` as never);
    else server.listen(0, '127.0.0.1');
    server.close();
    await closed;
    assert.equal(server.listening, false);
  }
});

test('close inside the listening callback', async () => {
  const server = createServer();
  server.once('listening', () => server.close());
  const closed = nextEvent(server, 'close');
  if (engine === 'service') server.listen(`http://*:${await freePort()}/` as never);
  else server.listen(0, '127.0.0.1');
  await closed;
  assert.equal(server.listening, false);
});

test('close inside a request listener, before its answer', async (t) => {
  const server = createServer({}, (_req, res) => {
    server.close();
    setTimeout(() => res.end('after close'), 20);
  });
  const port = await listen(server);
  const closed = nextEvent(server, 'close');
  const one = await client(t, port);
  assert.equal((await one.exchange(GET)).text, 'after close');
  await closed;
});

test('close while a request body is coming', async (t) => {
  let started = false;
  const server = createServer({}, (req, res) => {
    started = true;
    req.resume();
    req.on('end', () => res.end('whole'));
  });
  const port = await listen(server);
  const one = await client(t, port);
  one.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\nhalf');
  await eventually('the request', () => started);
  const closed = nextEvent(server, 'close');
  server.close();
  one.send('half');
  assert.equal((await one.response()).text, 'whole');
  await closed;
});

test('close while a response streams', async (t) => {
  let res: TestResponse | undefined;
  const server = createServer({}, (_req, response) => {
    res = response;
    response.write('first ');
  });
  const port = await listen(server);
  const one = await client(t, port);
  one.send(GET);
  await eventually('the first piece', () => one.buffered.includes('first'));
  const closed = nextEvent(server, 'close');
  server.close();
  res?.end('second');
  assert.equal((await one.response()).text, 'first second');
  await closed;
});

test('closeAllConnections while a response waits for a slow reader', async (t) => {
  let started = false;
  let responseClosed = false;
  const server = createServer({}, (_req, res) => {
    const piece = Buffer.alloc(256 * 1024);
    const more = (): void => {
      while (!res.destroyed && res.write(piece));
    };
    res.on('drain', more);
    res.on('close', () => (responseClosed = true));
    more();
    started = true;
  });
  const port = await listen(server);
  const one = await client(t, port);
  one.socket.pause();
  one.send(GET);
  await eventually('the response', () => started);
  const closed = nextEvent(server, 'close');
  server.close();
  await eventually('the end of the response', () => {
    server.closeAllConnections();
    return responseClosed;
  });
  await closed;
});

test('closeAllConnections inside a request listener', async (t) => {
  const { server, connect, get } = await serve(t, (req, res) => {
    if (req.url === '/all') server.closeAllConnections();
    else res.end('ok');
  });
  const one = await connect();
  one.send(GET.replace('/', '/all'));
  await one.closed();
  assert.equal((await get('/')).text, 'ok');
});

test('close during flushCache and queryState', httpsys, async () => {
  const server = createServer({}, (_req, res) => res.end());
  await listen(server);
  const pending = [server.flushCache('/', { recursive: true }), server.queryState()].map((promise) =>
    promise.then(String, (error: Error) => error.message),
  );
  const closed = nextEvent(server, 'close');
  server.close();
  await within(Promise.all(pending), 'both to settle');
  await closed;
});

test('a hundred servers opened and closed one after the other', async (t) => {
  for (let n = 0; n < (engine === 'service' ? 25 : 100); n++) {
    const server = createServer({}, (_req, res) => res.end(String(n)));
    const port = await listen(server);
    const one = await client(t, port);
    assert.equal((await one.exchange(GET)).text, String(n));
    await shutDown(server);
    one.destroy();
  }
});

test('two closes and a listen in between', async () => {
  const server = createServer({}, (_req, res) => res.end('ok'));
  await listen(server);
  await shutDown(server);
  const port = await listen(server);
  const one = await RawClient.connect(port);
  assert.equal((await one.exchange(GET)).text, 'ok');
  one.destroy();
  await shutDown(server);
});

test('writing to a response after its server has closed harms nobody', async (t) => {
  let res: TestResponse | undefined;
  const server = createServer({}, (_req, response) => void (res = response));
  const port = await listen(server);
  const one = await client(t, port);
  one.send(GET);
  await eventually('the request', () => res);
  await shutDown(server);
  await one.closed();
  assert.doesNotThrow(() => {
    res?.setHeader('X', '1');
    res?.write('late');
    res?.end('later');
  });
});
