/**
 * The suite is written once and runs on every engine, chosen by HTTPSYS_TEST_ENGINE: `embedded` (default), `service`, `httpsys` (Windows), or
 * `node`, which is Node's own server and so the oracle for everything that is node:http's.
 */
import * as http from 'node:http';
import * as net from 'node:net';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { RawClient, fetchOnce, type RawResponse } from './client';
import { freePort } from './free-port.cjs';
import { eventually, within } from './poll';
import { stopService } from './service-process';
import { wineHttp } from './wine';

export type EngineName = 'node' | 'embedded' | 'service' | 'httpsys';

function readEngine(): EngineName {
  const value = process.env.HTTPSYS_TEST_ENGINE ?? 'embedded';
  if (value === 'node' || value === 'embedded' || value === 'service' || value === 'httpsys') return value;
  throw new Error(`HTTPSYS_TEST_ENGINE is ${JSON.stringify(value)}: use node, embedded, service or httpsys`);
}

/** The engine under test. */
export const engine = readEngine();

/** The host of a prefix that takes any. Wine's HTTP service has only the strong wildcard (WINE-3). */
export const anyHost = wineHttp ? '+' : '*';

/** The `engine` option of a server under test; HTTP.SYS has none, it is what Windows gives. */
export const engineOption = engine === 'httpsys' || engine === 'node' ? {} : { engine };

/** What the engine under test can do, for tests that make sense only then. */
export const features = {
  /** Anything beyond node:http's API. */
  httpsys: engine !== 'node',
  /** The service process of Linux and macOS. */
  service: engine === 'service',
  /** Several processes on one port. */
  sharing: engine === 'service' || engine === 'httpsys',
};

/** Skips a test where it makes no sense, with the reason in the output. */
export const unless = (possible: boolean, reason: string): { skip: string | false } => ({
  skip: possible ? false : `${engine}: ${reason}`,
});

/** The private directory of this test process' own service. */
export const runtimeDirectory = fs.mkdtempSync(path.join(os.tmpdir(), 'httpsys-test-'));
process.env.HTTPSYS_RUNTIME_DIR = runtimeDirectory;
process.on('exit', () => {
  stopService(runtimeDirectory);
  fs.rmSync(runtimeDirectory, { recursive: true, force: true });
});

/** Server options beyond node:http's. */
export interface TestServerOptions extends http.ServerOptions {
  queueName?: string;
  queueMode?: 'create' | 'attach' | 'createOrAttach';
  queueLength?: number;
  maxRequestBodyBytes?: number;
  maxConnections?: number;
  cacheEntryBytes?: number;
  timeouts?: {
    entityBody?: number;
    drainEntityBody?: number;
    requestQueue?: number;
    idleConnection?: number;
    headerWait?: number;
    minSendRate?: number;
  };
  engine?: 'service' | 'embedded';
}

export type CachePolicy = { ttl: number } | { untilFlushed: true };
export type TestRequest = http.IncomingMessage & { prefixPath?: string; upgrade?: boolean | null };
export type TestResponse = http.ServerResponse<TestRequest> & { cachePolicy?: CachePolicy };
export type TestListener = (req: TestRequest, res: TestResponse) => void;

export interface TestServer extends http.Server {
  flushCache(urlOrPath: string, options?: { recursive?: boolean }): Promise<number>;
  queryState(): Promise<Record<string, unknown>>;
}

interface Core {
  createServer(options: TestServerOptions, listener?: TestListener): TestServer;
}

let core: Core | undefined;

/** The built package, loaded by its name as a user does. */
export function loadCore(): Core & Record<string, unknown> {
  // On demand: the node engine runs without a build.
  core ??= require('@httpsys/core') as Core;
  return core as Core & Record<string, unknown>;
}

/** A server of the engine under test. */
export function createServer(options: TestServerOptions = {}, listener?: TestListener): TestServer {
  if (engine === 'node') return http.createServer(options, listener as http.RequestListener) as TestServer;
  return loadCore().createServer({ ...engineOption, ...options }, listener);
}

/** Ports of servers on Wine's HTTP service. */
const winePorts = new WeakMap<http.Server, number>();

/** `listen` as a promise. */
export async function listening(server: http.Server, ...target: unknown[]): Promise<void> {
  await within(
    new Promise<void>((resolve, reject) => {
      const failed = (error: Error): void => reject(error);
      server.once('error', failed);
      (server.listen as (...values: unknown[]) => unknown).call(server, ...target, () => {
        server.removeListener('error', failed);
        resolve();
      });
    }),
    'listening',
  );
  if (wineHttp) winePorts.set(server, (server.address() as AddressInfo).port);
}

function isRefused(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = net.connect(port, '127.0.0.1', () => {
      probe.destroy();
      resolve(false);
    });
    probe.once('error', () => resolve(true));
  });
}

const FREE_PORT_ATTEMPTS = 5;

/** Runs `attempt` with fresh ports until one is not taken by a program that is no test meanwhile. */
export async function onFreePort<T>(attempt: (port: number) => Promise<T>): Promise<T> {
  for (let left = FREE_PORT_ATTEMPTS; ; left--) {
    try {
      return await attempt(await freePort());
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || left <= 1) throw error;
    }
  }
}

/** Makes the server listen on a port of its own, below `prefixPath`, in the way that is usual for the engine; returns the port. */
export async function listen(server: http.Server, prefixPath = '/'): Promise<number> {
  // Wine compares an address in a prefix with the Host field as it came (WINE-3).
  const named = engine === 'service' || wineHttp;
  if (named || (engine !== 'node' && prefixPath !== '/')) {
    return onFreePort(async (port) => {
      await listening(server, `http://${anyHost}:${port}${prefixPath}`);
      return port;
    });
  }
  await listening(server, 0, '127.0.0.1');
  return (server.address() as AddressInfo).port;
}

/** Ends server and connections; resolves when it is closed. A server that is not open is fine. */
export async function shutDown(server: http.Server): Promise<void> {
  await within(
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
    'the server to close',
  );
  // Wine's service closes the listening sockets of all queues (WINE-16) some time after the call: not those of the next test's server.
  const port = winePorts.get(server);
  winePorts.delete(server);
  if (port !== undefined) await eventually('the port to be let go', () => isRefused(port));
}

/** A running server and shorthand for its clients. */
export interface Running {
  server: TestServer;
  port: number;
  connect(): Promise<RawClient>;
  get(path: string, headers?: Record<string, string>): Promise<RawResponse>;
  request(path: string, options?: Parameters<typeof fetchOnce>[2]): Promise<RawResponse>;
}

/** Starts a server for one test, `prepare` being called before it listens; it and all its clients end with the test. */
export async function serve(
  t: TestContext,
  listener?: TestListener,
  options: TestServerOptions = {},
  prefixPath = '/',
  prepare?: (server: TestServer) => void,
): Promise<Running> {
  const server = createServer(options, listener);
  prepare?.(server);
  const clients: RawClient[] = [];
  t.after(async () => {
    clients.forEach((client) => client.destroy());
    await shutDown(server);
  });
  const port = await listen(server, prefixPath);
  const request = (target: string, more: Parameters<typeof fetchOnce>[2] = {}): Promise<RawResponse> => fetchOnce(port, target, more);
  return {
    server,
    port,
    connect: async () => {
      const client = await RawClient.connect(port);
      clients.push(client);
      return client;
    },
    get: (target, headers) => request(target, { headers }),
    request,
  };
}
