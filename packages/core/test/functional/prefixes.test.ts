import { test, type TestContext } from 'node:test';
import * as assert from 'node:assert/strict';
import * as net from 'node:net';
import type * as http from 'node:http';
import { anyHost, createServer, features, listening, onFreePort, shutDown, unless, type TestServer } from '../support/engine';
import { fetchOnce, RawClient } from '../support/client';
import { nextEvent } from '../support/poll';

const prefixes = unless(features.httpsys, 'node:http has no URL prefixes');

/** Registers one server per entry on a free port; each answers with its name, and what it saw of the path. */
async function sites(
  t: TestContext,
  entries: Record<string, string | string[]>,
): Promise<{ port: number; ask: (host: string, path: string) => Promise<string>; servers: TestServer[] }> {
  return onFreePort(async (port) => {
    const servers: TestServer[] = [];
    t.after(() => Promise.all(servers.map(shutDown)));
    for (const [name, prefix] of Object.entries(entries)) {
      const server = createServer({}, (_req, res) => res.end(name));
      const texts = (Array.isArray(prefix) ? prefix : [prefix]).map((text) => `http://${text.replace(':P', `:${port}`)}`);
      await listening(server, texts.length === 1 ? texts[0] : texts);
      servers.push(server);
    }
    const ask = async (host: string, path: string): Promise<string> => {
      const response = await fetchOnce(port, path, { host: host.replace(':P', `:${port}`) });
      return response.status === 200 ? response.text : String(response.status);
    };
    return { port, ask, servers };
  });
}

test('ROUTE-4, ROUTE-5: the longest prefix on segment boundaries wins', prefixes, async (t) => {
  const { ask } = await sites(t, { '/': '*:P/', '/11/': '*:P/11/', '/2/3/': '*:P/2/3/', '/2/': '*:P/2/', '/11/2/': '*:P/11/2/' });
  const table: [string, string][] = [
    ['/', '/'],
    ['/random', '/'],
    ['/11', '/11/'],
    ['/11/', '/11/'],
    ['/11?x', '/11/'],
    ['/11/random', '/11/'],
    ['/111', '/'],
    ['/2/', '/2/'],
    ['/2/random', '/2/'],
    ['/2/3', '/2/3/'],
    ['/2/3/random', '/2/3/'],
    ['/2/33', '/2/'],
    ['/11/2', '/11/2/'],
    ['/11/2/3', '/11/2/'],
  ];
  for (const [path, expected] of table) assert.equal(await ask('x', path), expected, path);
});

test('ROUTE-1 to ROUTE-3: the worked table of the four buckets', prefixes, async (t) => {
  const first = await sites(t, { A: '+:P/vroot/', B: 'adatum.com:P/', C: '*:P/' });
  assert.equal(await first.ask('adatum.com:P', '/vroot/x'), 'A');
  assert.equal(await first.ask('adatum.com:P', '/default.htm'), 'B');
  assert.equal(await first.ask('other.com:P', '/file'), 'C');
  const second = await sites(t, { A: '+:P/', B: 'adatum.com:P/deep/path/' });
  assert.equal(await second.ask('adatum.com:P', '/deep/path/x'), 'A');
  const third = await sites(t, { B: 'adatum.com:P/', D: '127.0.0.1:P/x/' });
  assert.equal(await third.ask('adatum.com:P', '/x/y'), 'B');
  assert.equal(await third.ask('else.com:P', '/x/y'), 'D');
});

test('ROUTE-3: the first bucket with a match decides, a host without a matching path does not', prefixes, async (t) => {
  const { ask } = await sites(t, { host: 'adatum.com:P/only/', any: '*:P/' });
  assert.equal(await ask('adatum.com:P', '/only/x'), 'host');
  assert.equal(await ask('adatum.com:P', '/else'), 'any');
});

test('URL-1: hosts and paths have no case', prefixes, async (t) => {
  const { ask } = await sites(t, { site: 'Adatum.COM:P/Shop/' });
  for (const [host, path] of [
    ['ADATUM.com:P', '/SHOP/x'],
    ['adatum.com:P', '/shop'],
    ['adatum.com:P', '/sHoP/'],
  ] as const) {
    assert.equal(await ask(host, path), 'site', host + path);
  }
});

