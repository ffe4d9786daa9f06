/** Fragments: bodies in the engine's cache that responses name (section 5.5, SEND-18). */
import { test, type TestContext } from 'node:test';
import * as assert from 'node:assert/strict';
import {
  anyHost,
  createServer,
  engineOption,
  features,
  listening,
  loadCore,
  onFreePort,
  serve,
  shutDown,
  unless,
  type CachePolicy,
  type Running,
  type TestRequest,
  type TestResponse,
  type TestServer,
  type TestServerOptions,
} from '../support/engine';
import { fetchOnce } from '../support/client';
import { deferred, within } from '../support/poll';

const fragments = unless(features.httpsys, 'node:http has no fragments');
const kept: CachePolicy = { untilFlushed: true };

type Callback = (error: NodeJS.ErrnoException | null) => void;
type FragmentResponse = TestResponse & { respondWithFragment(urlOrPath: string, callback?: Callback): FragmentResponse };
type FragmentListener = (req: TestRequest, res: FragmentResponse) => void;
interface FragmentServer extends TestServer {
  addFragment(urlOrPath: string, data: string | Uint8Array, policy: CachePolicy): Promise<void>;
}
interface Site extends Running {
  server: FragmentServer;
}

const serveFragments = (t: TestContext, listener: FragmentListener, options?: TestServerOptions, prefix?: string): Promise<Site> =>
  serve(t, (req, res) => listener(req, res as FragmentResponse), options, prefix) as Promise<Site>;

const get = (target = '/', method = 'GET', version = '1.1'): string => `${method} ${target} HTTP/${version}\r\nHost: x\r\n\r\n`;

for (const [name, bytes] of [
  ['a small fragment', 100],
  ['one that is written from where it is', 200_000],
] as const) {
  test(`${name} is the body of any number of responses, and the connection goes on`, fragments, async (t) => {
    const content = Buffer.alloc(bytes, 'abcdefg');
    const { server, connect } = await serveFragments(t, (req, res) => {
      res.setHeader('X-Of', req.url!);
      res.respondWithFragment('/piece');
    });
    await server.addFragment('/piece', content, kept);
    const client = await connect();
    client.send(get('/a') + get('/b') + get('/c'));
    for (const of of ['/a', '/b', '/c']) {
      const response = await client.response();
      assert.equal(response.headers['x-of'], of);
      assert.equal(response.headers['content-length'], String(bytes));
      assert.ok(response.body.equals(content));
    }
  });
}

test('SEND-18: a missing fragment is ENOENT, and the program adds it and answers', fragments, async (t) => {
  let added = 0;
  const { server, connect } = await serveFragments(t, (_req, res) => {
    res.setHeader('X-Kept', 'yes');
    res.respondWithFragment('/piece', (error) => {
      // The server may end before it is told of the second one.
      if (error === null || error.code === 'ERR_STREAM_DESTROYED') return;
      assert.equal(error.code, 'ENOENT');
      assert.deepEqual([res.headersSent, res.writableEnded, res.statusMessage], [false, false, undefined]);
      void server.addFragment('/piece', `made ${++added}`, kept).then(() => res.respondWithFragment('/piece'));
    });
  });
  const client = await connect();
  for (let round = 0; round < 2; round++) {
    const response = await client.exchange(get());
    assert.deepEqual([response.status, response.text, response.headers['x-kept']], [200, 'made 1', 'yes']);
  }
});

test('SEND-18: a missing fragment, and the program answers otherwise', fragments, async (t) => {
  const { connect } = await serveFragments(t, (_req, res) => {
    res.on('error', (error: NodeJS.ErrnoException) => {
      res.statusCode = 404;
      res.end(error.code);
    });
    res.respondWithFragment('/piece');
  });
  const client = await connect();
  for (let round = 0; round < 2; round++) {
    const response = await client.exchange(get());
    assert.deepEqual([response.status, response.reason, response.text], [404, 'Not Found', 'ENOENT']);
  }
});

test('the same name overwrites', fragments, async (t) => {
  const { server, get: ask } = await serveFragments(t, (_req, res) => res.respondWithFragment('/piece'));
  await server.addFragment('/piece', 'first', kept);
  await server.addFragment('/piece', Buffer.from('second'), { ttl: 100 });
  assert.equal((await ask('/')).text, 'second');
});

