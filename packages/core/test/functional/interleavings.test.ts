/**
 * Random programs of write, end, destroy, pause and resume on both sides, run on node:http's own server and on the engine under test. What does
 * not depend on time must agree. `HTTPSYS_PROPERTY_SEED` and `HTTPSYS_PROPERTY_RUNS` choose others; a failure prints seed and program.
 */
import { test, type TestContext } from 'node:test';
import * as assert from 'node:assert/strict';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import * as fc from 'fast-check';
import { createServer, engine, listen, listening, shutDown, type TestServer } from '../support/engine';
import { eventually, nextEvent } from '../support/poll';
import { ProgramServer, programs, type Exchange, type Outcome, type Program, type Seen, type Told } from '../support/exchange-program';

const seed = Number(process.env.HTTPSYS_PROPERTY_SEED ?? 20261127);
const runs = (usual: number): number => Number(process.env.HTTPSYS_PROPERTY_RUNS ?? usual);
/** A failure that is a hang takes a deadline each time, so programs are made smaller only when asked to. */
const parameters = (usual: number): fc.Parameters<unknown> => ({
  seed,
  numRuns: runs(usual),
  endOnFailure: process.env.HTTPSYS_PROPERTY_SHRINK === undefined,
  includeErrorInReport: true,
});

async function oracleServer(t: TestContext): Promise<ProgramServer> {
  const made = new ProgramServer(http.createServer());
  t.after(() => shutDown(made.server));
  await listening(made.server, 0, '127.0.0.1');
  made.port = (made.server.address() as AddressInfo).port;
  return made;
}

async function serverUnderTest(): Promise<ProgramServer> {
  const made = new ProgramServer(createServer());
  made.port = await listen(made.server);
  return made;
}

/** `kLingerBytes` of the engine. */
const lingerBytes = 256 * 1024;

/** What holds of every exchange, whatever the time. */
function checkAlways({ seen, broken, early, wholeBeforeEnd }: Outcome, where: string, closing = false): void {
  const which = `${where}, ${JSON.stringify({ ...seen, broken })}`;
  // The client is Node's own; what it may do twice is not ours to say.
  for (const name of ['request', 'response'] as const) {
    const { events, late } = seen[name];
    const closes = events.filter((event) => event === 'close').length;
    assert.ok(closes <= 1, `${which}: ${name} closes ${closes} times: ${events.join()}`);
    assert.deepEqual(late, [], `${which}: events of ${name} after 'close'`);
    for (const event of ['finish', 'end', 'aborted']) {
      assert.ok(events.filter((other) => other === event).length <= 1, `${which}: ${name} tells '${event}' twice: ${events.join()}`);
    }
  }
  assert.ok(seen.received.prefix, `${which}: the request's body is what was sent`);
  assert.ok(seen.answered.prefix, `${which}: the response's body is what was sent`);
  // A client that leaves tells itself 'end', having thrown away what had come.
  if (broken?.victim !== 'client' && seen.clientResponse.events.includes('end'))
    assert.equal(seen.answered.got, seen.answered.sent, `${which}: a whole response`);
  if (seen.request.events.includes('end')) assert.equal(seen.received.got, seen.received.sent, `${which}: a whole request`);
  if (broken !== null) return;
  // A server that closes answers with Connection: close, whose client may go at once (RFC 9112 section 9.6), the rest of its body unsent.
  const left = closing && early && seen.request.events[0] === 'aborted';
  // One that goes on sending beyond what the engine throws away is reset, whatever it has read of its answer.
  if (left && parseInt(seen.received.sent, 10) > lingerBytes) return;
  assert.equal(seen.status, 200, which);
  assert.equal(seen.answered.got, seen.answered.sent, which);
  // A response that was not ended by then is not finished.
  if (!left || !wholeBeforeEnd || seen.response.events.join() !== 'close') assert.equal(seen.response.events.join(), 'finish,close', which);
  if (left) return;
  assert.equal(seen.request.events.join(), 'end,close', which);
  assert.equal(seen.received.got, seen.received.sent, which);
}

/** What must be the same on any server. */
function comparable({ seen, broken }: Outcome): Partial<Seen> {
  // Bytes were on their way when it was broken off: how many came is a matter of time.
  if (broken?.settled === false) return {};
  // The client's 'finish' and 'response' come from different directions.
  const unordered = (told: Told): Told => ({ ...told, events: [...told.events].sort() });
  const both = { ...seen, clientRequest: unordered(seen.clientRequest), clientResponse: unordered(seen.clientResponse) };
  // Listed as early-answer.abort.
  return broken?.behindAnswer === true ? { ...both, request: undefined } : both;
}

function check(program: Program, model: Outcome[][], tried: Outcome[][]): void {
  program.forEach((lane, l) =>
    lane.forEach((_exchange: Exchange, n) => {
      const which = `lane ${l}, exchange ${n}`;
      const [wanted, got] = [model[l]?.[n], tried[l]?.[n]] as [Outcome, Outcome];
      checkAlways(wanted, `node:http, ${which}`);
      checkAlways(got, `${engine}, ${which}`);
      assert.deepEqual(comparable(got), comparable(wanted), which);
    }),
  );
}

/** Each socket has told once that it is closed, and nothing later. */
async function checkSockets({ sockets }: ProgramServer): Promise<void> {
  await eventually("every socket's 'close'", () => [...sockets.values()].every((told) => told.events.includes('close')));
  for (const { events, late } of sockets.values()) {
    assert.equal(events.filter((event) => event === 'close').length, 1, events.join());
    assert.deepEqual(late, [], 'events of a socket after its close');
  }
}

/** Nothing is left of connections, on either side of the engine. */
async function checkNothingLeft(tried: ProgramServer): Promise<void> {
  const { server } = tried;
  await checkSockets(tried);
  await eventually('no connection to be counted', () => countConnections(server).then((count) => count === 0));
  if (engine === 'node') return;
  await eventually('the state of the engine to say that nothing is open', async () => {
    const state = (await (server as TestServer).queryState()) as { connections: number; queues: { depth?: number }[] };
    if (state.connections !== 0 || state.queues.some((queue) => (queue.depth ?? 0) !== 0)) throw new Error(JSON.stringify(state));
    return true;
  });
}

const countConnections = (server: http.Server): Promise<number> =>
  new Promise((resolve, reject) => server.getConnections((error, count) => (error ? reject(error) : resolve(count))));

test('random interleavings on both sides have the outcome they have on node:http', async (t) => {
  const oracle = await oracleServer(t);
  const tried = await serverUnderTest();
  t.after(() => shutDown(tried.server));
  await fc.assert(
    fc.asyncProperty(programs, async (program) => check(program, await oracle.run(program), await tried.run(program))),
    parameters(60),
  );
  await checkNothingLeft(tried);
});

test('a server that is closed meanwhile completes its exchanges and closes', async () => {
  await fc.assert(
    fc.asyncProperty(programs, async (program) => {
      const tried = await serverUnderTest();
      const closed = nextEvent(tried.server, 'close');
      tried.server.on('request', () => tried.requests === program.length && tried.server.close());
      // One exchange a lane: there are no new connections afterwards.
      const running = tried.run(program.map((lane) => lane.slice(0, 1)));
      for (const outcome of (await running).flat()) checkAlways(outcome, engine, true);
      await closed;
      assert.equal(tried.server.listening, false);
      await checkSockets(tried);
    }),
    parameters(15),
  );
});
