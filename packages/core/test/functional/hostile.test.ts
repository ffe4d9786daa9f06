import { test } from 'node:test';
import * as assert from 'node:assert/strict';
import { serve } from '../support/engine';
import { RawClient } from '../support/client';
import { eventually, pace } from '../support/poll';

const get = (path = '/'): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;

/** A small generator with a seed: the same garbage on every run. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test('1,000 connections at once are all served', async (t) => {
  const { port, connect } = await serve(t, (req, res) => res.end(req.url));
  const clients: RawClient[] = [];
  t.after(() => clients.forEach((client) => client.destroy()));
  for (let n = 0; n < 1000; n += 100) clients.push(...(await Promise.all(Array.from({ length: 100 }, () => RawClient.connect(port)))));
  clients.forEach((client, n) => client.send(get(`/${n}`)));
  const answers = await Promise.all(clients.map((client) => client.response({ ms: 20_000 })));
  answers.forEach((answer, n) => assert.equal(answer.text, `/${n}`));
  assert.equal((await (await connect()).exchange(get('/next'))).text, '/next');
});

test('200 clients that drip their heads do not keep others from being served', async (t) => {
  const { port, get: fetch } = await serve(t, (_req, res) => res.end('ok'));
  const slow = await Promise.all(Array.from({ length: 200 }, () => RawClient.connect(port)));
  t.after(() => slow.forEach((client) => client.destroy()));
  for (let round = 0; round < 5; round++) {
    slow.forEach((client) => client.send(round === 0 ? 'GET / HTTP/1.1\r\n' : `X-Slow-${round}: 1\r\n`));
    assert.equal((await fetch('/')).text, 'ok');
  }
  slow.forEach((client) => client.send('Host: x\r\n\r\n'));
  for (const client of slow) assert.equal((await client.response()).text, 'ok');
});

test('a head that never ends is cut off', async (t) => {
  const { connect, get: fetch } = await serve(t, (_req, res) => res.end('ok'));
  const client = await connect();
  client.send('GET / HTTP/1.1\r\nHost: x\r\n');
  for (let n = 0; n < 2000 && !client.ended; n++) {
    client.send(`X-Flood-${n}: ${'f'.repeat(200)}\r\n`);
    if (n % 50 === 0) await pace(1);
  }
  const rest = (await client.closed()).toString('latin1');
  assert.ok(rest === '' || rest.startsWith('HTTP/1.1 431'), rest.slice(0, 80));
  assert.equal((await fetch('/')).text, 'ok');
});

test('a request line that never ends is cut off', async (t) => {
  const { connect, get: fetch } = await serve(t, (_req, res) => res.end('ok'));
  const client = await connect();
  client.send('GET /');
  for (let n = 0; n < 200 && !client.ended; n++) {
    client.send('long'.repeat(250));
    await pace(0);
  }
  await client.closed();
  assert.equal((await fetch('/')).text, 'ok');
});

test('garbage on 200 connections', async (t) => {
  const { port, get: fetch } = await serve(t, (_req, res) => res.end('ok'));
  const random = generator(20_250_101);
  for (let n = 0; n < 200; n++) {
    const client = await RawClient.connect(port);
    const bytes = Buffer.from(Array.from({ length: 1 + Math.floor(random() * 400) }, () => Math.floor(random() * 256)));
    client.send(bytes);
    client.send('\r\n\r\n');
    client.reset();
  }
  assert.equal((await fetch('/')).text, 'ok');
});

test('mutated requests never take the server down', async (t) => {
  const { port, get: fetch } = await serve(t, (req, res) => {
    req.on('error', () => undefined);
    req.resume();
    res.end('ok');
  });
  const random = generator(7);
  const seeds = [
    get(),
    'POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello',
    'POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: a\r\n\r\n3;x=y\r\nabc\r\n0\r\na: b\r\n\r\n',
    'POST /e HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi',
  ];
  const clients: RawClient[] = [];
  for (let n = 0; n < 300; n++) {
    const bytes = Buffer.from(seeds[n % seeds.length] as string, 'latin1');
    for (let change = 0; change < 1 + Math.floor(random() * 3); change++)
      bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
    const client = await RawClient.connect(port);
    client.send(bytes);
    clients.push(client);
    if (clients.length > 50) clients.shift()?.[random() < 0.5 ? 'reset' : 'destroy']();
  }
  clients.forEach((client) => client.destroy());
  assert.equal((await fetch('/')).text, 'ok');
});

test('clients that reset at every stage of an exchange', async (t) => {
  const { port, get: fetch } = await serve(t, (req, res) => {
    req.on('error', () => undefined);
    req.resume();
    res.write('first ');
    setTimeout(() => res.end('second'), 2);
  });
  const request = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n01234567890123456789';
  for (let cut = 0; cut <= request.length; cut += 3) {
    const client = await RawClient.connect(port);
    client.send(request.slice(0, cut));
    await pace(cut % 4);
    client.reset();
  }
  assert.equal((await fetch('/')).text, 'first second');
});

test('a client that pipelines without reading is stopped, then answered in full', async (t) => {
  const body = 'r'.repeat(4096);
  let seen = 0;
  const { connect, get: fetch } = await serve(t, (_req, res) => {
    seen++;
    res.end(body);
  });
  const client = await connect();
  client.socket.pause();
  const total = 6000;
  client.send(get().repeat(total));
  // The kernel takes some megabytes; then nobody may work ahead for a client that does not read.
  let before = -1;
  await eventually('the server to stop', async () => {
    const same = seen === before && seen > 0;
    before = seen;
    await pace(60);
    return same;
  });
  assert.equal((await fetch('/')).text, body, 'others are served meanwhile');
  client.socket.resume();
  for (let n = 0; n < total; n++) assert.equal((await client.response()).body.length, body.length);
  assert.equal(seen, total + 1);
});

test('50,000 chunks of one byte', async (t) => {
  const { connect } = await serve(t, (req, res) => {
    let bytes = 0;
    req.on('data', (piece: Buffer) => (bytes += piece.length));
    req.on('end', () => res.end(String(bytes)));
  });
  const client = await connect();
  client.send('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
  client.send('1\r\nx\r\n'.repeat(50_000));
  client.send('0\r\n\r\n');
  assert.equal((await client.response({ ms: 20_000 })).text, '50000');
});

test('smuggling: what is hidden in a body is never a request', async (t) => {
  const seen: unknown[] = [];
  const { connect } = await serve(t, (req, res) => {
    seen.push(req.url);
    req.resume();
    req.on('end', () => res.end('ok'));
  });
  const hidden = get('/smuggled');
  const client = await connect();
  client.send(`POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`);
  await client.response();
  client.send(`POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`);
  await client.response();
  for (const framing of [
    'Content-Length: 4\r\nTransfer-Encoding: chunked',
    'Transfer-Encoding: chunked\r\nContent-Length: 4',
    'Content-Length: 0\r\nContent-Length: 40',
  ]) {
    const other = await connect();
    other.send(`POST /c HTTP/1.1\r\nHost: x\r\n${framing}\r\n\r\n0\r\n\r\n${hidden}`);
    await other.closed();
  }
  assert.ok(!seen.includes('/smuggled'), JSON.stringify(seen));
});
