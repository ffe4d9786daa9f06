/** Runs one scenario on one engine: what its client received, how the connection ended, what the program saw. */
import * as http from 'node:http';
import * as net from 'node:net';
import type { AddressInfo } from 'node:net';
import { createServer as createOwn } from '@httpsys/core';
import { DEADLINE_MS, nextEvent, within } from '../support/poll';
import { Client, connect, joinChunks, normalise, Notes } from './client';
import { describeError, get, listenTo, type App, type Kit, type Observed, type Scenario, type See } from './scenario';

export type EngineName = 'node' | 'embedded' | 'service';
export const engines: readonly EngineName[] = ['node', 'embedded', 'service'];

/** node:http's `keepAliveTimeout`; HTTP.SYS' own default shows in each `Keep-Alive` field and is one difference, not hundreds. */
const idleSeconds = 5;

export interface Outcome {
  /** All bytes received, in Latin-1, with values that differ between any two runs replaced. */
  bytes: string;
  /** How the connection ended: `end`, `reset`, or `left` when the client went first. */
  end: string;
  notes: string[];
}

function create(engine: EngineName, options: http.ServerOptions, listener?: http.RequestListener): http.Server {
  if (engine === 'node') return http.createServer(options, listener);
  // It would stand above the program's own.
  const idle = 'keepAliveTimeout' in options ? {} : { timeouts: { idleConnection: idleSeconds } };
  return createOwn({ ...idle, ...options, engine } as never, listener as never);
}

async function listen(server: http.Server): Promise<number> {
  const listening = new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
  await within(listening, 'listening');
  return (server.address() as AddressInfo).port;
}

async function shutDown(server: http.Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await within(closed, 'the server to close');
}

/** Events whose number or time depends on how bytes were cut into segments, or that only say who listens. */
const uncounted = new Set([
  'newListener',
  'removeListener',
  'data',
  'readable',
  'resume',
  'pause',
  'request',
  'connect',
  'ready',
  'lookup',
]);

/** Notes all events of an emitter, whether anybody listens or not. */
function observe(emitter: object, name: Observed, see: See): void {
  const target = emitter as { emit(event: string | symbol, ...values: unknown[]): boolean };
  const emit = target.emit.bind(target);
  target.emit = (event, ...values) => {
    if (typeof event === 'string' && !uncounted.has(event)) {
      const [value] = values;
      see(`${name} ${event}${value instanceof Error ? ` ${describeError(value)}` : ''}`);
    }
    return emit(event, ...values);
  };
}

/** Turns of the loop in which events that are already decided reach their listeners. */
const settlingTurns = 6;

async function settle(): Promise<void> {
  for (let n = 0; n < settlingTurns; n++) await new Promise((resolve) => setImmediate(resolve));
}

function listenerOf(app: App, scenario: Scenario, see: See): http.RequestListener {
  const observed = new WeakSet<net.Socket>();
  return (req, res) => {
    if (scenario.events?.includes('socket') && !observed.has(req.socket)) {
      observed.add(req.socket);
      listenTo(req.socket, see);
    }
    if (scenario.events?.includes('req')) observe(req, 'req', see);
    if (scenario.events?.includes('res')) observe(res, 'res', see);
    try {
      app(req as never, res as never, see);
    } catch (error) {
      see(`threw ${describeError(error)}`);
      req.socket.destroy();
    }
  };
}

async function exchange(engine: EngineName, scenario: Scenario): Promise<Outcome> {
  const notes = new Notes();
  const app = scenario.app ?? ((_req, res) => void res.end('ok'));
  const server = create(engine, scenario.options ?? {}, listenerOf(app, scenario, notes.see));
  scenario.setup?.(server, notes.see);
  const port = await listen(server);
  if (scenario.events?.includes('server')) observe(server, 'server', notes.see);
  const socket = await connect(port, true);
  const client = new Client(socket, notes);
  try {
    for (const step of scenario.client ?? [get()]) await client.step(step);
    await client.ended();
    for (const note of scenario.until ?? []) await notes.waitFor(note);
    await settle();
  } finally {
    socket.destroy();
    await shutDown(server);
  }
  await settle();
  const text = scenario.anyChunks ? joinChunks(client.text) : client.text;
  return {
    bytes: normalise(text),
    end: scenario.anyEnd ? 'any' : client.end,
    notes: scenario.unordered ? [...notes.list].sort() : notes.list,
  };
}

async function fetch(port: number, options: http.RequestOptions = {}, body?: string | Buffer): ReturnType<Kit['fetch']> {
  const req = http.request({ port, host: '127.0.0.1', agent: false, ...options });
  req.end(body);
  const [res] = (await nextEvent(req, 'response')) as [http.IncomingMessage];
  res.setEncoding('latin1');
  let text = '';
  res.on('data', (piece: string) => (text += piece));
  await nextEvent(res, 'close');
  return { res, text };
}

async function program(engine: EngineName, scenario: Scenario): Promise<Outcome> {
  const notes = new Notes();
  const servers: http.Server[] = [];
  const sockets: net.Socket[] = [];
  const kit: Kit = {
    see: notes.see,
    create: (options = {}, app) => {
      const server = create(engine, options, app && listenerOf(app, scenario, notes.see));
      servers.push(server);
      return server;
    },
    listen,
    connect: async (port) => {
      const socket = await connect(port, false);
      sockets.push(socket);
      socket.on('error', () => undefined);
      return socket;
    },
    fetch,
    next: (emitter, event) => within(nextEvent(emitter, event), event, DEADLINE_MS),
  };
  try {
    await scenario.program?.(kit);
    await settle();
  } finally {
    for (const socket of sockets) socket.destroy();
    for (const server of servers) await shutDown(server);
  }
  return { bytes: '', end: '', notes: scenario.unordered ? [...notes.list].sort() : notes.list };
}

/** Runs a scenario; a failure to do so is an outcome too. */
export async function run(engine: EngineName, scenario: Scenario): Promise<Outcome> {
  try {
    return await (scenario.program ? program : exchange)(engine, scenario);
  } catch (error) {
    return { bytes: '', end: '', notes: [`failed: ${(error as Error).message}`] };
  }
}
