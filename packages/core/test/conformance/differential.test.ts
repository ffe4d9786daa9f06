/**
 * The same byte streams go to the engine under test and to Node's own server. What one accepts and the other does not, and every field of
 * a request in which they differ, must be accounted for by a rule of differential-rules.ts.
 */
import assert from 'node:assert/strict';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test, type TestContext } from 'node:test';
import { createServer, engine, listen, listening, shutDown, type TestListener } from '../support/engine';
import { generated, handWritten, Random, type ByteStream } from './byte-streams';
import { compare, explain, rules, type Difference } from './differential-rules';
import { describeRequest, sendAll, sendStream, type Outcome } from './stream-client';

const seed = Number(process.env.HTTPSYS_DIFFERENTIAL_SEED ?? 20260);
const generatedCount = Number(process.env.HTTPSYS_DIFFERENTIAL_COUNT ?? 400);
const concurrency = 16;
/** Streams up to this size are also sent in small pieces. */
const piecewiseBytesMax = 1000;
const pieceBytesMax = 40;
/** How often a stream is sent to node:http byte by byte until it has answered what precedes the bytes it refuses. */
const slowAttempts = 3;

const nodeOptions = { requestTimeout: 2000, headersTimeout: 2000, connectionsCheckingInterval: 250 };
const engineOptions = { timeouts: { headerWait: 2, entityBody: 2, idleConnection: 10 } };

let oracle: http.Server;
let oraclePort: number;
let server: http.Server;
let port: number;

before(async () => {
  oracle = http.createServer(nodeOptions, describeRequest);
  await listening(oracle, 0, '127.0.0.1');
  oraclePort = (oracle.address() as AddressInfo).port;
  server = createServer(engine === 'node' ? nodeOptions : engineOptions, describeRequest as TestListener);
  port = await listen(server);
});

after(async () => {
  await shutDown(server);
  await shutDown(oracle);
});

/**
 * node:http answers an error at once and forgets the good requests before it that came in the same read. To compare those too, such a
 * stream is sent to it again, byte by byte.
 */
async function answeredInFull(stream: ByteStream, node: Outcome, ours: Outcome): Promise<Outcome> {
  let best = node;
  for (let n = 0; n < slowAttempts && best.end === 'refused' && best.requests.length < ours.requests.length; n++) {
    const again = await sendStream(oraclePort, stream, 1);
    if (again.requests.length > best.requests.length) best = again;
  }
  return best;
}

/** Sends the streams to both and gives the differences. */
async function differencesOf(streams: ByteStream[]): Promise<{ stream: ByteStream; difference: Difference }[]> {
  const [nodes, ours] = await Promise.all([sendAll(oraclePort, streams, concurrency), sendAll(port, streams, concurrency)]);
  const found: { stream: ByteStream; difference: Difference }[] = [];
  for (const [n, stream] of streams.entries()) {
    const node = await answeredInFull(stream, nodes[n]!, ours[n]!);
    for (const difference of compare(stream, node, ours[n]!)) found.push({ stream, difference });
  }
  return found;
}

const show = (outcome: Outcome): string =>
  `${outcome.requests.length} requests, ${outcome.end}${outcome.status ? ` ${outcome.status}` : ''}`;

function describeDifference({ stream, difference }: { stream: ByteStream; difference: Difference }): string {
  const { kind, field, request, other, node, engine: ours } = difference;
  const values = field ? `; ${field}: node ${JSON.stringify(request?.[field])}, engine ${JSON.stringify(other?.[field])}` : '';
  const subject = request ? `; ${request.method} ${request.url}` : '';
  const bytes = JSON.stringify(difference.text.length > 1000 ? `${difference.text.slice(0, 1000)}...` : difference.text);
  return `${stream.name}: ${kind}${subject}${values}; node: ${show(node)}; engine: ${show(ours)}; ${bytes}`;
}

/** Fails with all differences that no rule explains; returns the ids of the rules that explained one. */
async function checkStreams(t: TestContext, streams: ByteStream[]): Promise<Set<string>> {
  const used = new Map<string, number>();
  const unexplained: string[] = [];
  for (const found of await differencesOf(streams)) {
    const rule = explain(found.difference);
    if (rule) used.set(rule.id, (used.get(rule.id) ?? 0) + 1);
    else unexplained.push(describeDifference(found));
  }
  t.diagnostic(`${streams.length} streams; differences by rule: ${JSON.stringify(Object.fromEntries(used))}`);
  assert.equal(unexplained.length, 0, `${unexplained.length} differences that no rule explains:\n${unexplained.slice(0, 20).join('\n')}`);
  return new Set(used.keys());
}

describe(`byte streams on ${engine} and on node:http`, { concurrency: false }, () => {
  test('every difference of the hand-written streams is accounted for, and every rule has one', async (t) => {
    const used = await checkStreams(t, handWritten());
    if (engine === 'node') assert.equal(used.size, 0, 'node:http differs from itself');
    else
      assert.deepEqual(
        [...rules.map((rule) => rule.id)].filter((id) => !used.has(id)),
        [],
        'rules that explain nothing',
      );
  });

  test('every difference of the generated streams is accounted for', async (t) => {
    t.diagnostic(`seed ${seed} (HTTPSYS_DIFFERENTIAL_SEED), ${generatedCount} streams`);
    const streams = generated(seed, generatedCount);
    await checkStreams(t, streams);
  });

  test('the generated streams are worth sending: at least a third is accepted, at least a fifth refused', async () => {
    const outcomes = await sendAll(oraclePort, generated(seed, 200), concurrency);
    assert.ok(outcomes.filter((outcome) => outcome.end !== 'refused').length >= 67);
    assert.ok(outcomes.filter((outcome) => outcome.end === 'refused').length >= 40);
  });

  test(
    'a stream that comes in pieces is read as one that comes whole',
    { skip: engine === 'node' && 'what node:http answers depends on them' },
    async () => {
      const random = new Random(seed);
      const streams = [...handWritten(), ...generated(seed + 1, 150)].filter((stream) => stream.bytes.length <= piecewiseBytesMax);
      const sizes = streams.map(() => 1 + random.below(pieceBytesMax));
      const whole = await sendAll(port, streams, concurrency);
      const pieces = await sendAll(port, streams, concurrency, (n) => sizes[n]!);
      for (const [n, stream] of streams.entries()) {
        // Which of two faults is met first may depend on the pieces; whether, and after which requests, may not.
        const comparable = (outcome: Outcome): unknown => ({ requests: outcome.requests, end: outcome.end });
        assert.deepEqual(comparable(pieces[n]!), comparable(whole[n]!), `${stream.name} in pieces of ${sizes[n]}`);
      }
    },
  );
});