test('additions that are on their way together', fragments, async (t) => {
  const { server, get: ask } = await serveFragments(t, (req, res) => res.respondWithFragment(req.url!));
  await Promise.all(Array.from({ length: 100 }, (_unused, n) => server.addFragment(`/${n}`, `piece ${n}`, kept)));
  for (const n of [0, 50, 99]) assert.equal((await ask(`/${n}`)).text, `piece ${n}`);
});

test('a request finds no fragment by its name', fragments, async (t) => {
  const { server, get: ask } = await serveFragments(t, (_req, res) => void res.end('mine'));
  await server.addFragment('/piece', 'fragment', kept);
  assert.equal((await ask('/piece')).text, 'mine');
});

test('CACHE-33: a flush drops the fragment of that name, and with recursive those below', fragments, async (t) => {
  const { server, get: ask } = await serveFragments(t, (req, res) =>
    res.respondWithFragment(req.url!, (error) => error && res.end(error.code)),
  );
  for (const name of ['/a', '/a/b', '/a/b/c', '/ab', '/x']) await server.addFragment(name, name, kept);
  await server.flushCache('/x');
  assert.deepEqual([(await ask('/x')).text, (await ask('/ab')).text], ['ENOENT', '/ab']);
  await server.flushCache('/a', { recursive: true });
  for (const name of ['/a', '/a/b', '/a/b/c']) assert.equal((await ask(name)).text, 'ENOENT', name);
  assert.equal((await ask('/ab')).text, '/ab');
});

test('a time to live ends', fragments, async (t) => {
  const { server, get: ask } = await serveFragments(t, (req, res) =>
    res.respondWithFragment('/piece', (error) => error && res.end('gone')),
  );
  await server.addFragment('/piece', 'there', { ttl: 1 });
  const added = performance.now();
  assert.equal((await ask('/')).text, 'there');
  for (;;) {
    const { text } = await ask('/');
    if (text === 'gone') break;
    assert.ok(performance.now() - added < 5000, 'it is there after its time');
  }
  assert.ok(performance.now() - added >= 900, 'it went before its time');
});

test('HEAD and HTTP/1.0', fragments, async (t) => {
  const { server, connect } = await serveFragments(t, (_req, res) => res.respondWithFragment('/piece'));
  await server.addFragment('/piece', 'piece', kept);
  const client = await connect();
  assert.equal((await client.exchange(get('/', 'HEAD'), { head: true })).status, 200);
  assert.equal((await client.exchange(get())).text, 'piece', 'the connection goes on');
  assert.equal((await (await connect()).exchange(get('/', 'GET', '1.0'))).text, 'piece');
});

test('a Content-Length below the fragment’s cuts it, one above it ends the connection', fragments, async (t) => {
  const { server, connect } = await serveFragments(t, (req, res) => {
    res.setHeader('Content-Length', req.url!.slice(1));
    res.respondWithFragment('/piece');
  });
  await server.addFragment('/piece', Buffer.alloc(100_000, 'x'), kept);
  const cut = await connect();
  assert.equal((await cut.exchange(get('/50000'))).body.length, 50_000);
  await cut.closed();
  const more = await connect();
  more.send(get('/100001'));
  assert.ok((await more.closed()).length > 100_000, 'head and what there is, and then the end');
});

test('a response with a fragment is stored like any other', fragments, async (t) => {
  let calls = 0;
  const { server, get: ask } = await serveFragments(t, (_req, res) => {
    calls++;
    res.cachePolicy = kept;
    res.setHeader('Content-Type', 'text/plain');
    res.respondWithFragment('/piece');
  });
  await server.addFragment('/piece', 'piece', kept);
  for (let round = 0; round < 2; round++) assert.equal((await ask('/page')).text, 'piece');
  assert.equal(calls, 1);
});

