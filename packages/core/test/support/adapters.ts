import { once } from 'node:events';
import * as fs from 'node:fs';
import * as http from 'node:http';
import * as os from 'node:os';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Server } from '@httpsys/core';
import { freePort } from './free-port.cjs';

const deadlineMs = 15_000;

export type EngineName = 'embedded' | 'service';

/** Listens on a prefix of a free port; returns the base URL without its last slash. */
export async function listenOn(server: Server, folder: string, engine: EngineName): Promise<string> {
  const port = await freePort();
  server.listen({ prefix: `http://*:${port}${folder}`, engine });
  await once(server, 'listening');
  return `http://127.0.0.1:${port}${folder.slice(0, -1)}`;
}

export async function close(server: http.Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

/** Gives this test file a service of its own; the result waits until that service has left, and removes its folder. */
export function privateService(): () => Promise<void> {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'httpsys-'));
  process.env.HTTPSYS_RUNTIME_DIR = dir;
  return async () => {
    const end = Date.now() + deadlineMs;
    while (serviceSockets(dir).length > 0 && Date.now() < end) await sleep(50);
    const left = serviceSockets(dir);
    fs.rmSync(dir, { recursive: true, force: true });
    if (left.length > 0) throw new Error(`the service did not leave: ${left.join(', ')}`);
  };
}

function serviceSockets(dir: string): string[] {
  return fs.readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.sock'));
}

export interface Answer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: string;
}

/** One request on a connection of its own, with the target as given. */
export async function request(url: string, options: http.RequestOptions & { target?: string; body?: string } = {}): Promise<Answer> {
  const { target, body, ...rest } = options;
  const { hostname, port, pathname, search } = new URL(url);
  const req = http.request({ hostname, port, path: target ?? pathname + search, agent: false, timeout: deadlineMs, ...rest });
  req.on('timeout', () => req.destroy(new Error(`no answer from ${url}`)));
  req.end(body);
  const [res] = (await once(req, 'response')) as [http.IncomingMessage];
  res.setEncoding('utf8');
  let text = '';
  for await (const piece of res) text += piece as string;
  return { status: res.statusCode ?? 0, headers: res.headers, body: text };
}
