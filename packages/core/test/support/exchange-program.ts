/**
 * Programs of exchanges, drawn by fast-check and run on any server: what client and server do, step by step. The run records what either side
 * saw, so that node:http's own server can be the model of the others.
 */
import * as http from 'node:http';
import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import * as fc from 'fast-check';
import { deferred, eventually, within } from './poll';

/** Where an exchange is broken off; `client` is its request, the others are the server's objects. */
export type Victim = 'client' | 'request' | 'response' | 'socket';

interface Sending {
  act: 'write' | 'end';
  side: 'client' | 'server';
  bytes: number;
}

export type Step =
  | Sending
  | { act: 'pause' | 'resume'; side: 'client' | 'server' }
  /** Lets the event loop turn once, or waits until all that was written has come to the other side. */
  | { act: 'turn' | 'settle' }
  /** `settled`: not before both sides have what was written, so that what they saw does not depend on time. */
  | { act: 'destroy'; victim: Victim; settled: boolean };

export interface Exchange {
  /** Whether the length of the body is declared, else it is chunked. */
  requestLength: boolean;
  responseLength: boolean;
  steps: Step[];
}

/** Lanes run at the same time; the exchanges of a lane one after the other on a kept connection, or a new one after one was broken off. */
export type Program = Exchange[][];

const bytes = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 200 }) },
  { weight: 3, arbitrary: fc.constantFrom(1, 4096, 16_384, 65_536) },
  { weight: 1, arbitrary: fc.constantFrom(70_000, 300_000) },
);
/** Objects like any other, so that a program that failed prints short. */
const plain = { noNullPrototype: true } as const;
const side = fc.constantFrom<'client' | 'server'>('client', 'server');
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ act: fc.constant<'write'>('write'), side, bytes }, plain) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant<'end'>('end'), side, bytes }, plain) },
  { weight: 3, arbitrary: fc.record({ act: fc.constantFrom<'pause' | 'resume'>('pause', 'resume'), side }, plain) },
  { weight: 4, arbitrary: fc.record({ act: fc.constantFrom<'turn' | 'settle'>('turn', 'settle') }, plain) },
  {
    weight: 1,
    arbitrary: fc.record(
      {
        act: fc.constant<'destroy'>('destroy'),
        victim: fc.constantFrom<Victim>('client', 'request', 'response', 'socket'),
        settled: fc.boolean(),
      },
      plain,
    ),
  },
);
const exchange = fc.record({ requestLength: fc.boolean(), responseLength: fc.boolean(), steps: fc.array(step, { maxLength: 14 }) }, plain);

export const programs: fc.Arbitrary<Program> = fc.array(fc.array(exchange, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 3 });

/** What one object of an exchange told its listeners. */
export interface Told {
  events: string[];
  /** Events of any kind behind 'close'. */
  late: string[];
}

/** What was seen of an exchange. */
export interface Seen {
  clientRequest: Told;
  clientResponse: Told;
  request: Told;
  response: Told;
  status: number | null;
  /** Length and digest of a body, and whether it came whole. */
  received: Body;
  answered: Body;
  /** The connection is the one of the exchange before. */
  reused: boolean;
}

export interface Body {
  sent: string;
  got: string;
  /** What came is how what was sent begins. */
  prefix: boolean;
  complete: boolean;
}

/** How an exchange was broken off, when it was. */
export interface Break {
  victim: Victim;
  /** No step ran ahead of bytes on their way. */
  settled: boolean;
  /** The program ended the response and the request had not ended: node:http's request hears nothing of the break then. */
  behindAnswer: boolean;
}

export interface Outcome {
  seen: Seen;
  broken: Break | null;
  /** The response was ended before the request had ended. */
  early: boolean;
  /** All of the response's declared length was written before it was ended: the client could have it, and leave, by then. */
  wholeBeforeEnd: boolean;
}

const TOLD = new Set(['response', 'finish', 'end', 'aborted', 'abort', 'error', 'close', 'data']);

