import { test } from 'node:test';
import * as assert from 'node:assert/strict';
import { features, serve, unless } from '../support/engine';
import { eventually, pace } from '../support/poll';

const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
// node:http checks its timeouts every 30 s.
const httpsys = unless(features.httpsys, 'timeouts of a second are options of this package');

test('headerWait: a head that does not come is given up', httpsys, async (t) => {
  let seen = 0;
  const { connect, get } = await serve(t, (_req, res) => void (seen++, res.end('ok')), { timeouts: { headerWait: 1, idleConnection: 1 } });
  const client = await connect();
  client.send('GET / HTTP/1.1\r\nHost: x\r\nX-');
  const rest = (await client.closed()).toString('latin1');
  assert.ok(rest === '' || /^HTTP\/1\.1 (408|400) /.test(rest), rest);
  assert.equal(seen, 0);
  assert.equal((await get('/')).text, 'ok');
});

test('headerWait: a client that drips its head is given up as well', httpsys, async (t) => {
  let seen = 0;
  const { connect } = await serve(t, (_req, res) => void (seen++, res.end('ok')), { timeouts: { headerWait: 1, idleConnection: 1 } });
  const client = await connect();
  client.send('GET / HTTP/1.1\r\nHost: x\r\n');
  for (let n = 0; n < 200 && !client.ended; n++) {
    client.send(`X-${n}: drip\r\n`);
    await pace(50);
  }
  assert.equal(client.ended, true);
  assert.equal(seen, 0);
});

test('idleConnection: a keep-alive connection without a request is closed', httpsys, async (t) => {
  const { connect } = await serve(t, (_req, res) => res.end('ok'), { timeouts: { idleConnection: 1, headerWait: 1 } });
  const client = await connect();
  const response = await client.exchange(GET);
  assert.equal(response.headers['keep-alive'], 'timeout=1');
  await client.closed();
});

test('idleConnection: a connection that never says anything is closed', httpsys, async (t) => {
  const { connect, get } = await serve(t, (_req, res) => res.end('ok'), { timeouts: { idleConnection: 1, headerWait: 1 } });
  // The timeouts of a queue are known to a connection that has been routed; a fresh one has those of the port's queues.
  await get('/');
  const client = await connect();
  assert.equal((await client.closed()).length, 0);
});

test('idleConnection does not count while the application works', httpsys, async (t) => {
  const { connect } = await serve(t, (_req, res) => setTimeout(() => res.end('late'), 1600), {
    timeouts: { idleConnection: 1, headerWait: 1, entityBody: 1 },
  });
  const client = await connect();
  assert.equal((await client.exchange(GET)).text, 'late');
});

test('entityBody: a body that stalls aborts its request', httpsys, async (t) => {
  const log: string[] = [];
  const { connect, get } = await serve(
    t,
    (req, res) => {
      if (req.method === 'GET') return void res.end('ok');
      req.on('aborted', () => log.push('aborted'));
      req.on('error', (error: NodeJS.ErrnoException) => log.push(String(error.code)));
      req.on('close', () => log.push('close'));
      req.on('end', () => log.push('end'));
      req.resume();
    },
    { timeouts: { entityBody: 1 } },
  );
  const client = await connect();
  client.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nstalls');
  await client.closed();
  await eventually("'close'", () => log.includes('close'));
  assert.ok(log.includes('aborted'), log.join());
  assert.ok(!log.includes('end'));
  assert.equal((await get('/')).text, 'ok');
});

test('entityBody: a body that keeps coming is not given up', httpsys, async (t) => {
  const { connect } = await serve(
    t,
    (req, res) => {
      req.resume();
      req.on('end', () => res.end('whole'));
    },
    { timeouts: { entityBody: 1 } },
  );
  const client = await connect();
  client.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n');
  for (let n = 0; n < 10; n++) {
    client.send('x');
    await pace(150);
  }
  assert.equal((await client.response()).text, 'whole');
});

test('entityBody does not count while the application does not read', httpsys, async (t) => {
  const total = 8 * 1024 * 1024;
  const { connect } = await serve(
    t,
    (req, res) => {
      req.pause();
      let bytes = 0;
      req.on('data', (piece: Buffer) => (bytes += piece.length));
      req.on('end', () => res.end(String(bytes)));
      setTimeout(() => req.resume(), 1600);
    },
    { timeouts: { entityBody: 1 } },
  );
  const client = await connect();
  client.send(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${total}\r\n\r\n`);
  client.send(Buffer.alloc(total));
  assert.equal((await client.response()).text, String(total));
});

test('drainEntityBody: a client that does not send the rest of an unread body is given up', httpsys, async (t) => {
  const { connect } = await serve(t, (_req, res) => res.end('early'), { timeouts: { drainEntityBody: 1, entityBody: 1 } });
  const client = await connect();
  client.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf');
  assert.equal((await client.response()).text, 'early');
  await client.closed();
});

test('minSendRate: a client that does not read its response is dropped', httpsys, async (t) => {
  let closed = false;
  const { connect, get } = await serve(
    t,
    (req, res) => {
      if (req.url === '/small') return void res.end('ok');
      res.on('close', () => (closed = true));
      const piece = Buffer.alloc(256 * 1024);
      const more = (): void => {
        while (!res.destroyed && res.write(piece));
      };
      res.on('drain', more);
      more();
    },
    { timeouts: { minSendRate: 100_000 } },
  );
  const client = await connect();
  client.socket.pause();
  client.send(GET);
  await eventually('the response to be given up', () => closed, 20_000);
  client.destroy();
  assert.equal((await get('/small')).text, 'ok');
});
