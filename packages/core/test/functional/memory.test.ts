import { test } from 'node:test';
import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { engine, runtimeDirectory, serve } from '../support/engine';
import { servicePid } from '../support/service-process';
import type { RawClient } from '../support/client';

const PAGE_BYTES = 4096;

/** Resident bytes of this process and of the service, if there is one. */
function residentBytes(): number {
  if (engine !== 'service') return process.memoryUsage.rss();
  const pids = [process.pid, servicePid(runtimeDirectory)].filter((pid) => pid !== null);
  return pids.reduce((sum, pid) => sum + Number(fs.readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES, 0);
}

async function rounds(client: RawClient, count: number, bytes: string): Promise<void> {
  const batch = 50;
  for (let n = 0; n < count; n += batch) {
    client.send(bytes.repeat(batch));
    for (let m = 0; m < batch; m++) await client.response();
  }
}

const MEGABYTE = 1024 * 1024;

test('memory stays flat over 10,000 requests of one connection', async (t) => {
  const { connect } = await serve(t, (_req, res) => res.end('hello'));
  const client = await connect();
  const bytes = 'GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: memory\r\n\r\n';
  await rounds(client, 5000, bytes);
  const before = residentBytes();
  await rounds(client, 10_000, bytes);
  const grown = residentBytes() - before;
  assert.ok(grown < 48 * MEGABYTE, `grown by ${Math.round(grown / MEGABYTE)} MiB`);
});

test('memory stays flat over 1,000 connections that come and go', async (t) => {
  const { request } = await serve(t, (req, res) => {
    req.resume();
    req.on('end', () => res.end('x'.repeat(2000)));
  });
  const some = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n += 10)
      await Promise.all(Array.from({ length: 10 }, () => request('/', { method: 'POST', body: 'y'.repeat(5000) })));
  };
  await some(300);
  const before = residentBytes();
  await some(1000);
  const grown = residentBytes() - before;
  assert.ok(grown < 64 * MEGABYTE, `grown by ${Math.round(grown / MEGABYTE)} MiB`);
});

test('a body of 64 MiB passes through without being kept', async (t) => {
  let received = 0;
  let highest = 0;
  const { connect } = await serve(t, (req, res) => {
    req.on('data', (piece: Buffer) => {
      received += piece.length;
      highest = Math.max(highest, (req as unknown as { readableLength: number }).readableLength);
    });
    req.on('end', () => res.end(String(received)));
  });
  const client = await connect();
  const total = 64 * MEGABYTE;
  const piece = Buffer.alloc(MEGABYTE);
  client.send(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${total}\r\n\r\n`);
  for (let n = 0; n < 64; n++) {
    if (!client.socket.write(piece)) await new Promise((resolve) => client.socket.once('drain', resolve));
  }
  assert.equal((await client.response({ ms: 30_000 })).text, String(total));
  assert.ok(highest < 4 * MEGABYTE, `${highest} bytes waited`);
});
