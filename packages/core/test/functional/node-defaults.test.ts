/** The option `nodeDefaults`, which slipstream sets: what a program leaves open is as on node:http where the embedded engine serves. */
import { describe, test, type TestContext } from 'node:test';
import * as assert from 'node:assert/strict';
import {
  createServer,
  engine,
  serve,
  unless,
  type Running,
  type TestListener,
  type TestServer,
  type TestServerOptions,
} from '../support/engine';
import type { RawClient } from '../support/client';
import { eventually } from '../support/poll';

const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
const asNode = unless(engine === 'node' || engine === 'embedded', 'its ports are not one program alone');
const quick = { headersTimeout: 200, requestTimeout: 200, connectionsCheckingInterval: 50 };
const bare = (status: string): string => `HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`;
const chunked = 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n';

const answer: TestListener = (req, res) => {
  req.on('error', () => undefined);
  req.resume();
  req.on('end', () => res.end('ok'));
};

function serveWith(t: TestContext, options: object = {}, listener = answer, prepare?: (server: TestServer) => void): Promise<Running> {
  return serve(t, listener, { nodeDefaults: true, ...options } as TestServerOptions, '/', prepare);
}

async function allOf(t: TestContext, bytes: string, options: object = {}): Promise<string> {
  const { connect } = await serveWith(t, options);
  const client = await connect();
  client.send(bytes);
  return (await client.closed()).toString('latin1');
}

