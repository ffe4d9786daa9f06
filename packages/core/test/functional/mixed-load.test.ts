/** Many clients at once that do different things; every byte that comes back is checked. The mixture is drawn from a seed. */
import { test } from 'node:test';
import * as assert from 'node:assert/strict';
import { serve, type TestRequest, type TestResponse } from '../support/engine';
import { RawClient } from '../support/client';
import { pace } from '../support/poll';

/** A small generator with a seed. */
function generator(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    return Math.floor((((state ^ (state >>> 13)) >>> 0) / 2 ** 32) * below);
  };
}

/** `bytes` bytes that depend on the seed, so that a mix-up of two exchanges shows. */
function content(seed: number, bytes: number): Buffer {
  const made = Buffer.alloc(bytes);
  for (let n = 0; n < bytes; n++) made[n] = (seed * 31 + n * 7 + (n >> 8)) & 0xff;
  return made;
}

/** Answers `/<seed>/<bytes>/<how>` with that content, in the way that `how` says, after the request's body has been checked. */
function answer(req: TestRequest, res: TestResponse): void {
  const [, seed = '0', bytes = '0', how = 'end'] = (req.url as string).split('/');
  const body = content(Number(seed), Number(bytes));
  const expected = Number(req.headers['x-body'] ?? 0);
  let received = 0;
  let right = true;
  const finish = (): void => {
    res.setHeader('X-Received', String(right ? received : -1));
    res.setHeader('X-Seed', seed);
    if (how === 'end') res.end(body);
    else if (how === 'length') {
      res.setHeader('Content-Length', body.length);
      res.write(body.subarray(0, body.length >> 1));
      res.end(body.subarray(body.length >> 1));
    } else if (how === 'later') setImmediate(() => res.end(body));
    else {
      let at = 0;
      const more = (): void => {
        while (at < body.length) {
          const piece = body.subarray(at, at + 5000 + (Number(seed) % 9000));
          at += piece.length;
          if (!res.write(piece)) {
            res.once('drain', more);
            return;
          }
        }
        res.end();
      };
      more();
    }
  };
  req.on('error', () => undefined);
  req.on('data', (piece: Buffer) => {
    const wanted = content(expected, received + piece.length).subarray(received);
    if (Number(seed) % 5 === 0 && !piece.equals(wanted)) right = false;
    received += piece.length;
    if (Number(seed) % 7 === 0) {
      req.pause();
      setImmediate(() => req.resume());
    }
  });
  req.on('end', finish);
}

const HOWS = ['end', 'length', 'later', 'pieces'];
const SIZES = [0, 1, 100, 4000, 70_000, 300_000];

async function exchanges(port: number, seed: number, count: number): Promise<void> {
  const random = generator(seed);
  let client = await RawClient.connect(port);
  for (let n = 0; n < count; n++) {
    const id = seed * 1000 + n;
    const bytes = SIZES[random(SIZES.length)] as number;
    const how = HOWS[random(HOWS.length)] as string;
    const bodyBytes = random(2) === 0 ? 0 : (SIZES[random(5)] as number);
    const body = content(id, bodyBytes);
    const head = `${bodyBytes > 0 ? 'PUT' : 'GET'} /${id}/${bytes}/${how} HTTP/1.1\r\nHost: x\r\nX-Body: ${id}\r\n`;
    if (bodyBytes === 0) client.send(`${head}\r\n`);
    else if (random(2) === 0) {
      client.send(`${head}Content-Length: ${bodyBytes}\r\n\r\n`);
      for (let at = 0; at < bodyBytes; at += 30_000) {
        client.send(body.subarray(at, at + 30_000));
        if (random(4) === 0) await pace(0);
      }
    } else {
      client.send(`${head}Transfer-Encoding: chunked\r\n\r\n`);
      for (let at = 0; at < bodyBytes;) {
        const piece = body.subarray(at, at + 1 + random(20_000));
        client.send(`${piece.length.toString(16)}\r\n`);
        client.send(piece);
        client.send('\r\n');
        at += piece.length;
      }
      client.send('0\r\n\r\n');
    }
    if (random(12) === 0) {
      // Some leave in the middle.
      await pace(random(3));
      if (random(2) === 0) client.reset();
      else client.destroy();
      client = await RawClient.connect(port);
      continue;
    }
    const response = await client.response({ ms: 20_000 });
    assert.equal(response.status, 200);
    assert.equal(response.headers['x-seed'], String(id));
    assert.equal(response.headers['x-received'], String(bodyBytes));
    assert.ok(response.body.equals(content(id, bytes)), `the body of ${id} (${bytes} bytes, ${how})`);
  }
  client.destroy();
}

for (const seed of [1, 2]) {
  test(`25 clients with 16 exchanges each, seed ${seed}`, async (t) => {
    const { port, get } = await serve(t, answer);
    await Promise.all(Array.from({ length: 25 }, (_unused, n) => exchanges(port, seed * 100 + n, 16)));
    assert.equal((await get('/5/100/end')).body.length, 100);
  });
}