test('URL-3: a missing final slash is added', prefixes, async (t) => {
  const { ask } = await sites(t, { site: '*:P/foo' });
  assert.equal(await ask('x', '/foo/bar'), 'site');
  assert.equal(await ask('x', '/foo'), 'site');
  assert.equal(await ask('x', '/foobar'), '404');
});

test('URL-6: an address prefix matches any Host on that local address', prefixes, async (t) => {
  const { ask, port } = await sites(t, { ip: '127.0.0.1:P/' });
  assert.equal(await ask('whatever.example', '/'), 'ip');
  assert.equal(await ask('127.0.0.1:P', '/'), 'ip');
  await assert.rejects(RawClient.connect(port, '127.0.0.2'), { code: 'ECONNREFUSED' });
});

test('URL-9: a localhost prefix matches the Host localhost only', prefixes, async (t) => {
  const { ask } = await sites(t, { local: 'localhost:P/' });
  assert.equal(await ask('localhost:P', '/'), 'local');
  assert.equal(await ask('127.0.0.1:P', '/'), '400');
});

test('URL-10: *.name matches one level and more, exact names go first', prefixes, async (t) => {
  const { ask } = await sites(t, { wild: '*.contoso.com:P/', exact: 'www.contoso.com:P/' });
  assert.equal(await ask('api.contoso.com:P', '/'), 'wild');
  assert.equal(await ask('www.contoso.com:P', '/'), 'exact');
  assert.equal(await ask('contoso.com:P', '/'), '400');
  assert.equal(await ask('notcontoso.com:P', '/'), '400');
});

test('ROUTE-6, ROUTE-10, ROUTE-11: routing uses the cooked path', prefixes, async (t) => {
  const { ask } = await sites(t, { root: '*:P/', ab: '*:P/a/b/', space: '*:P/my shop/', euro: '*:P/€/' });
  const table: [string, string][] = [
    ['/a/d/../b/c', 'ab'],
    ['/a/./b/c', 'ab'],
    ['/a%2Fb/c', 'ab'],
    ['/a%2fb%2fc', 'ab'],
    ['/a//b/c', 'ab'],
    ['///a/b/c', 'ab'],
    ['/a\\b\\c', 'ab'],
    ['/%61/%62/', 'ab'],
    ['/a/b/%2E%2E/x', 'root'],
    ['/a/b/..', 'root'],
    ['/../../a/b/x', 'ab'],
    ['/x/call//../../a/b/y', 'ab'],
    ['/my%20shop/item', 'space'],
    ['/%E2%82%AC/1', 'euro'],
    ['/a%252Fb/', 'root'],
  ];
  for (const [path, expected] of table) assert.equal(await ask('x', path), expected, path);
});

test('ROUTE-9: the host of an absolute-form target goes before Host', prefixes, async (t) => {
  const { port } = await sites(t, { one: 'one.com:P/', two: 'two.com:P/' });
  const client = await RawClient.connect(port);
  t.after(() => client.destroy());
  assert.equal((await client.exchange(`GET http://two.com:${port}/x HTTP/1.1\r\nHost: one.com:${port}\r\n\r\n`)).text, 'two');
  assert.equal((await client.exchange(`GET /x HTTP/1.1\r\nHost: one.com:${port}\r\n\r\n`)).text, 'one');
});

test('the target reaches the application as it came, prefixPath says where it is mounted', prefixes, async (t) => {
  await onFreePort(async (port) => {
    const server = createServer({}, (req, res) => res.end(`${req.prefixPath} ${req.url}`));
    t.after(() => shutDown(server));
    await listening(server, [`http://${anyHost}:${port}/shop/`, `http://${anyHost}:${port}/other/deep/`]);
    assert.equal((await fetchOnce(port, '/shop/a%20b?q=1')).text, '/shop/ /shop/a%20b?q=1');
    assert.equal((await fetchOnce(port, '/other//deep/x/../y')).text, '/other/deep/ /other//deep/x/../y');
    assert.equal((await fetchOnce(port, '/shop')).text, '/shop/ /shop');
  });
});

