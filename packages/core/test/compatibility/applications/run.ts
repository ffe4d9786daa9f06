/** Runs an application's scenarios on node:http, embedded and service: three processes, the same steps at the same time. */
import * as net from 'node:net';
import { within } from '../../support/poll';
import { Client, connect, joinChunks, normalise, Notes } from '../client';
import { engines, type EngineName, type Outcome } from '../run';
import type { Application, ApplicationScenario } from './application';
import { Program } from './program';

async function exchange(program: Program, scenario: ApplicationScenario): Promise<Outcome> {
  const { notes } = program;
  const socket = await connect(await program.port, true);
  const client = new Client(socket, notes);
  try {
    for (const step of scenario.client ?? []) await client.step(step);
    await client.ended();
    for (const note of scenario.until ?? []) await notes.waitFor(note);
  } finally {
    socket.destroy();
    await program.settle();
  }
  const text = scenario.anyChunks ? joinChunks(client.text) : client.text;
  return { bytes: normalise(text), end: scenario.anyEnd ? 'any' : client.end, notes: notes.list };
}

async function dialogue(program: Program, scenario: ApplicationScenario): Promise<Outcome> {
  const { notes } = program;
  const port = await program.port;
  const seen = new Notes();
  const cleanups: (() => void)[] = [];
  try {
    await scenario.dialogue!({
      port,
      see: seen.see,
      seen: (note, count) => notes.waitFor(note, count),
      connect: async () => {
        const socket = net.connect(port, '127.0.0.1');
        cleanups.push(() => socket.destroy());
        await new Promise((resolve, reject) => socket.once('connect', resolve).on('error', reject));
        return socket;
      },
      after: (action) => void cleanups.push(action),
      stop: () => program.stop(),
      exited: () => within(program.exit, 'the end of the program'),
    });
    for (const note of scenario.until ?? []) await notes.waitFor(note);
  } finally {
    for (const cleanup of cleanups) cleanup();
    await program.settle();
  }
  return { bytes: seen.list.join('\n'), end: '', notes: notes.list };
}

async function attempt(program: Program, scenario: ApplicationScenario): Promise<Outcome> {
  program.notes = new Notes();
  try {
    const outcome = await (scenario.dialogue ? dialogue : exchange)(program, scenario);
    return scenario.unordered ? { ...outcome, notes: [...outcome.notes].sort() } : outcome;
  } catch (error) {
    return { bytes: '', end: '', notes: [`failed: ${(error as Error).message}`] };
  }
}

/** The processes of one application. */
export class Running {
  private programs: Program[] = [];

  constructor(private readonly application: Application) {}

  private start(): Program[] {
    return engines.map((engine) => new Program(engine, this.application.program));
  }

  /** The outcome on each engine. */
  async run(scenario: ApplicationScenario): Promise<Outcome[]> {
    if (!scenario.lastOfProgram && this.programs.length === 0) this.programs = this.start();
    const programs = scenario.lastOfProgram ? this.start() : this.programs;
    try {
      return await Promise.all(programs.map((program) => attempt(program, scenario)));
    } finally {
      if (scenario.lastOfProgram) await Promise.all(programs.map((program) => program.kill()));
    }
  }

  complaints(): { engine: EngineName; lines: string[] }[] {
    return this.programs.map((program) => ({ engine: program.engine, lines: program.complaints() }));
  }

  async end(): Promise<void> {
    await Promise.all(this.programs.map((program) => program.kill()));
  }
}