function watch(emitter: NodeJS.EventEmitter): Told {
  const told: Told = { events: [], late: [] };
  const { emit } = emitter;
  emitter.emit = function emitAndTell(this: NodeJS.EventEmitter, name: string, ...values: unknown[]): boolean {
    if (TOLD.has(name)) {
      if (told.events.includes('close')) told.late.push(name);
      // Writing behind the end of a response is an error only as long as it is not closed: not a matter of the program alone.
      const late = (values[0] as NodeJS.ErrnoException | undefined)?.code === 'ERR_STREAM_WRITE_AFTER_END';
      if (name !== 'data' && !(name === 'error' && late)) told.events.push(name);
    }
    return emit.call(this, name, ...values);
  } as typeof emitter.emit;
  emitter.on('error', () => undefined);
  return told;
}

/**
 * What any server takes for a client that has left, before it knows: half of the engine's window (docs/frames.md, Back-pressure). Whether more than
 * that has 'finished' is a matter of the system's buffers.
 */
const roomBytes = 128 * 1024;

const digest = (body: Buffer): string => `${body.length} ${createHash('sha1').update(body).digest('hex')}`;

function compare(sent: Buffer[], got: Buffer[], complete: boolean): Body {
  const whole = Buffer.concat(sent);
  const came = Buffer.concat(got);
  return { sent: digest(whole), got: digest(came), prefix: whole.subarray(0, came.length).equals(came), complete };
}

const length = (pieces: Buffer[]): number => pieces.reduce((sum, piece) => sum + piece.length, 0);

/** Bytes that differ from piece to piece, so that a mix-up shows. */
const content = (seed: number, size: number): Buffer => Buffer.alloc(size, `${seed.toString(36)}.`);

const total = (steps: Step[], of: 'client' | 'server'): number => {
  let sum = 0;
  for (const step of steps) {
    if ((step.act !== 'write' && step.act !== 'end') || step.side !== of) continue;
    sum += step.bytes;
    if (step.act === 'end') break;
  }
  return sum;
};

type Pair = [http.IncomingMessage, http.ServerResponse];

/** A server as programs need it: requests are handed to the exchange their path names. */
export class ProgramServer {
  private readonly waiting = new Map<string, (pair: Pair) => void>();
  private programs = 0;
  port = 0;
  /** That have come. */
  requests = 0;
  /** How often each socket told that it is closed, and what came later. */
  readonly sockets = new Map<Socket, Told>();

  constructor(readonly server: http.Server) {
    server.on('connection', (socket: Socket) => this.sockets.set(socket, watch(socket)));
    server.on('request', (req: http.IncomingMessage, res: http.ServerResponse) => {
      this.requests++;
      this.waiting.get(req.url as string)?.([req, res]);
    });
  }

  /** Runs all lanes of a program; resolves when every exchange is over. */
  run(program: Program): Promise<Outcome[][]> {
    const first = this.programs++ * 100;
    return Promise.all(program.map((lane, n) => this.lane(lane, first + n * 10)));
  }

  private async lane(exchanges: Exchange[], first: number): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    let agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    let last: Socket | null = null;
    for (const [n, exchange] of exchanges.entries()) {
      const run = new Run(exchange, first + n, (path) => this.arrival(path));
      const outcome = await run.start(this.port, agent, last);
      outcomes.push(outcome);
      last = run.socket;
      if (outcome.broken === null) continue;
      agent.destroy();
      agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    }
    agent.destroy();
    return outcomes;
  }

  private arrival(path: string): Promise<Pair> {
    const { promise, resolve } = deferred<Pair>();
    this.waiting.set(path, resolve);
    return promise.finally(() => this.waiting.delete(path));
  }
}

/** One exchange on its way. */
class Run {
  socket: Socket | null = null;
  private client!: http.ClientRequest;
  private answer: http.IncomingMessage | null = null;
  private req!: http.IncomingMessage;
  private res!: http.ServerResponse;
  private told!: Record<'clientRequest' | 'clientResponse' | 'request' | 'response', Told>;
  private readonly asked: { sent: Buffer[]; got: Buffer[] } = { sent: [], got: [] };
  private readonly answered: { sent: Buffer[]; got: Buffer[] } = { sent: [], got: [] };
  private readonly paused = { client: false, server: false };
  private readonly ended = { client: false, server: false };
  private early = false;
  private wholeBeforeEnd = false;
  /** Bytes that the program gave behind the break. */
  private behindBreak = 0;
  private broken: Break | null = null;
  private readonly hasBody: boolean;

