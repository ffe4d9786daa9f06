/** The httpsys carrier against an HTTP.SYS of a few tables: registration, ports, named queues, channels, the end. */
import type { AddressInfo } from 'node:net';
import { after, beforeEach, describe, test } from 'node:test';
import * as assert from 'node:assert/strict';
import * as path from 'node:path';
import type { BoundUrl, CarrierEvents, Channel, OpenQueueOptions } from '../../src/carriers/carrier';
import { HttpSysCarrier } from '../../src/carriers/httpsys';
import { httpQueueEvents } from '../../src/carriers/httpsys-native';
import { eventually } from '../support/poll';

interface MemoryQueue {
  options: Record<string, unknown>;
  settings: Record<string, unknown> | null;
  started: number[];
  submitted: Buffer[];
  closed: boolean;
  referenced?: boolean;
  onBatch(batch: Uint8Array, length: number): void;
  onEvent(kind: number, token: number, code: number, text: string): void;
}
interface Machine {
  urls: Set<string>;
  names: Map<string, number>;
  foreignPorts: Set<number>;
  freePorts: number[];
  denied: Set<string>;
  unsupported: string[];
  calls: string[];
  queues: MemoryQueue[];
  flushCode?: number;
}

const addon = path.join(__dirname, '..', 'support', 'httpsys-in-memory.cjs');
const before = process.env.HTTPSYS_ADDON;
process.env.HTTPSYS_ADDON = addon;
after(() => {
  if (before === undefined) delete process.env.HTTPSYS_ADDON;
  else process.env.HTTPSYS_ADDON = before;
});
const { machine } = require(addon) as { machine: Machine };

class Application implements CarrierEvents {
  readonly carrier = new HttpSysCarrier(this);
  readonly log: string[] = [];
  failure: Error | null = null;
  channel: Channel | null = null;

  onChannel(channel: Channel): void {
    this.channel = channel;
    this.log.push('channel');
  }
  onBatch(_channel: Channel, batch: Uint8Array, offset: number, length: number): void {
    this.log.push(`batch ${Buffer.from(batch.subarray(offset, offset + length)).toString()}`);
  }
  onChannelClosed(): void {
    this.log.push('closed');
  }
  onLost(): void {
    assert.fail('nothing can be lost');
  }
  onRestored(): void {
    assert.fail('nothing can be restored');
  }
  onFailed(error: Error): void {
    this.failure = error;
  }
  open(prefixes: string[], options: Partial<OpenQueueOptions> = {}): { error: NodeJS.ErrnoException | null; bound: BoundUrl[] } {
    let result: { error: Error | null; bound: BoundUrl[] } | null = null;
    const urls = prefixes.map((prefix, urlContext) => ({ prefix, urlContext }));
    this.carrier.open({ credit: 16, ...options }, urls, (error, bound) => (result = { error, bound }));
    assert.ok(result !== null, 'open has answered when it returns');
    return result;
  }
  port(host: string | undefined, port: number): BoundUrl & { address: string } {
    assert.ok(this.carrier.openAlone !== undefined);
    const bound = this.carrier.openAlone({ credit: 16 }, { host, port }, 511, 0);
    return { ...bound, address: (bound.address as AddressInfo).address };
  }
  get queue(): MemoryQueue {
    const queue = machine.queues.at(-1);
    assert.ok(queue !== undefined);
    return queue;
  }
  close(): Promise<void> {
    return new Promise((resolve, reject) => this.carrier.close((error) => (error === null ? resolve() : reject(error))));
  }
}

beforeEach(() => {
  for (const set of [machine.urls, machine.names, machine.foreignPorts, machine.denied]) set.clear();
  for (const list of [machine.freePorts, machine.unsupported, machine.calls, machine.queues]) list.length = 0;
  delete machine.flushCode;
});