test('events and properties', fragments, async (t) => {
  const seen: string[] = [];
  const closed = deferred();
  const { server, get: ask } = await serveFragments(t, (_req, res) => {
    assert.equal(
      res.respondWithFragment('/piece', (error) => seen.push(`callback ${String(error)}`)),
      res,
    );
    seen.push(`ended ${res.writableEnded}`);
    res.on('finish', () => seen.push('finish'));
    res.on('close', () => {
      seen.push('close');
      closed.resolve();
    });
  });
  await server.addFragment('/piece', 'piece', kept);
  await ask('/');
  await within(closed.promise, 'close');
  assert.deepEqual(seen.sort(), ['callback null', 'close', 'ended true', 'finish']);
});

test('a client that leaves', fragments, async (t) => {
  const told = deferred<NodeJS.ErrnoException | null>();
  const { connect } = await serveFragments(t, (_req, res) => {
    client.reset();
    res.once('close', () => res.respondWithFragment('/piece', told.resolve));
  });
  const client = await connect();
  client.send(get());
  assert.equal((await within(told.promise, 'the callback'))?.code, 'ERR_STREAM_DESTROYED');
});

test('a program that destroys the response meanwhile', fragments, async (t) => {
  const told = deferred<NodeJS.ErrnoException | null>();
  const { server, connect } = await serveFragments(t, (_req, res) => {
    res.respondWithFragment('/piece', told.resolve);
    res.destroy();
  });
  await server.addFragment('/piece', 'piece', kept);
  const client = await connect();
  client.send(get());
  assert.equal((await within(told.promise, 'the callback'))?.code, 'ERR_STREAM_DESTROYED');
  await client.closed();
});

test('middleware whose say in the body would be passed by', fragments, async (t) => {
  const { server, get: ask } = await serveFragments(t, (_req, res) => {
    const write = res.write.bind(res);
    res.write = ((chunk: string) => write(chunk)) as never;
    res.respondWithFragment('/piece', (error) => res.end(error?.code));
  });
  await server.addFragment('/piece', 'piece', kept);
  assert.equal((await ask('/')).text, 'ERR_HTTPSYS_FRAGMENT');
});

test('a program that asks for chunks', fragments, async (t) => {
  const { server, get: ask } = await serveFragments(t, (_req, res) => {
    res.setHeader('Transfer-Encoding', 'chunked');
    res.respondWithFragment('/piece', (error) => {
      res.removeHeader('Transfer-Encoding');
      res.end(error?.code);
    });
  });
  await server.addFragment('/piece', 'piece', kept);
  assert.equal((await ask('/')).text, 'ERR_HTTPSYS_FRAGMENT');
});

const wrongCalls: [name: string, code: string, call: (res: FragmentResponse) => void][] = [
  ['status 204', 'ERR_HTTP_BODY_NOT_ALLOWED', (res) => ((res.statusCode = 204), res.respondWithFragment('/piece'))],
  ['a response that has begun', 'ERR_HTTP_HEADERS_SENT', (res) => (res.write('x'), res.respondWithFragment('/piece'))],
  ['a second call', 'ERR_HTTP_HEADERS_SENT', (res) => (res.respondWithFragment('/piece'), res.respondWithFragment('/piece'))],
  ['a name of another server', 'ERR_HTTPSYS_FRAGMENT', (res) => res.respondWithFragment('http://elsewhere:1/piece')],
  ['a name that is none', 'ERR_HTTPSYS_FRAGMENT', (res) => res.respondWithFragment(undefined as never)],
];

for (const [name, code, call] of wrongCalls) {
  test(`${name}: respondWithFragment throws ${code}`, fragments, async (t) => {
    const thrown = deferred<NodeJS.ErrnoException>();
    const { server, get: ask } = await serveFragments(t, (_req, res) => {
      try {
        call(res);
        thrown.reject(new Error('nothing was thrown'));
      } catch (error) {
        thrown.resolve(error as NodeJS.ErrnoException);
        if (!res.writableEnded) res.end();
      }
    });
    await server.addFragment('/piece', 'piece', kept);
    await ask('/');
    assert.equal((await within(thrown.promise, 'the error')).code, code);
  });
}

