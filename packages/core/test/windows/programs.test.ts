import { execFile } from 'node:child_process';
import * as assert from 'node:assert/strict';
import * as http from 'node:http';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { freePort } from '../support/free-port.cjs';
import { ask, unavailable, WindowsPrograms } from './windows-programs';

const available = { skip: unavailable };

interface State {
  pid: number;
  platform: string;
  rss: number;
  heapUsed: number;
  external: number;
  handles: number;
}

const curl = async (url: string): Promise<string> => (await promisify(execFile)('curl', ['-s', '--max-time', '20', url])).stdout;

test('the Express example, as it is, serves its prefix while a second process serves another of the same port', available, async (t) => {
  const port = await freePort();
  const programs = new WindowsPrograms(t, ['examples/express-app/app.mjs', 'test/windows/load-server.cjs'], port);
  await programs.printed('/express/hello');
  await programs.printed('listening load');
  const express = JSON.parse(await curl(`http://127.0.0.1:${port}/express/hello`)) as { app: string; pid: number; url: string };
  const other = JSON.parse(await curl(`http://127.0.0.1:${port}/load/state`)) as State;
  assert.equal(express.app, 'express');
  assert.equal(express.url, '/express/hello');
  assert.equal(other.platform, 'win32');
  assert.notEqual(express.pid, other.pid);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
  t.after(() => agent.destroy());
  const targets = Array.from({ length: 200 }, (_, n) => (n % 2 === 0 ? '/express/hello' : '/load/hello'));
  const answers = await Promise.all(targets.map((target) => ask(port, target, agent)));
  assert.ok(answers.every(({ status }) => status === 200));
  const apps = answers.map(({ body }, n) =>
    n % 2 === 0 ? (JSON.parse(body.toString()) as { pid: number }).pid === express.pid : body.toString() === 'hello',
  );
  assert.ok(apps.every(Boolean), 'each request reached the process of its prefix, on shared connections');
  assert.ok(programs.running, programs.output);
});

/** HTTPSYS_LOAD_REQUESTS=20000 takes some minutes. */
const requests = Number(process.env.HTTPSYS_LOAD_REQUESTS) || 2000;
const connections = 8;

test(
  `${requests} requests of Linux clients over ${connections} connections, with bodies and streams: no error, no growth in memory or handles`,
  available,
  async (t) => {
    const port = await freePort();
    const programs = new WindowsPrograms(t, ['test/windows/load-server.cjs'], port);
    await programs.printed('listening load');
    const agent = new http.Agent({ keepAlive: true, maxSockets: connections });
    t.after(() => agent.destroy());
    const body = Buffer.alloc(1500, 'b');
    const streamed = `${'x'.repeat(1000).repeat(4)}end`;

    const one = async (n: number): Promise<void> => {
      const kind = n % 5;
      const target = kind === 0 ? '/load/stream' : kind < 3 ? '/load/echo' : '/load/hello';
      const answer = await ask(port, target, agent, kind === 1 || kind === 2 ? body : undefined);
      assert.equal(answer.status, 200);
      if (kind === 0) assert.equal(answer.body.toString(), streamed);
      else if (kind < 3) assert.ok(answer.body.equals(body));
      else assert.equal(answer.body.toString(), 'hello');
    };
    const run = async (count: number): Promise<State> => {
      let next = 0;
      const worker = async (): Promise<void> => {
        while (next < count) await one(next++);
      };
      await Promise.all(Array.from({ length: connections }, worker));
      return JSON.parse((await ask(port, '/load/state', agent)).body.toString()) as State;
    };

    const early = await run(requests / 4);
    const late = await run((requests / 4) * 3);
    t.diagnostic(`after a quarter: ${JSON.stringify(early)}; at the end: ${JSON.stringify(late)}`);
    assert.ok(late.handles <= early.handles + 16, `${early.handles} handles, then ${late.handles}`);
    assert.ok(late.rss <= early.rss + 16 * 1024 * 1024, `${early.rss} bytes, then ${late.rss}`);
    assert.ok(late.heapUsed + late.external <= early.heapUsed + early.external + 4 * 1024 * 1024, 'the heap grew');
    assert.ok(programs.running, programs.output);
  },
);