describe('registration', () => {
  test('prefixes are registered as written, and told in canonical form', () => {
    const { bound } = new Application().open(['http://+:80/Shop', 'http://Example.com:81/']);
    assert.deepEqual(machine.calls, ['add http://+:80/Shop/', 'add http://example.com:81/']);
    assert.deepEqual(bound, [
      { prefix: 'http://+:80/shop/', urlContext: 0, host: '', port: 80 },
      { prefix: 'http://example.com:81/', urlContext: 1, host: 'example.com', port: 81 },
    ]);
  });

  test('one that is refused takes the others back with it', async () => {
    machine.denied.add('http://+:80/b/');
    const application = new Application();
    const { error } = application.open(['http://+:80/a/', 'http://+:80/b/']);
    assert.equal(error?.code, 'EACCES');
    assert.equal(machine.urls.size, 0);
    assert.deepEqual(application.log, []);
    await application.close();
  });

  test('settings that the system does not know are warned of once, and are no failure', async () => {
    machine.unsupported.push('timeouts');
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
    assert.equal(new Application().open(['http://+:80/'], { entityBody: -1, minSendRate: -1, queueLength: 5 }).error, null);
    assert.match((await warned).message, /timeouts is not supported/);
    assert.deepEqual(machine.queues[0].settings, { queueLength: 5, entityBody: 0xffff, minSendRate: 0xffffffff });
  });
});

describe('ports', () => {
  for (const [host, url, address] of [
    [undefined, 'http://+:8080/', '::'],
    ['::', 'http://+:8080/', '::'],
    ['0.0.0.0', 'http://+:8080/', '::'],
    ['localhost', 'http://localhost:8080/', 'localhost'],
    ['127.0.0.1', 'http://127.0.0.1:8080/', '127.0.0.1'],
    ['::1', 'http://[::1]:8080/', '::1'],
    ['shop.example', 'http://shop.example:8080/', 'shop.example'],
  ] as const) {
    test(`host ${host} is ${url}`, () => {
      assert.equal(new Application().port(host, 8080).address, address);
      assert.deepEqual([...machine.urls], [url]);
    });
  }

  test('0 finds one that nobody has, before openAlone returns', () => {
    machine.freePorts.push(5001, 5002, 5003);
    machine.foreignPorts.add(5001);
    machine.urls.add('http://+:5002/');
    assert.equal(new Application().port(undefined, 0).port, 5003);
  });

  test('without a free port it is EADDRINUSE', () => {
    assert.throws(() => new Application().port(undefined, 0), { code: 'EADDRINUSE' });
  });

  test('a port that is asked for is tried once', () => {
    machine.foreignPorts.add(5001);
    assert.throws(() => new Application().port(undefined, 5001), { code: 'EADDRINUSE', win32Code: 32, syscall: 'listen', port: 5001 });
    assert.equal(machine.calls.length, 1);
  });
});

describe('QUEUE-3: named queues', () => {
  test('create, create again, attach, and attach to none', () => {
    const creator = new Application();
    assert.equal(creator.open(['http://+:80/'], { name: 'shop' }).error, null);
    assert.equal(new Application().open(['http://+:81/'], { name: 'shop' }).error?.code, 'EEXIST');
    const attached = new Application();
    const { error, bound } = attached.open(['http://+:80/'], { name: 'shop', mode: 'attach' });
    assert.equal(error, null);
    // The URLs are the creator's (QUEUE-5); requests of them come with the contexts it gave.
    assert.equal(bound[0].prefix, 'http://+:80/');
    assert.deepEqual(machine.calls, ['add http://+:80/']);
    assert.equal(new Application().open(['http://+:82/'], { name: 'other', mode: 'attach' }).error?.code, 'ENOENT');
  });

  test('QUEUE-4: the access list goes with a queue that is created, and with no other', () => {
    const [first, second] = [new Application(), new Application()];
    const httpsys = { queueSecurity: 'D:(A;;GA;;;NS)' };
    first.open(['http://+:80/'], { name: 'shop', httpsys });
    assert.equal(first.queue.options.security, 'D:(A;;GA;;;NS)');
    second.open(['http://+:80/'], { name: 'shop', mode: 'createOrAttach', httpsys });
    assert.equal(second.queue.options.security, undefined);
    assert.ok(!('queueSecurity' in (first.queue.settings ?? {})));
  });

  test('createOrAttach creates for the first and attaches for the second', () => {
    for (const n of [0, 1]) {
      assert.equal(new Application().open(['http://+:80/'], { name: 'shop', mode: 'createOrAttach' }).error, null);
      assert.equal(machine.queues.at(-1)?.options.attach, n === 1);
    }
    assert.equal(machine.names.get('shop'), 2);
  });
});

