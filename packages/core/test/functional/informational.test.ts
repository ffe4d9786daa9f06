import { test } from 'node:test';
import * as assert from 'node:assert/strict';
import { createServer, listen, serve, shutDown } from '../support/engine';
import { RawClient } from '../support/client';
import { deferred, eventually, within } from '../support/poll';

const expectHead = (expectation = '100-continue', length = 4): string =>
  `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\nExpect: ${expectation}\r\n\r\n`;

test('BODY-5: Expect: 100-continue gets its 100 and then the response', async (t) => {
  const { connect } = await serve(t, (req, res) => {
    let body = '';
    req.on('data', (piece: Buffer) => (body += piece.toString()));
    req.on('end', () => res.end(body));
  });
  const client = await connect();
  const interim = await client.exchange(expectHead());
  assert.equal(interim.status, 100);
  assert.equal(interim.reason, 'Continue');
  client.send('body');
  const response = await client.response();
  assert.deepEqual([response.status, response.text], [200, 'body']);
  assert.equal((await client.exchange(expectHead('100-Continue'))).status, 100, 'the value has no case');
});

test("'checkContinue' takes the place of 'request', and writeContinue asks for the body", async (t) => {
  const { server, connect } = await serve(t, (_req, res) => res.end('plain'));
  server.on('checkContinue', (req, res) => {
    res.writeContinue();
    let body = '';
    req.on('data', (piece: Buffer) => (body += piece.toString()));
    req.on('end', () => res.end(`checked ${body}`));
  });
  const client = await connect();
  assert.equal((await client.exchange(expectHead())).status, 100);
  client.send('body');
  assert.equal((await client.response()).text, 'checked body');
  assert.equal((await client.exchange('GET / HTTP/1.1\r\nHost: x\r\n\r\n')).text, 'plain');
});

test("'checkContinue' may refuse without reading: no 100 is sent", async (t) => {
  const { server, connect } = await serve(t, (_req, res) => res.end('plain'));
  server.on('checkContinue', (_req, res) => {
    res.writeHead(413, { Connection: 'close' });
    res.end('too big');
  });
  const client = await connect();
  const response = await client.exchange(expectHead('100-continue', 1_000_000));
  assert.deepEqual([response.status, response.text], [413, 'too big']);
});

test('other expectations are 417 without a listener', async (t) => {
  let seen = 0;
  const { connect } = await serve(t, (_req, res) => {
    seen++;
    res.end();
  });
  const client = await connect();
  const response = await client.exchange('GET / HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\n\r\n');
  assert.equal(response.status, 417);
  assert.equal(seen, 0);
});

test("other expectations go to 'checkExpectation' where there is one", async (t) => {
  const { server, connect } = await serve(t, (_req, res) => res.end('plain'));
  server.on('checkExpectation', (req, res) => res.end(`asked for ${req.headers.expect}`));
  const client = await connect();
  assert.equal((await client.exchange('GET / HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\n\r\n')).text, 'asked for miracles');
});

test('HTTP/1.0 clients never get an interim response', async (t) => {
  const { connect } = await serve(t, (req, res) => {
    req.resume();
    req.on('end', () => res.end('done'));
  });
  const client = await connect();
  client.send('POST / HTTP/1.0\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\nbody');
  assert.equal((await client.response()).status, 200);
});

test('writeProcessing sends 102', async (t) => {
  const { connect } = await serve(t, (_req, res) => {
    res.writeProcessing();
    res.end('done');
  });
  const client = await connect();
  assert.equal((await client.exchange('GET / HTTP/1.1\r\nHost: x\r\n\r\n')).status, 102);
  assert.equal((await client.response()).text, 'done');
});

test('writeEarlyHints sends 103 with its links and fields, and calls back', async (t) => {
  const called = deferred();
  const { connect } = await serve(t, (_req, res) => {
    res.writeEarlyHints({ link: ['</a.css>; rel=preload; as=style', '</b.js>; rel=preload; as=script'], 'x-trace': 'id' }, () =>
      called.resolve(),
    );
    assert.equal(res.headersSent, false);
    res.setHeader('X-Final', '1');
    res.end('done');
  });
  const client = await connect();
  const hints = await client.exchange('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  assert.equal(hints.status, 103);
  assert.equal(hints.headers.link, '</a.css>; rel=preload; as=style, </b.js>; rel=preload; as=script');
  assert.equal(hints.headers['x-trace'], 'id');
  const response = await client.response();
  assert.deepEqual([response.status, response.text, response.headers['x-final'], response.headers.link], [200, 'done', '1', undefined]);
  await within(called.promise, 'the callback');
});

test('several interim responses keep their order', async (t) => {
  const { connect } = await serve(t, (_req, res) => {
    res.writeProcessing();
    res.writeEarlyHints({ link: '</a>; rel=preload' });
    res.writeProcessing();
    setImmediate(() => res.end('done'));
  });
  const client = await connect();
  client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  const statuses: number[] = [];
  for (let n = 0; n < 4; n++) statuses.push((await client.response()).status);
  assert.deepEqual(statuses, [102, 103, 102, 200]);
});

test('an interim response that a program writes in pieces', async (t) => {
  const called = deferred();
  const { connect } = await serve(t, (_req, res) => {
    const { _writeRaw: writeRaw } = res as unknown as { _writeRaw(text: string, callback?: () => void): boolean };
    writeRaw.call(res, 'HTTP/1.1 102 Processing\r\n');
    writeRaw.call(res, 'X-A: 1\r\n');
    writeRaw.call(res, '\r\n', () => called.resolve());
    writeRaw.call(res, 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n');
    res.end('done');
  });
  const client = await connect();
  const first = await client.exchange('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  assert.deepEqual([first.status, first.headers['x-a']], [102, '1']);
  const second = await client.response();
  assert.deepEqual([second.status, second.headers.link], [103, '</a.css>']);
  assert.equal((await client.response()).text, 'done');
  await within(called.promise, 'the callback');
});

test('early hints are checked', async (t) => {
  const codes = deferred<unknown[]>();
  const { connect } = await serve(t, (_req, res) => {
    const attempts: unknown[] = [{ link: 'no link' }, { link: 5 }, null, 'text'];
    codes.resolve(
      attempts.map((hints) => {
        try {
          res.writeEarlyHints(hints as never);
          return 'none';
        } catch (error) {
          return (error as NodeJS.ErrnoException).code;
        }
      }),
    );
    res.end();
  });
  await (await connect()).exchange('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  assert.deepEqual(await within(codes.promise, 'the codes'), [
    'ERR_INVALID_ARG_VALUE',
    'ERR_INVALID_ARG_VALUE',
    'ERR_INVALID_ARG_TYPE',
    'ERR_INVALID_ARG_TYPE',
  ]);
});

test('a server without a listener does not crash on an expectation', async (t) => {
  const server = createServer();
  const port = await listen(server);
  t.after(() => shutDown(server));
  const client = await RawClient.connect(port);
  client.send(expectHead());
  await eventually('the 100', () => client.buffered.includes('100 Continue'));
  client.destroy();
});
