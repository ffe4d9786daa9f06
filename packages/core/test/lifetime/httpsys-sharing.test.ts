/** URL-27: processes that know nothing of each other share a port by prefix. */
import { test } from 'node:test';
import * as assert from 'node:assert/strict';
import { createServer, engine, listening, shutDown, unless } from '../support/engine';
import { freePort } from '../support/free-port.cjs';
import { startChild } from '../support/child';
import { fetchOnce } from '../support/client';

test('two processes answer on one port, each on its prefix', unless(engine === 'httpsys', 'a test of the HTTP.SYS driver'), async (t) => {
  const port = await freePort();
  const server = createServer({}, (request, response) => response.end(`outer ${request.url}`));
  t.after(() => shutDown(server));
  await listening(server, `http://+:${port}/outer/`);
  const child = startChild(
    t,
    `createServer((request, response) => response.end('inner ' + request.url)).listen('http://+:${port}/outer/inner/', () => report({ up: true }));`,
    {},
  );
  await child.report('up', 20_000);
  // ROUTE-2: the longest path wins, whosever it is.
  for (const [path, text] of [
    ['/outer/', 'outer /outer/'],
    ['/outer/inner/x?y', 'inner /outer/inner/x?y'],
    ['/outer/innermost', 'outer /outer/innermost'],
  ]) {
    assert.equal((await fetchOnce(port, path)).text, text);
  }
  // URL-20: also from another process.
  const second = createServer();
  await assert.rejects(listening(second, `http://+:${port}/outer/inner/`), { code: 'EADDRINUSE', win32Code: 183 });
});