test('2.5: 400 for an unknown host and 404 for an unknown path, as short pages that close', prefixes, async (t) => {
  const { port } = await sites(t, { site: 'adatum.com:P/here/' });
  const noPath = await fetchOnce(port, '/there', { host: `adatum.com:${port}` });
  assert.equal(noPath.status, 404);
  assert.equal(noPath.headers['content-type'], 'text/html; charset=us-ascii');
  assert.equal(noPath.headers.connection, 'close');
  assert.equal(noPath.headers['content-length'], '315');
  assert.match(noPath.text, /<h2>Not Found<\/h2>\r\n<hr><p>HTTP Error 404\. The requested resource is not found\.<\/p>/);
  const noHost = await fetchOnce(port, '/here/', { host: 'else.com' });
  assert.equal(noHost.status, 400);
  assert.equal(noHost.headers['content-length'], '334');
  assert.match(noHost.text, /Bad Request - Invalid Hostname/);
});

test('2.5: a HEAD that nobody answers gets the fields of the page without its body', prefixes, async (t) => {
  const { port } = await sites(t, { site: '*:P/here/' });
  const response = await fetchOnce(port, '/there', { method: 'HEAD' });
  assert.equal(response.status, 404);
  assert.equal(response.body.length, 0);
});

test('one server on several prefixes and ports', prefixes, async (t) => {
  await onFreePort(async (first) =>
    onFreePort(async (second) => {
      const server = createServer({}, (req, res) => res.end(`${req.prefixPath}`));
      t.after(() => shutDown(server));
      await listening(server, [`http://${anyHost}:${first}/a/`, `http://${anyHost}:${second}/b/`]);
      assert.equal((await fetchOnce(first, '/a/x')).text, '/a/');
      assert.equal((await fetchOnce(second, '/b/x')).text, '/b/');
      assert.equal((await fetchOnce(first, '/b/x')).status, 404);
    }),
  );
});

test('listen({ prefix }) and listen({ prefixes }) are the same', prefixes, async (t) => {
  await onFreePort(async (port) => {
    const one = createServer({}, (_req, res) => res.end('one'));
    const two = createServer({}, (_req, res) => res.end('two'));
    t.after(() => Promise.all([shutDown(one), shutDown(two)]));
    await listening(one, { prefix: `http://${anyHost}:${port}/one/` });
    await listening(two, { prefixes: [`http://${anyHost}:${port}/two/`, `http://${anyHost}:${port}/zwei/`] });
    assert.equal((await fetchOnce(port, '/one/')).text, 'one');
    assert.equal((await fetchOnce(port, '/two/')).text, 'two');
    assert.equal((await fetchOnce(port, '/zwei/')).text, 'two');
  });
});

test('closing one server leaves the others of the port', prefixes, async (t) => {
  const { ask, servers } = await sites(t, { a: '*:P/a/', b: '*:P/b/' });
  assert.equal(await ask('x', '/a/'), 'a');
  await shutDown(servers[0] as TestServer);
  assert.equal(await ask('x', '/a/'), '404');
  assert.equal(await ask('x', '/b/'), 'b');
});

test('one connection may visit several servers of a port', prefixes, async (t) => {
  const { port } = await sites(t, { a: '*:P/a/', b: '*:P/b/' });
  const client = await RawClient.connect(port);
  t.after(() => client.destroy());
  for (const name of ['a', 'b', 'b', 'a']) {
    assert.equal((await client.exchange(`GET /${name}/ HTTP/1.1\r\nHost: x\r\n\r\n`)).text, name);
  }
});