  constructor(
    private readonly exchange: Exchange,
    private readonly id: number,
    private readonly arrival: (path: string) => Promise<Pair>,
  ) {
    this.hasBody = exchange.steps.some((step) => step.act === 'write' && step.side === 'client');
  }

  async start(port: number, agent: http.Agent, last: Socket | null): Promise<Outcome> {
    const { steps, requestLength, responseLength } = this.exchange;
    const { hasBody } = this;
    const path = `/${this.id}`;
    const arrived = this.arrival(path);
    const client = http.request({ host: '127.0.0.1', port, agent, path, method: hasBody ? 'POST' : 'GET' });
    this.client = client;
    if (hasBody && requestLength) client.setHeader('Content-Length', total(steps, 'client'));
    this.told = {
      clientRequest: watch(client),
      clientResponse: { events: [], late: [] },
      request: { events: [], late: [] },
      response: { events: [], late: [] },
    };
    client.on('response', (answer) => this.onAnswer(answer));
    client.flushHeaders();
    [this.req, this.res] = await eventuallyArrived(arrived, client, path);
    this.socket = this.req.socket;
    this.told.request = watch(this.req);
    this.told.response = watch(this.res);
    this.req.on('data', (piece: Buffer) => this.asked.got.push(piece));
    if (responseLength) this.res.setHeader('Content-Length', total(steps, 'server'));
    for (const step of steps) await this.take(step);
    await this.finish();
    return { seen: this.seen(last), broken: this.broken, early: this.early, wholeBeforeEnd: this.wholeBeforeEnd };
  }

  private onAnswer(answer: http.IncomingMessage): void {
    this.answer = answer;
    this.told.clientResponse = watch(answer);
    answer.on('data', (piece: Buffer) => this.answered.got.push(piece));
    if (this.paused.client) answer.pause();
  }

  private async take(step: Step): Promise<void> {
    if (step.act === 'turn') return new Promise((resolve) => setImmediate(resolve));
    if (step.act === 'settle') return this.settle();
    if (step.act === 'destroy') return this.destroy(step.victim, step.settled);
    if (step.act === 'pause' || step.act === 'resume') return this.flow(step.side, step.act);
    this.send(step as Sending);
  }

  private send({ act, side, bytes: size }: Sending): void {
    const piece = content(this.id * 100 + this.asked.sent.length + this.answered.sent.length, size);
    if (side === 'server') this.serverSends(act, piece);
    // The client is Node's on either side: it is not what is tried here, so it makes no mistakes.
    else if (!this.ended.client && this.broken === null) this.clientSends(act, this.hasBody ? piece : Buffer.alloc(0));
  }

  private serverSends(act: 'write' | 'end', piece: Buffer): void {
    if (act === 'end' && !this.ended.server) this.wholeBeforeEnd = this.isAnswered();
    // Behind the end, or behind the break, writing must be without effect.
    if (!this.ended.server && this.broken === null) this.answered.sent.push(piece);
    if (this.broken !== null && (this.behindBreak += piece.length) > roomBytes) this.broken.settled = false;
    if (act === 'write') this.res.write(piece);
    else {
      if (!this.ended.server && this.isRequestOpen()) {
        this.early = true;
        if (this.broken !== null) this.broken.behindAnswer = true;
      }
      this.ended.server = true;
      this.res.end(piece);
    }
  }

  private clientSends(act: 'write' | 'end', piece: Buffer): void {
    this.asked.sent.push(piece);
    if (act === 'write' && piece.length > 0) this.client.write(piece);
    if (act === 'write') return;
    this.ended.client = true;
    this.client.end(piece);
  }

  private flow(side: 'client' | 'server', act: 'pause' | 'resume'): void {
    this.paused[side] = act === 'pause';
    if (side === 'server') this.req[act]();
    else this.answer?.[act]();
  }