describe('nodeDefaults', asNode, () => {
  for (const [what, bytes, status] of [
    ['a field name with a space', 'GET / HTTP/1.1\r\nHost: x\r\nBad Name: 1\r\n\r\n', '400 Bad Request'],
    ['nothing that is a request', 'NONSENSE\r\n\r\n', '400 Bad Request'],
    ['a length and chunks', chunked.replace('\r\n\r\n', '\r\nContent-Length: 1\r\n\r\n'), '400 Bad Request'],
    ['chunked twice', chunked.replace('\r\n\r\n', '\r\nTransfer-Encoding: chunked\r\n\r\n'), '400 Bad Request'],
    ['a line feed alone behind a field', 'GET / HTTP/1.1\r\nHost: x\r\nA: 1\nB: 2\r\n\r\n', '400 Bad Request'],
    ['a chunk size that is no number', `${chunked}xyz\r\n`, '400 Bad Request'],
    ['a head that is too long', `GET / HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(20_000)}\r\n\r\n`, '431 Request Header Fields Too Large'],
    ['chunk extensions that are too long', `${chunked}1;${'a'.repeat(20_000)}\r\nx\r\n0\r\n\r\n`, '413 Payload Too Large'],
  ] as const) {
    test(`${what} is answered with a bare ${status}`, async (t) => {
      const text = await allOf(t, bytes);
      // Newer versions of Node say Content Too Large.
      assert.equal(text.replace('413 Content', '413 Payload'), bare(status));
    });
  }

  for (const [what, bytes] of [
    ['nothing', ''],
    ['half a head', 'GET / HTTP/1.1\r\nHo'],
    ['half a body', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12'],
  ] as const) {
    test(`a client that sends ${what} and waits is answered with a bare 408`, async (t) => {
      assert.equal(await allOf(t, bytes, quick), bare('408 Request Timeout'));
    });
  }

  test('a client that ends in its head is answered with a bare 400', async (t) => {
    const { connect } = await serveWith(t);
    const client = await connect();
    client.send('GET / HTTP/1.1\r\nHo');
    client.end();
    assert.equal((await client.closed()).toString('latin1'), bare('400 Bad Request'));
  });

  test("a listener of 'clientError' answers itself", async (t) => {
    const { connect } = await serveWith(t, {}, answer, (server) =>
      server.on('clientError', (_error, socket) => socket.end('HTTP/1.1 499 Mine\r\n\r\n')),
    );
    const client = await connect();
    client.send('NONSENSE\r\n\r\n');
    assert.equal((await client.closed()).toString('latin1'), 'HTTP/1.1 499 Mine\r\n\r\n');
  });

  test('a malformed request leaves no connection behind', async (t) => {
    const { server, connect } = await serveWith(t);
    const client = await connect();
    client.send('NONSENSE\r\n\r\n');
    await client.closed();
    client.destroy();
    const count = (): Promise<number> => new Promise((resolve) => server.getConnections((_error, open) => resolve(open)));
    await eventually('the connection to go', async () => (await count()) === 0);
  });

  test('an idle connection lives for 5 seconds, or what the program says', async (t) => {
    for (const [options, field] of [
      [{}, 'timeout=5'],
      [{ keepAliveTimeout: 7000 }, 'timeout=7'],
    ] as const) {
      const { connect } = await serveWith(t, options);
      assert.equal((await (await connect()).exchange(GET)).headers['keep-alive'], field);
    }
  });

  test('a client that ends its side while it waits is gone', async (t) => {
    const log: string[] = [];
    let late: (() => void) | undefined;
    const { connect } = await serveWith(t, {}, (req, res) => {
      req.on('aborted', () => log.push('aborted'));
      req.on('error', (error: NodeJS.ErrnoException) => log.push(`request ${error.code}`));
      for (const event of ['finish', 'close']) res.on(event, () => log.push(`response ${event}`));
      late = () => res.end('late');
    });
    const client = await connect();
    client.send(GET);
    await eventually('the request', () => late !== undefined);
    client.end();
    await eventually('its end', () => log.includes('response close'));
    late!();
    assert.equal((await client.closed()).length, 0);
    assert.deepEqual(log.sort(), ['aborted', 'request ECONNRESET', 'response close']);
  });

  test('httpAllowHalfOpen lets it wait for its answer, also when it is set behind listen', async (t) => {
    let asked: (() => void) | undefined;
    const { server, connect } = await serveWith(t, {}, (req, res) => {
      if (req.url === '/') asked = () => res.end('late');
      else res.end('other');
    });
    (server as unknown as { httpAllowHalfOpen: boolean }).httpAllowHalfOpen = true;
    const client = await connect();
    client.send(GET);
    await eventually('the request', () => asked !== undefined);
    client.end();
    // By the time others have been served its end was met.
    const other = await connect();
    for (let n = 0; n < 3; n++) await other.exchange(GET.replace('/', '/other'));
    asked!();
    assert.match((await client.closed()).toString('latin1'), /late/);
  });

  test('what was written of an answer reaches a client that has ended its side', async (t) => {
    const { connect } = await serveWith(t, {}, (req, res) => {
      req.on('error', () => undefined);
      res.write('begun');
    });
    const client = await connect();
    client.send(GET);
    client.end();
    assert.match((await client.closed()).toString('latin1'), /\r\n\r\n5\r\nbegun\r\n$/);
  });

  for (const [when, soon] of [
    ['at once', (act: () => void) => act()],
    ['in the next turn', (act: () => void) => setImmediate(act)],
  ] as const) {
    test(`a client that sends a request and its end together gets an answer that is given ${when}`, async (t) => {
      const { connect } = await serveWith(t, {}, (_req, res) => soon(() => res.end('ok')));
      for (let n = 0; n < 50; n++) {
        const client = await connect();
        client.send(GET);
        client.end();
        assert.equal((await client.response()).text, 'ok');
        client.destroy();
      }
    });
  }

  test('a client may pause its download for longer than the engine would wait', async (t) => {
    const bytes = 24 * 1024 * 1024;
    const pausedOn = async (options: object): Promise<{ client: RawClient; dropped: () => boolean }> => {
      let dropped = false;
      const { connect } = await serveWith(t, options, (_req, res) => {
        res.on('close', () => (dropped = true));
        res.end(Buffer.alloc(bytes));
      });
      const client = await connect();
      client.socket.pause();
      client.send(GET.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
      return { client, dropped: () => dropped };
    };
    const patient = await pausedOn({});
    if (engine !== 'node') {
      const impatient = await pausedOn({ nodeDefaults: false });
      await eventually('the other server to drop its client', impatient.dropped, 20_000);
      assert.equal(patient.dropped(), false);
    }
    patient.client.socket.resume();
    assert.equal((await patient.client.response()).body.length, bytes);
  });

  test('a Host may be empty, but is there once', async (t) => {
    const { connect } = await serveWith(t, {}, (req, res) => res.end(JSON.stringify(req.headers.host)));
    assert.equal((await (await connect()).exchange('GET / HTTP/1.1\r\nHost:\r\n\r\n')).text, '""');
    assert.equal((await (await connect()).exchange('GET / HTTP/1.1\r\n\r\n')).status, 400);
  });

  for (const [method, version] of [
    ['POST', '1.1'],
    ['PUT', '1.1'],
    ['POST', '1.0'],
  ]) {
    test(`${method} of HTTP/${version} without a length has no body`, async (t) => {
      const { connect } = await serveWith(t, {}, (req, res) => {
        let bytes = 0;
        req.on('data', (piece: Buffer) => (bytes += piece.length));
        req.on('end', () => res.end(`${req.method} ${bytes}`));
      });
      const client = await connect();
      const ask = `${method} / HTTP/${version}\r\nHost: x\r\nConnection: keep-alive\r\n\r\n`;
      assert.equal((await client.exchange(ask)).text, `${method} 0`);
      // node:http has ended a connection of HTTP/1.0 by now.
      if (version === '1.0') return;
      // What follows is the next request.
      const next = await client.exchange(ask.replace('keep-alive', 'close'));
      assert.deepEqual([next.status, next.text], [200, `${method} 0`]);
    });
  }
});

test('nodeDefaults changes nothing on a port that other programs may share', unless(engine === 'service', 'its ports'), async (t) => {
  const { connect } = await serveWith(t);
  const client = await connect();
  const response = await client.exchange(GET);
  assert.equal(response.headers['keep-alive'], 'timeout=120');
  assert.equal((await client.exchange('POST / HTTP/1.1\r\nHost: x\r\n\r\n')).status, 411);
});

test('nodeDefaults is true or false', unless(engine !== 'node', 'an option of httpsys'), () => {
  assert.throws(() => createServer({ nodeDefaults: 'yes' } as never), { code: 'ERR_INVALID_ARG_TYPE', message: /nodeDefaults/ });
});