test('URL-20: a prefix that is taken is EADDRINUSE with the prefix and the pid that holds it', prefixes, async (t) => {
  const { port } = await sites(t, { holder: '*:P/Shop/' });
  for (const text of [`http://${anyHost}:${port}/Shop/`, `http://${anyHost}:${port}/shop`]) {
    const server = createServer();
    const failed = nextEvent(server, 'error');
    server.listen(text as never);
    const [error] = (await failed) as [NodeJS.ErrnoException & { prefix?: string; pid?: number }];
    assert.equal(error.code, 'EADDRINUSE');
    assert.equal(error.pid, process.pid);
    assert.match(String(error.prefix), new RegExp(`^http://\\*:${port}/shop/?$`, 'i'));
    assert.match(error.message, new RegExp(String(process.pid)));
    assert.equal(server.listening, false);
  }
});

test('URL-22: the same path in another bucket, and nested paths, are no conflict', prefixes, async (t) => {
  const { ask } = await sites(t, { weak: '*:P/a/', strong: '+:P/a/b/', nested: '*:P/a/c/', host: 'h.com:P/a/' });
  assert.equal(await ask('x', '/a/b/'), 'strong');
  assert.equal(await ask('x', '/a/c/'), 'nested');
  assert.equal(await ask('h.com:P', '/a/c/'), 'host');
});

test('several prefixes are registered all or none', prefixes, async (t) => {
  const { port, ask } = await sites(t, { holder: '*:P/b/' });
  const server = createServer({}, (_req, res) => res.end('late'));
  const failed = nextEvent(server, 'error');
  server.listen([`http://${anyHost}:${port}/a/`, `http://${anyHost}:${port}/b/`] as never);
  assert.equal(((await failed)[0] as NodeJS.ErrnoException).code, 'EADDRINUSE');
  assert.equal(await ask('x', '/a/'), '404');
  assert.equal(await ask('x', '/b/'), 'holder');
});

test('URL-23: a port held by a foreign socket is EADDRINUSE', prefixes, async (t) => {
  const holder = net.createServer();
  await listening(holder as http.Server, 0);
  t.after(() => holder.close());
  const { port } = holder.address() as net.AddressInfo;
  const server = createServer();
  const failed = nextEvent(server, 'error');
  server.listen(`http://${anyHost}:${port}/` as never);
  const [error] = (await failed) as [NodeJS.ErrnoException];
  assert.equal(error.code, 'EADDRINUSE');
  assert.match(error.message, new RegExp(String(port)));
});

test('https prefixes are refused with ERR_HTTPSYS_TLS_UNSUPPORTED', prefixes, () => {
  const server = createServer();
  assert.throws(() => server.listen('https://*:8443/' as never), { code: 'ERR_HTTPSYS_TLS_UNSUPPORTED' });
});

const invalid: [prefix: string, part: string][] = [
  ['http://localhost:50000', 'path'],
  ['localhost:50000/', 'scheme'],
  ['HTTP://localhost:50000/', 'scheme'],
  ['ftp://localhost:50000/', 'scheme'],
  ['http://localhost/', 'port'],
  ['http://localhost:/', 'port'],
  ['http://localhost:0/', 'port'],
  ['http://localhost:070/', 'port'],
  ['http://localhost:65536/', 'port'],
  ['http://localhost:abc/', 'port'],
  ['http://*:*/', 'port'],
  ['http://localhost:50000/a?b', 'query'],
  ['http://localhost:50000/a#b', 'fragment'],
  ['http://:50000/', 'host'],
  ['http://a b:50000/', 'host'],
  ['http://user@host:50000/', 'host'],
  ['http://[::1:50000/', 'host'],
  ['http://localhost:50000/a%20b/', 'path'],
  ['http://localhost:50000/a//b/', 'path'],
  ['http://localhost:50000/a/../b/', 'path'],
  ['http://localhost:50000/a\\b/', 'path'],
  ['', 'scheme'],
];

for (const [prefix, part] of invalid) {
  test(`URL-2: ${JSON.stringify(prefix)} is ERR_HTTPSYS_PREFIX_INVALID and names the ${part}`, prefixes, () => {
    const server = createServer();
    assert.throws(
      () => server.listen([prefix] as never),
      (error: NodeJS.ErrnoException) => {
        assert.equal(error.code, 'ERR_HTTPSYS_PREFIX_INVALID');
        assert.match(error.message, new RegExp(`: ${part} `));
        return true;
      },
    );
    assert.equal(server.listening, false);
  });
}
