/** Frames from a hostile application: a seeded stream of whole, mutated and random frames must cost it its channel, and nobody else anything. */
import assert from 'node:assert/strict';
import * as net from 'node:net';
import { test } from 'node:test';
import * as frames from '../../src/queue/frames';
import { RawClient } from '../support/client';
import { eventually, pace } from '../support/poll';
import { makeFrame, makeResponse, open, u32, type Mode, type Peer } from './native-peer';

const rounds = Number(process.env.HTTPSYS_FUZZ_ROUNDS ?? 40);
const framesPerRound = 60;
const clientsPerRound = 6;

/** xorshift32: the same frames on every run. */
function generator(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

type Random = (below: number) => number;

function randomBytes(random: Random, most: number): Buffer {
  return Buffer.from(Array.from({ length: random(most + 1) }, () => random(256)));
}

const heads = [
  '',
  'Content-Type: text/plain\r\n',
  'Content-Length: 3\r\n',
  'Content-Length: 999999999999999999\r\n',
  'Content-Length: 1\r\nContent-Length: 2\r\n',
  'Transfer-Encoding: chunked\r\n',
  'A: b\r\n\r\nHTTP/1.1 200 OK\r\n\r\n',
  'Connection: close\r\n',
  'X: \0\r\n',
  'no colon',
  ' folded: x\r\n',
];

/** A frame that is right in form more often than not, about a live request, a finished one or none. */
function randomFrame(random: Random, peer: Peer): Buffer {
  const known = peer.requests.length > 0 ? peer.requests[random(peer.requests.length)]! : null;
  const last = peer.requests.at(-1);
  const id = [last?.id ?? 0, last?.id ?? 1, known?.id ?? 0, 0, random(1 << 30) * 4 + random(4)][random(5)]!;
  const status = [200, 204, 304, 100, 101, 206, 404, 999, 0, 65535][random(10)]!;
  const head = heads[random(heads.length)]!;
  switch (random(19)) {
    case 0:
    case 1:
    case 2:
      return makeResponse(id, { status, head, body: randomBytes(random, 300), flags: random(16) & ~frames.ResponsePolicy });
    case 3:
      return makeResponse(id, { status, head, body: randomBytes(random, 300), ttl: [0, 1, 60, Infinity, 0xffffffff][random(5)]! });
    case 4:
      return makeResponse(id, { head, body: Buffer.alloc(random(300_000)), flags: random(2) });
    case 5:
    case 6:
      return makeFrame(frames.Data, random(4), 0, id, randomBytes(random, 500));
    case 7:
      return makeFrame(frames.Data, random(2), 0, id, Buffer.alloc(random(300_000)));
    case 8:
      return makeFrame(frames.End, 0, 0, id, head);
    case 9:
      return makeFrame(frames.Informational, 0, [100, 102, 103, 101, 99, 200][random(6)]!, id, head);
    case 10:
      return makeFrame(frames.Credit, 0, 0, [id, 0][random(2)]!, u32([0, 1, 64, 0xffffffff][random(4)]!));
    case 11:
      return makeFrame(frames.Cancel, 0, 0, id, randomBytes(random, random(8) === 0 ? 20 : 0));
    case 12:
      return makeFrame(frames.CloseConnections, random(4), 0, [0, known?.connection ?? 0, id][random(3)]!);
    case 13:
      return makeFrame(
        [0x7f, 0xff, frames.Request, frames.Attach, frames.Body][random(5)]!,
        random(256),
        random(65536),
        id,
        randomBytes(random, 40),
      );
    case 16:
      return makeFrame(frames.Opaque, random(8) === 0 ? random(256) : 0, 0, id, randomBytes(random, random(2) * 500));
    case 17:
      return makeFrame(frames.Opaque, random(4), 0, id, Buffer.alloc(random(300_000)));
    case 18:
      return makeResponse(id, { status: [101, 200, 400][random(3)]!, head, body: randomBytes(random, 60), flags: frames.ResponseOpaque });
    case 14: {
      // One bit of a good frame is wrong: often its length.
      const frame = makeResponse(id, { head, body: randomBytes(random, 60) });
      const at = random(Math.min(frame.length, 24));
      frame[at] = frame[at]! ^ (1 << random(8));
      return frame;
    }
    default:
      return random(6) === 0
        ? makeFrame(frames.Detach, 0, 0, 0)
        : makeFrame(frames.Response, random(256), status, id, randomBytes(random, 60));
  }
}

const requests = [
  'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  'HEAD /h HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /c HTTP/1.0\r\nConnection: keep-alive\r\n\r\n',
  'POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello',
  'POST /l HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 500000\r\n\r\n',
  'POST /t HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n',
  'POST /u HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel',
  'GET /w HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nsome bytes ahead',
  'POST /w HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\nContent-Length: 9\r\n\r\nbody ahead of the rest',
  'CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\nhello',
];

interface State {
  connections: number;
  queues: { id: number; attached: number; depth: number; inFlight: number; connections: number }[];
}

for (const mode of ['loop', 'threads'] as Mode[]) {
  test(`${mode}: random frames end their own channel at most, and leave nothing behind`, { timeout: 120_000 }, async (t) => {
    const { engine, port, attach } = open(t, mode, { path: '/' });
    engine.openQueue(2, {});
    engine.setUrls([
      { https: false, hostKind: 3, host: '', port, path: '/', queueId: 1, urlContext: 1 },
      { https: false, hostKind: 3, host: '', port, path: '/good/', queueId: 2, urlContext: 2 },
    ]);
    const good = await attach({ queueId: 2 });
    good.onRequest = (asked) => good.answer(asked, { body: 'good' });
    const witness = await RawClient.connect(port);
    const sockets: net.Socket[] = [];
    t.after(() => sockets.forEach((socket) => socket.destroy()));

    for (let round = 0; round < rounds; round++) {
      const random = generator(0x9e3779b9 ^ (round * 7919));
      const bad = await attach({ queueId: 1, credit: 1 + random(8) });
      const clients = Array.from({ length: clientsPerRound }, () => {
        const socket = net.connect(port, '127.0.0.1');
        socket.on('error', () => undefined);
        socket.resume();
        socket.write(Array.from({ length: 1 + random(4) }, () => requests[random(requests.length)]!).join(''));
        return socket;
      });
      sockets.push(...clients);
      await Promise.race([bad.request(), pace(500)]);
      for (let n = 0; n < framesPerRound && !bad.closed; n++) {
        const batch = Array.from({ length: 1 + random(4) }, () => randomFrame(random, bad));
        try {
          bad.send(...batch);
        } catch (error) {
          assert.equal((error as NodeJS.ErrnoException).code, 'EPROTO');
          bad.closed = true;
        }
        if (random(4) === 0) await pace(0);
        if (random(12) === 0) clients[random(clients.length)]!.destroy();
      }
      assert.equal((await witness.exchange('GET /good/ HTTP/1.1\r\nHost: a\r\n\r\n')).text, 'good', `round ${round}`);
      if (random(2) === 0) clients.forEach((socket) => socket.destroy());
      bad.transport.end();
      clients.forEach((socket) => socket.destroy());
      for (const asked of bad.requests) assert.ok(bad.of(frames.Aborted, asked.id).length <= 1, `round ${round}: ABORTED twice`);
    }

    await eventually('everything to be gone but the witness', () => {
      const state = engine.queryState() as State;
      const queue = state.queues.find((one) => one.id === 1)!;
      return state.connections === 1 && queue.attached === 0 && queue.depth === 0 && queue.inFlight === 0 && queue.connections === 0;
    });
    assert.equal((await witness.exchange('GET /good/ HTTP/1.1\r\nHost: a\r\n\r\n')).text, 'good');
  });
}
