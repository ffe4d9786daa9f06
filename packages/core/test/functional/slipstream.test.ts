/** Unmodified programs under `node --import @httpsys/core/slipstream`; on the engine `node` the same programs without it. */
import { describe, test, type TestContext } from 'node:test';
import * as assert from 'node:assert/strict';
import * as path from 'node:path';
import { pathToFileURL } from 'node:url';
import { engine, features, unless } from '../support/engine';
import { fetchOnce, RawClient } from '../support/client';
import { privateRuntime, startChild, type Child } from '../support/child';
import { wineHttp, withoutUnsupported } from '../support/wine';

const flags = features.httpsys ? ['--import', '@httpsys/core/slipstream'] : [];
/** HTTP.SYS is no choice: it is what Windows gives. */
const chosen = features.httpsys && engine !== 'httpsys' ? { HTTPSYS_ENGINE: engine } : {};
const appFile = (name: string): string => path.join(__dirname, '..', 'support', 'apps', name);

function start(t: TestContext, name: string, nodeFlags = flags): Child {
  const file = appFile(name);
  const load = name.endsWith('.mjs') ? `import(${JSON.stringify(pathToFileURL(file).href)});` : `require(${JSON.stringify(file)});`;
  return startChild(t, load, { ...chosen, HTTPSYS_RUNTIME_DIR: privateRuntime(t) }, nodeFlags);
}

async function exercise(port: number): Promise<void> {
  assert.equal((await fetchOnce(port, '/engine')).text, String(features.httpsys));
  const hello = await fetchOnce(port, '/hello', { headers: { name: 'you' } });
  assert.deepEqual(JSON.parse(hello.text), { hello: 'you' });
  assert.match(String(hello.headers['content-type']), /^application\/json/);
  // WINE-8: a body in several writes is at times reset.
  const body = 'x'.repeat(wineHttp ? 1_000 : 70_000);
  const echo = await fetchOnce(port, '/echo', { method: 'POST', headers: { 'content-type': 'text/plain' }, body });
  assert.equal(echo.text, body);
  assert.equal((await fetchOnce(port, '/stream')).text, 'abc');
  const failed = await fetchOnce(port, '/error');
  assert.deepEqual([failed.status, failed.text], [500, 'failed']);
  assert.equal((await fetchOnce(port, '/nowhere')).status, 404);
  const head = await fetchOnce(port, '/hello', { method: 'HEAD' });
  assert.equal(head.text, '');
}

describe('unmodified programs', () => {
  for (const name of ['plain.cjs', 'plain.mjs', 'express.cjs', 'koa.cjs', 'fastify.cjs', 'hapi.cjs']) {
    test(name, async (t) => {
      const child = start(t, name);
      const { port } = await child.report('port');
      await exercise(Number(port));
      assert.equal(withoutUnsupported(child.output), '');
    });
  }

  test(
    'what differs by default only is as on node:http where the port is one program alone',
    unless(engine !== 'httpsys', 'HTTP.SYS decides'),
    async (t) => {
      const child = start(t, 'plain.cjs');
      const port = Number((await child.report('port')).port);
      const ask = async (bytes: string): Promise<string> => {
        const client = await RawClient.connect(port);
        client.send(bytes);
        const text = (await client.closed()).toString('latin1');
        client.destroy();
        return text;
      };
      const alone = engine === 'node' || engine === 'embedded';
      const malformed = await ask('GET / HTTP/1.1\r\nHost: a\r\nBad Name: 1\r\n\r\n');
      if (alone) assert.equal(malformed, 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
      else assert.match(malformed, /^HTTP\/1\.1 400 [^]*<HTML>/i);
      const kept = await RawClient.connect(port);
      const answer = await kept.exchange('GET /engine HTTP/1.1\r\nHost: a\r\n\r\n');
      assert.equal(answer.headers['keep-alive'], `timeout=${alone ? 5 : 120}`);
      kept.destroy();
      const empty = await ask('POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
      assert.match(empty, alone ? /^HTTP\/1\.1 200 / : /^HTTP\/1\.1 411 /);
    },
  );

  test('--require does the same as --import', unless(features.httpsys, 'there is nothing to load'), async (t) => {
    for (const name of ['plain.cjs', 'plain.mjs']) {
      const child = start(t, name, ['--require', '@httpsys/core/slipstream']);
      await exercise(Number((await child.report('port')).port));
    }
  });

  test('a worker thread inherits the flag', async (t) => {
    const child = start(t, 'worker.cjs');
    assert.equal((await fetchOnce(Number((await child.report('port')).port), '/')).text, String(features.httpsys));
  });

  test('supertest drives an Express app', async (t) => {
    const code = `
      process.env.LISTEN = 'no';
      const app = require(${JSON.stringify(appFile('express.cjs'))});
      const request = require('supertest');
      (async () => {
        await request(app).get('/engine').expect(200, ${JSON.stringify(String(features.httpsys))});
        await request(app).get('/hello').set('name', 'you').expect('Content-Type', /json/).expect(200, { hello: 'you' });
        await request(app).post('/echo').type('text/plain').send('sent').expect(200, 'sent');
        await request(app).get('/error').expect(500, 'failed');
        await request(app).get('/nowhere').expect(404);
        const agent = request.agent(app);
        await agent.get('/stream').expect(200, 'abc');
        report({ done: true });
        letGo();
      })().catch((error) => report({ done: error.stack }));
    `;
    const child = startChild(t, code, { ...chosen, HTTPSYS_RUNTIME_DIR: privateRuntime(t) }, flags);
    assert.equal((await child.report('done')).done, true);
    assert.deepEqual(await child.exited(), { code: 0, signal: null }, child.output);
  });

  test(
    'an Express app has its prototypes from the start, and the swap changes nothing',
    unless(features.httpsys, 'node:http does not'),
    async (t) => {
      const code = `
      const express = require('express');
      const app = express();
      const swap = Object.setPrototypeOf;
      let changed = 0;
      Object.setPrototypeOf = (object, prototype) => {
        if (Object.getPrototypeOf(object) !== prototype) changed++;
        return swap(object, prototype);
      };
      app.get('/', (req, res) => res.send(String(changed)));
      const server = app.listen(0, () => {
        changed = 0;
        report({ port: server.address().port });
      });
    `;
      const child = startChild(t, code, { ...chosen, HTTPSYS_RUNTIME_DIR: privateRuntime(t) }, flags);
      assert.equal((await fetchOnce(Number((await child.report('port')).port), '/')).text, '0');
    },
  );
});