describe('channels', () => {
  test('batches go both ways', () => {
    const application = new Application();
    application.open(['http://+:80/']);
    assert.deepEqual(application.queue.started, [16]);
    application.queue.onBatch(Buffer.from('frames...'), 6);
    application.channel?.send(Buffer.from('answers...'), 7);
    assert.deepEqual(application.log, ['channel', 'batch frames']);
    assert.deepEqual(application.queue.submitted.map(String), ['answers']);
  });

  test('one that the driver ends is followed by another', async () => {
    const application = new Application();
    application.open(['http://+:80/']);
    const first = application.channel;
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
    application.queue.onEvent(httpQueueEvents.failed, 0, 0, 'frame length 3 is out of range');
    first?.send(Buffer.from('late'), 4);
    assert.match((await warned).message, /frame length 3/);
    assert.deepEqual(application.log, ['channel', 'closed', 'channel']);
    assert.deepEqual(application.queue.submitted, []);
    assert.deepEqual(application.queue.started, [16, 16]);
    assert.notEqual(application.channel?.id, first?.id);
  });

  test('RECV-1: where receives fail, it is tried again with longer and longer waits, and after the fifth the queue is given up', async () => {
    const application = new Application();
    application.open(['http://+:80/']);
    const { queue } = application;
    for (let starts = 1; starts <= 6; starts++) {
      assert.equal(queue.started.length, starts);
      queue.onEvent(httpQueueEvents.failed, 0, 5, 'HttpReceiveHttpRequest fails again and again');
      if (starts === 6) break;
      await eventually('another channel', () => queue.started.length > starts);
    }
    await eventually('the end', () => application.failure !== null);
    assert.deepEqual(
      { ...application.failure },
      { ...application.failure, code: 'ERR_HTTPSYS_DRIVER', win32Code: 5, syscall: 'HttpReceiveHttpRequest' },
    );
    assert.equal(application.log.filter((line) => line === 'closed').length, 6);
    await eventually('the queue to close', () => queue.closed);
    assert.equal(machine.urls.size, 0);
  });

  test('RECV-1: a request in between makes the tries begin anew', async () => {
    const application = new Application();
    application.open(['http://+:80/']);
    const { queue } = application;
    for (let starts = 1; starts <= 8; starts++) {
      queue.onBatch(Buffer.from('frames...'), 6);
      queue.onEvent(httpQueueEvents.failed, 0, 1450, '');
      await eventually('another channel', () => queue.started.length > starts);
    }
    assert.equal(application.failure, null);
    await application.close();
  });
});

test('CACHE-33: flushing answers when the driver has, and tells its code', async () => {
  const application = new Application();
  application.open(['http://+:80/']);
  const flush = (): Promise<number> =>
    new Promise((resolve, reject) =>
      application.carrier.flushCache('http://+:80/a', true, (error, count) => (error === null ? resolve(count) : reject(error))),
    );
  assert.equal(await flush(), 0);
  assert.deepEqual(machine.calls.at(-1), 'flush http://+:80/a true');
  machine.flushCode = 120;
  await assert.rejects(flush(), { code: 'ERR_HTTPSYS_DRIVER', win32Code: 120, syscall: 'HttpFlushResponseCache' });
});

test('the state tells what this queue knows, and leaves out what only the kernel does', () => {
  const application = new Application();
  application.open(['http://+:80/']);
  application.carrier.queryState((error, state) => {
    assert.equal(error, null);
    const { requests, cache, queues, urls } = state as { requests: number; cache: null; queues: object[]; urls: { prefix: string }[] };
    assert.equal(requests, 7);
    assert.equal(cache, null);
    assert.deepEqual(Object.keys(queues[0]), ['id', 'attached', 'requests', 'inFlight', 'pids']);
    assert.equal(urls[0].prefix, 'http://+:80/');
  });
});

test('closing ends the channel at once, answers when the queue is closed, and leaves nothing', async () => {
  const application = new Application();
  application.open(['http://+:80/'], { name: 'shop' });
  const { queue } = application;
  const closing = application.close();
  assert.deepEqual(application.log, ['channel', 'closed']);
  assert.equal(queue.closed, false);
  await closing;
  assert.equal(queue.closed, true);
  assert.equal(machine.urls.size + machine.names.size, 0);
  queue.onBatch(Buffer.from('late'), 4);
  assert.deepEqual(application.log, ['channel', 'closed']);
  application.carrier.removeUrls((error) => assert.equal((error as NodeJS.ErrnoException).code, 'ERR_HTTPSYS_NOT_LISTENING'));
});

test('unref before and after open', () => {
  const application = new Application();
  application.carrier.unref();
  application.open(['http://+:80/']);
  assert.equal(application.queue.referenced, false);
  application.carrier.ref();
  assert.equal(application.queue.referenced, true);
});
