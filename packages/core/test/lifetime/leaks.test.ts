/**
 * Nothing is left behind by requests, whatever became of them: heap, native memory, handles and counters of the application, and of the service.
 * HTTPSYS_LEAK_REQUESTS says how many requests (20,000; a long run is 1,000,000, see CONTRIBUTING.md).
 */
import { test } from 'node:test';
import * as assert from 'node:assert/strict';
import * as path from 'node:path';
import { engine } from '../support/engine';
import { freePort } from '../support/free-port.cjs';
import { startChild } from '../support/child';

const requests = Number(process.env.HTTPSYS_LEAK_REQUESTS ?? 20_000);
/** What a request may take on a busy machine, and the start of everything. */
const deadline = 60_000 + requests;
const MEGABYTE = 1024 * 1024;

interface Measured {
  heapUsed: number;
  external: number;
  arrayBuffers: number;
  rss: number;
  resources: Record<string, number>;
  handles: number | null;
  service?: { rss: number; handles: number };
}

test(`${requests} requests with bodies, aborts and upgrades among them leave nothing behind`, async (t) => {
  const environment = { REQUESTS: String(requests), ...(engine === 'service' && { PORT: String(await freePort()) }) };
  const program = path.join(__dirname, '..', 'support', 'leak-load.cjs');
  const child = startChild(t, `require(${JSON.stringify(program)})`, environment, ['--expose-gc']);
  const measured = (await child.report('measured', deadline)).measured as Measured[];
  // The half before is for pools, caches and the compiler.
  const before = measured[1] as Measured;
  const after = measured.at(-1) as Measured;
  t.diagnostic(JSON.stringify(measured));
  const grown = (what: string, from: number | undefined, to: number | undefined, allowed: number): void => {
    const bytes = (to ?? 0) - (from ?? 0);
    assert.ok(bytes <= allowed, `${what} grew by ${bytes} bytes: ${JSON.stringify(measured)}`);
  };
  grown('the heap', before.heapUsed, after.heapUsed, 1 * MEGABYTE);
  grown('external memory', before.external, after.external, 1 * MEGABYTE);
  grown('array buffers', before.arrayBuffers, after.arrayBuffers, 1 * MEGABYTE);
  // Room for the allocator: with AddressSanitizer what was freed is kept for a while (scripts/test-sanitize.mjs).
  grown('resident memory', before.rss, after.rss, 24 * MEGABYTE);
  grown("the service's resident memory", before.service?.rss, after.service?.rss, 24 * MEGABYTE);
  assert.deepEqual(after.resources, before.resources, 'active resources');
  assert.equal(after.handles, before.handles, 'open descriptors');
  assert.equal(after.service?.handles, before.service?.handles, 'open descriptors of the service');
  await child.report('closed');
  assert.deepEqual(await child.exited(), { code: 0, signal: null });
});