test('what addFragment refuses', fragments, async (t) => {
  const { server } = await serveFragments(t, (_req, res) => void res.end(), { cacheEntryBytes: 1000 });
  const cases: [code: string, name: unknown, data: unknown, policy: unknown][] = [
    ['ERR_HTTPSYS_FRAGMENT', '/piece', '', kept],
    ['ERR_HTTPSYS_FRAGMENT', '/piece', 7, kept],
    ['ERR_HTTPSYS_FRAGMENT', '/piece', 'x'.repeat(1001), kept],
    ['ERR_HTTPSYS_FRAGMENT', 'piece', 'x', kept],
    ['ERR_HTTPSYS_FRAGMENT', '/%', 'x', kept],
    ['ERR_HTTPSYS_FRAGMENT', `/${'x'.repeat(20_000)}`, 'x', kept],
    ['ERR_HTTPSYS_FRAGMENT', undefined, 'x', kept],
    ['ERR_HTTPSYS_CACHE_POLICY', '/piece', 'x', { ttl: 0.5 }],
    ['ERR_HTTPSYS_CACHE_POLICY', '/piece', 'x', undefined],
  ];
  for (const [code, name, data, policy] of cases) {
    await assert.rejects(server.addFragment(name as string, data as string, policy as CachePolicy), { code }, `${String(name)} ${code}`);
  }
  await server.addFragment('/piece', 'x'.repeat(1000), kept);
});

test('more additions than may be on their way', fragments, async (t) => {
  const { server } = await serveFragments(t, (_req, res) => void res.end());
  const results = await Promise.allSettled(Array.from({ length: 300 }, (_unused, n) => server.addFragment(`/${n}`, 'x', kept)));
  const refused = results.filter((result) => result.status === 'rejected');
  assert.equal(refused.length, 300 - 256);
  for (const { reason } of refused) assert.equal((reason as NodeJS.ErrnoException).code, 'ERR_HTTPSYS_FRAGMENT');
  await server.addFragment('/again', 'x', kept);
});

test('a server that does not listen has no fragments', fragments, async () => {
  const server = createServer() as FragmentServer;
  await assert.rejects(server.addFragment('/piece', 'x', kept), { code: 'ERR_HTTPSYS_NOT_LISTENING' });
});

test('names lie below a prefix, and each server has its own', unless(features.sharing, 'one program a port'), async (t) => {
  const { createServer: create } = loadCore() as unknown as {
    createServer: (options: object, listener: FragmentListener) => FragmentServer;
  };
  const listener: FragmentListener = (_req, res) => res.respondWithFragment('/shop/a', (error) => error && res.end(error.code));
  const shop = create({ ...engineOption }, listener);
  const other = create({ ...engineOption }, (_req, res) => res.end('other'));
  t.after(() => Promise.all([shutDown(shop), shutDown(other)]));
  const port = await onFreePort(async (free) => {
    await listening(shop, `http://${anyHost}:${free}/shop/`);
    await listening(other, `http://${anyHost}:${free}/other/`);
    return free;
  });
  await assert.rejects(shop.addFragment('/other/a', 'x', kept), { code: 'ERR_HTTPSYS_FRAGMENT' });
  await assert.rejects(shop.addFragment('/shopping', 'x', kept), { code: 'ERR_HTTPSYS_FRAGMENT' });
  await shop.addFragment(`http://${anyHost}:${port}/shop/a`, 'piece', kept);
  assert.equal((await fetchOnce(port, '/shop/')).text, 'piece');
});

test('the processes of a queue share its fragments', unless(features.service, 'one process a queue'), async (t) => {
  const { createServer: create } = loadCore() as unknown as {
    createServer: (options: object, listener: FragmentListener) => FragmentServer;
  };
  const queueName = `fragments-${process.pid}`;
  const first = create({ ...engineOption, queueName, queueMode: 'createOrAttach' }, (_req, res) => res.respondWithFragment('/piece'));
  const second = create({ ...engineOption, queueName, queueMode: 'createOrAttach' }, (_req, res) => res.respondWithFragment('/piece'));
  t.after(() => Promise.all([shutDown(first), shutDown(second)]));
  const port = await onFreePort(async (free) => {
    await listening(first, `http://${anyHost}:${free}/`);
    await listening(second, `http://${anyHost}:${free}/`);
    return free;
  });
  await second.addFragment('/piece', 'of the second', kept);
  for (let round = 0; round < 10; round++) assert.equal((await fetchOnce(port, '/')).text, 'of the second');
});