  /** Waits until all that was written has come, as far as it is being read. */
  private async settle(): Promise<void> {
    if (this.broken !== null) return;
    const { asked, answered, paused, told } = this;
    const come = (way: { sent: Buffer[]; got: Buffer[] }): boolean => length(way.got) === length(way.sent);
    await eventually(`what was written in exchange ${this.id}`, () => {
      // Of a client that has left nothing more comes; whether it might is checked when the exchange is over.
      const left = told.request.events.includes('aborted');
      const asks = paused.server || left || (come(asked) && (!this.isAsked() || told.request.events.includes('end')));
      const head = !this.res.headersSent || this.answer !== null;
      const answers = paused.client || (come(answered) && head && (!this.isAnswered() || told.clientResponse.events.includes('end')));
      return asks && answers;
    });
  }

  /** All of the request is on its way: where the length is known, that is before it is ended. */
  private isAsked(): boolean {
    const { steps, requestLength } = this.exchange;
    return this.ended.client || !this.hasBody || (requestLength && length(this.asked.sent) === total(steps, 'client'));
  }

  private isAnswered(): boolean {
    const { steps, responseLength } = this.exchange;
    return this.ended.server || (responseLength && this.res.headersSent && length(this.answered.sent) === total(steps, 'server'));
  }

  private async destroy(victim: Victim, settled: boolean): Promise<void> {
    if (settled) {
      this.flow('client', 'resume');
      this.flow('server', 'resume');
      await this.settle();
    }
    // node:http tells of the first break in the loop's closing phase, which JavaScript has no way into: who comes first is a matter of the phase
    // in which the first was made.
    if (this.broken !== null && victim === 'request') this.broken.settled = false;
    const over = victim === 'client' ? this.client.destroyed : this.socket?.destroyed === true;
    if (victim === 'client') this.client.destroy();
    else if (victim === 'socket') this.socket?.destroy();
    else this[victim === 'request' ? 'req' : 'res'].destroy();
    // Destroying what is over is without effect, as everything else then is.
    const gone = victim === 'client' ? true : this.socket?.destroyed === true;
    if (!over && gone) this.broken ??= { victim, settled, behindAnswer: this.ended.server && this.isRequestOpen() };
  }

  private isRequestOpen(): boolean {
    return !this.told.request.events.includes('end');
  }

  /** Ends what the program left open and waits for every 'close'. */
  private async finish(): Promise<void> {
    this.flow('client', 'resume');
    this.flow('server', 'resume');
    if (!this.ended.client && this.broken === null) this.clientSends('end', Buffer.alloc(0));
    if (!this.ended.server && this.broken === null) this.serverSends('end', Buffer.alloc(0));
    const open = (): string[] =>
      Object.entries(this.told)
        .filter(([name, told]) => !told.events.includes('close') && !(name === 'clientResponse' && this.answer === null))
        .map(([name, told]) => `${name} after ${told.events.join(', ')}`);
    await eventually(`'close' of everything in exchange ${this.id}`, () => {
      const left = open().filter((entry) => !(this.broken?.behindAnswer === true && entry.startsWith('request ')));
      if (left.length > 0) throw new Error(left.join('; '));
      return true;
    });
  }

  /** Events may still come, of a request behind its answer; its body is held against them as it is then. */
  private seen(last: Socket | null): Seen {
    const { asked, answered, req, answer } = this;
    return {
      ...this.told,
      status: answer?.statusCode ?? null,
      get received() {
        return compare(asked.sent, asked.got, req.complete);
      },
      get answered() {
        return compare(answered.sent, answered.got, answer?.complete === true);
      },
      reused: this.socket === last,
    };
  }
}

/** The request as its server got it, within the deadline. */
function eventuallyArrived(arrived: Promise<Pair>, client: http.ClientRequest, path: string): Promise<Pair> {
  const failed = new Promise<never>((_resolve, reject) => {
    client.once('error', (cause) => reject(new Error(`${path} did not come to its server`, { cause })));
  });
  return within(Promise.race([arrived, failed]), `${path} to come to its server`);
}
