import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { ControlPlane, type Session } from '../../src/service/control-plane';
import { MAX_QUEUE_NAME_LENGTH, MAX_URLS_PER_QUEUE } from '../../src/service/limits';
import { checkQueueMode, checkQueueName, checkQueueOptions, checkRegistrations, checkUrl } from '../../src/service/check';
import type { ServiceState } from '../../src/service/state';
import { FakeEngine } from './fake-engine';
import { until } from './service-support';

const planes: ControlPlane[] = [];
afterEach(() => {
  for (const plane of planes.splice(0)) plane.close();
});

function setUp(orphanGraceMs = 10_000): { engine: FakeEngine; plane: ControlPlane } {
  const engine = new FakeEngine();
  const plane = new ControlPlane(engine, { attachKeys: true, orphanGraceMs });
  planes.push(plane);
  return { engine, plane };
}

let nextPid = 100;
function application(plane: ControlPlane, prefixes: string[] = [], name?: string): Session {
  const session = plane.openSession(nextPid++, '0.1.0');
  plane.openQueue(session, { name, mode: name === undefined ? 'create' : 'createOrAttach', options: {} });
  if (prefixes.length > 0) add(plane, session, ...prefixes);
  return session;
}

function add(plane: ControlPlane, session: Session, ...prefixes: string[]): ReturnType<ControlPlane['addUrls']> {
  const urls = prefixes.map((prefix, urlContext) => ({ prefix, urlContext }));
  return plane.addUrls(session, urls, { backlog: 100 });
}

function ports(engine: FakeEngine): string[] {
  return [...engine.listening].sort();
}

describe('request queues', () => {
  test('QUEUE-3: creating a name that exists is EEXIST, attaching to one that does not is ENOENT', () => {
    const { plane } = setUp();
    plane.openQueue(plane.openSession(1, 'v'), { name: 'shop', mode: 'create', options: {} });
    const second = plane.openSession(2, 'v');
    assert.throws(() => plane.openQueue(second, { name: 'Shop', mode: 'create', options: {} }), { code: 'EEXIST', message: /Shop/ });
    assert.throws(() => plane.openQueue(second, { name: 'other', mode: 'attach', options: {} }), { code: 'ENOENT' });
    assert.throws(() => plane.openQueue(second, { mode: 'attach', options: {} }), { code: 'EINVAL' });
    assert.equal(plane.openQueue(second, { name: 'SHOP', mode: 'attach', options: {} }).created, false);
  });

  test('QUEUE-2: names have no path separators and a bounded length', () => {
    assert.equal(checkQueueName(''), undefined);
    assert.equal(checkQueueName('x'.repeat(MAX_QUEUE_NAME_LENGTH))?.length, MAX_QUEUE_NAME_LENGTH);
    for (const name of ['a/b', 'a\\b', 'a\nb', 'x'.repeat(MAX_QUEUE_NAME_LENGTH + 1)]) {
      assert.throws(() => checkQueueName(name), { code: 'ERR_HTTPSYS_QUEUE_NAME' });
    }
    assert.throws(() => checkQueueName(5), { code: 'EINVAL' });
  });

  test('QUEUE-5: only the options of the creator count, then those of the next in line', () => {
    const { plane, engine } = setUp();
    const first = application(plane, [], 'q');
    const second = application(plane, [], 'q');
    assert.equal(plane.setOptions(second, { queueLength: 5 }), false);
    assert.equal(plane.setOptions(first, { queueLength: 7 }), true);
    assert.equal([...engine.queues.values()][0].queueLength, 7);
    plane.closeQueue(first);
    assert.equal(plane.setOptions(second, { queueLength: 5 }), true);
  });

  test('a named queue lives until the last process leaves', () => {
    const { plane, engine } = setUp();
    const first = application(plane, ['http://*:80/a/'], 'q');
    const second = application(plane, ['http://*:80/a/'], 'q');
    assert.equal(engine.queues.size, 1);
    assert.equal(engine.urls.length, 1);
    plane.closeSession(first);
    assert.equal(engine.urls.length, 1);
    plane.closeSession(second);
    assert.equal(engine.urls.length, 0);
    assert.equal(engine.queues.size, 0);
    assert.equal(engine.keys.size, 0);
  });

  test('each session has a key of its own, void when it is gone', () => {
    const { plane, engine } = setUp();
    const first = application(plane, [], 'q');
    const key = Buffer.from(first.key as Uint8Array).toString('hex');
    application(plane, [], 'q');
    assert.equal(engine.keys.size, 2);
    assert.equal(first.key?.length, 16);
    plane.sessionLost(first);
    assert.equal(engine.keys.has(key), false);
    assert.equal(engine.keys.size, 1);
  });

  test('a session has one queue', () => {
    const { plane } = setUp();
    const session = application(plane);
    assert.throws(() => plane.openQueue(session, { mode: 'create', options: {} }), { code: 'EINVAL' });
  });
});

describe('URL registration', () => {
  test('URL-20: a duplicate is EADDRINUSE with the prefix and the pid that has it', () => {
    const { plane } = setUp();
    const holder = application(plane, ['http://*:80/shop/']);
    assert.throws(
      () => application(plane, ['http://*:80/SHOP']),
      (error: NodeJS.ErrnoException & { prefix?: string; pid?: number }) => {
        assert.equal(error.code, 'EADDRINUSE');
        assert.equal(error.syscall, 'listen');
        assert.equal(error.pid, holder.pid);
        assert.match(error.prefix ?? '', /^http:\/\/\*:80\//);
        assert.ok(error.message.includes(String(holder.pid)));
        return true;
      },
    );
  });

  test('URL-22: nested paths and other buckets are no conflict', () => {
    const { plane, engine } = setUp();
    application(plane, ['http://*:80/', 'http://*:80/a/', 'http://+:80/', 'http://example.org:80/', 'http://127.0.0.1:80/']);
    assert.equal(engine.urls.length, 5);
  });

  test('all or none: one that is taken leaves nothing behind', () => {
    const { plane, engine } = setUp();
    application(plane, ['http://*:80/taken/']);
    assert.throws(() => application(plane, ['http://*:81/a/', 'http://*:80/taken/', 'http://*:82/']), { code: 'EADDRINUSE' });
    assert.equal(engine.urls.length, 1);
    assert.deepEqual(ports(engine), [':80']);
  });

  test('all or none: a port that is held elsewhere frees those bound before it', () => {
    const { plane, engine } = setUp();
    engine.foreign.add(':81');
    const session = application(plane);
    assert.throws(() => add(plane, session, 'http://*:80/a/', 'http://*:81/a/'), {
      code: 'EADDRINUSE',
      message: /held by another program/,
      port: 81,
      prefix: 'http://*:81/a/',
    });
    assert.deepEqual(ports(engine), []);
    assert.equal(engine.urls.length, 0);
    add(plane, session, 'http://*:80/a/');
    assert.deepEqual(ports(engine), [':80']);
  });

  test('the same prefix twice in one call is EADDRINUSE', () => {
    const { plane } = setUp();
    assert.throws(() => application(plane, ['http://*:80/a/', 'http://*:80/A']), { code: 'EADDRINUSE' });
  });

  test('URL-21: http and https cannot share a port; https alone is not supported yet', () => {
    const { plane } = setUp();
    application(plane, ['http://*:80/']);
    assert.throws(() => application(plane, ['https://*:80/x/']), { code: 'EADDRINUSE', message: /URL-21/ });
    assert.throws(() => application(plane, ['http://*:81/', 'https://*:81/']), { code: 'EADDRINUSE', message: /URL-21/ });
    assert.throws(() => application(plane, ['https://*:443/']), { code: 'ERR_HTTPSYS_TLS_UNSUPPORTED' });
  });

  test('EACCES comes with a remedy', () => {
    const { plane, engine } = setUp();
    engine.forbidden.add(80);
    const remedy = process.platform === 'linux' ? /setcap cap_net_bind_service=\+ep|ip_unprivileged_port_start/ : /above 1023/;
    assert.throws(() => application(plane, ['http://*:80/']), { code: 'EACCES', message: remedy });
  });

  test('port 0 finds one free port for all prefixes of the call', () => {
    const { plane, engine } = setUp();
    const { bound } = add(plane, application(plane), 'http://*:0/a/', 'http://*:0/b/', 'http://*:77/c/');
    assert.equal(bound[0].port, bound[1].port);
    assert.ok(bound[0].port > 0);
    assert.equal(bound[0].prefix, `http://*:${bound[0].port}/a/`);
    assert.equal(bound[2].port, 77);
    assert.deepEqual(
      bound.map((url) => url.urlContext),
      [0, 1, 2],
    );
    assert.equal(engine.urls.length, 3);
  });

  test('a malformed prefix costs nothing', () => {
    const { plane, engine } = setUp();
    assert.throws(() => application(plane, ['http://*:80/a/', 'http://*/b/']), { code: 'ERR_HTTPSYS_PREFIX_INVALID' });
    assert.deepEqual(ports(engine), []);
  });

  test('processes on one queue that numbered differently get contexts that are told apart', () => {
    const { plane, engine } = setUp();
    application(plane, ['http://*:80/a/', 'http://*:80/b/'], 'q');
    const { bound } = add(plane, application(plane, [], 'q'), 'http://*:80/b/', 'http://*:80/c/');
    assert.equal(bound[0].urlContext, 1);
    assert.equal(new Set(engine.urls.map((url) => url.urlContext)).size, 3);
    assert.equal(bound[1].urlContext, engine.urls.find((url) => url.path === '/c/')?.urlContext);
  });

  test('a queue has a bounded number of prefixes', () => {
    const { plane } = setUp();
    const session = application(plane);
    const urls = Array.from({ length: MAX_URLS_PER_QUEUE }, (_, index) => `http://*:80/${index}/`);
    add(plane, session, ...urls);
    assert.throws(() => add(plane, session, 'http://*:80/more/'), { code: 'EMFILE' });
    assert.throws(() => checkRegistrations(Array(MAX_URLS_PER_QUEUE + 1).fill({ prefix: 'x', urlContext: 0 })), { code: 'EINVAL' });
  });
});

describe('ports', () => {
  for (const [prefixes, expected] of [
    [['http://*:80/'], [':80']],
    [['http://+:80/'], [':80']],
    [['http://example.org:80/'], [':80']],
    [
      ['http://localhost:80/', 'http://localhost:80/a/'],
      ['127.0.0.1:80', '::1:80'],
    ],
    [['http://127.0.0.2:80/'], ['127.0.0.2:80']],
    [['http://[::1]:80/'], ['::1:80']],
    [
      ['http://localhost:80/', 'http://127.0.0.2:80/'],
      ['127.0.0.1:80', '127.0.0.2:80', '::1:80'],
    ],
    [['http://localhost:80/', 'http://*:80/a/'], [':80']],
  ] as const) {
    test(`${prefixes.join(' and ')} listen on ${expected.join(', ')}`, () => {
      const { plane, engine } = setUp();
      application(plane, [...prefixes]);
      assert.deepEqual(ports(engine), [...expected]);
    });
  }

  test('the sockets follow the prefixes that are there', () => {
    const { plane, engine } = setUp();
    application(plane, ['http://localhost:80/']);
    const wide = application(plane, ['http://*:80/a/']);
    assert.deepEqual(ports(engine), [':80']);
    plane.closeSession(wide);
    assert.deepEqual(ports(engine), ['127.0.0.1:80', '::1:80']);
  });

  test('a rebind that fails leaves the old sockets', () => {
    const { plane, engine } = setUp();
    application(plane, ['http://localhost:80/']);
    engine.foreign.add('127.0.0.9:80');
    assert.throws(() => application(plane, ['http://*:80/a/']), { code: 'EADDRINUSE' });
    assert.deepEqual(ports(engine), ['127.0.0.1:80', '::1:80']);
    assert.equal(engine.urls.length, 1);
  });

  test('a session that gives its URLs up learns whether others of its queue have them', () => {
    const { plane } = setUp();
    const first = application(plane, ['http://*:80/a/'], 'shop');
    const second = application(plane, ['http://*:80/a/'], 'shop');
    application(plane, ['http://*:80/b/']);
    assert.equal(plane.removeUrls(second), true);
    assert.equal(plane.removeUrls(first), false);
  });

  test('one port is one socket, closed with its last prefix', () => {
    const { plane, engine } = setUp();
    const first = application(plane, ['http://*:80/a/']);
    const second = application(plane, ['http://*:80/b/', 'http://*:81/']);
    assert.deepEqual(ports(engine), [':80', ':81']);
    plane.removeUrls(second);
    assert.deepEqual(ports(engine), [':80']);
    plane.closeSession(first);
    assert.deepEqual(ports(engine), []);
    assert.deepEqual(
      engine.log.filter((line) => line.endsWith(':80')),
      ['+:80', '-:80'],
    );
  });

  test('a lone listener is routed by a key of its own, and the system alone decides whether its address is free', () => {
    const { plane, engine } = setUp();
    const bind = (host: string, port: number): unknown => plane.listenAlone(application(plane), { host, port }, 1, 0);
    bind('127.0.0.1', 80);
    bind('127.0.0.2', 80);
    assert.deepEqual([...engine.lone.values()], ['127.0.0.1:80', '127.0.0.2:80']);
    assert.deepEqual(
      engine.urls.map(({ hostKind, host, port }) => ({ hostKind, host, known: engine.lone.has(port) })),
      [0, 1].map(() => ({ hostKind: 0, host: '', known: true })),
    );
    assert.throws(() => bind('', 80), { code: 'EADDRINUSE', message: /:::80$/ });
    assert.throws(() => bind('127.0.0.1', 80), { code: 'EADDRINUSE' });
    assert.throws(() => add(plane, application(plane), 'http://+:80/'), { code: 'EADDRINUSE' });
    assert.deepEqual((plane.queryState() as ServiceState).ports, [
      { port: 80, addresses: ['127.0.0.1'] },
      { port: 80, addresses: ['127.0.0.2'] },
    ]);
  });

  test('its address is free again when its session is closed', () => {
    const { plane, engine } = setUp();
    const session = application(plane);
    plane.listenAlone(session, { host: '127.0.0.1', port: 80 }, 1, 0);
    plane.closeSession(session);
    assert.equal(engine.lone.size, 0);
    assert.deepEqual(engine.urls, []);
    plane.listenAlone(application(plane), { host: '127.0.0.1', port: 80 }, 1, 0);
  });

  test('those who ask a named queue for any port get the one that was found for the first', () => {
    const { plane, engine } = setUp();
    const sessions = [1, 2, 3].map(() => application(plane, [], 'shared'));
    const ports = sessions.map((session) => add(plane, session, 'http://+:0/').bound[0]?.port);
    assert.equal(new Set(ports).size, 1);
    assert.equal(engine.listening.size, 1);
    // The same session asks for another one.
    assert.notEqual(add(plane, sessions[0] as (typeof sessions)[0], 'http://+:0/').bound[0]?.port, ports[0]);
  });

  test('a free port that cannot be had gives back what was bound for the same call', () => {
    const { plane, engine } = setUp();
    const session = application(plane);
    engine.forbidden.add(40_000);
    assert.throws(() => add(plane, session, 'http://*:80/', 'http://*:0/'), { code: 'EACCES' });
    assert.deepEqual(ports(engine), []);
  });

  test('localhost works without IPv6', () => {
    const { plane, engine } = setUp();
    engine.hasIPv6 = false;
    application(plane, ['http://localhost:80/']);
    assert.deepEqual(ports(engine), ['127.0.0.1:80']);
    application(plane, ['http://localhost:80/a/']);
    assert.deepEqual(ports(engine), ['127.0.0.1:80']);
  });
});

describe('a process that dies', () => {
  test('leaves its prefixes without a channel until the grace time is over', async () => {
    const { plane, engine } = setUp(30);
    const session = application(plane, ['http://*:80/a/']);
    plane.sessionLost(session);
    assert.equal(engine.urls.length, 1);
    assert.equal(engine.keys.size, 0);
    assert.deepEqual(ports(engine), [':80']);
    await until('the prefixes are dropped', () => engine.urls.length === 0);
    assert.equal(engine.queues.size, 0);
    assert.deepEqual(ports(engine), []);
  });

  test('its successor with the same prefixes continues the queue, so that cached responses stay', () => {
    const { plane, engine } = setUp();
    const session = application(plane, ['http://*:80/a/', 'http://*:80/b/']);
    const [queueId] = engine.queues.keys();
    plane.sessionLost(session);
    const next = plane.openSession(1, 'v');
    const opened = plane.openQueue(next, { mode: 'create', options: { queueLength: 3 } });
    const added = add(plane, next, 'http://*:80/b/', 'http://*:80/a/');
    assert.deepEqual([...engine.queues.keys()], [queueId]);
    assert.equal(engine.queues.get(queueId)?.queueLength, 3);
    assert.equal(engine.queues.get(queueId)?.enabled, true);
    assert.equal(engine.urls.find((url) => url.path === '/b/')?.urlContext, 0);
    assert.notEqual(added.key, null);
    assert.notDeepEqual(added.key, opened.key);
    assert.deepEqual([...engine.keys], [[Buffer.from(added.key as Uint8Array).toString('hex'), queueId]]);
    plane.closeSession(next);
    assert.equal(engine.queues.size, 0);
  });

  test('a successor with other prefixes takes only what it asks for', () => {
    const { plane, engine } = setUp();
    const session = application(plane, ['http://*:80/a/', 'http://*:80/b/']);
    plane.sessionLost(session);
    const next = application(plane, ['http://*:80/a/', 'http://*:80/c/']);
    const [mine, old] = [next.queue?.nativeId, engine.urls.find((url) => url.path === '/b/')?.queueId];
    assert.notEqual(mine, old);
    assert.deepEqual(
      engine.urls
        .filter((url) => url.queueId === mine)
        .map((url) => url.path)
        .sort(),
      ['/a/', '/c/'],
    );
  });

  test('taking the last prefix of the dead ends its queue', () => {
    const { plane, engine } = setUp();
    plane.sessionLost(application(plane, ['http://*:80/a/']));
    application(plane, ['http://*:80/a/', 'http://*:80/c/']);
    assert.equal(engine.queues.size, 1);
    assert.equal(engine.urls.length, 2);
  });

  test('a failed successor leaves the orphan as it was', () => {
    const { plane, engine } = setUp();
    plane.sessionLost(application(plane, ['http://*:80/a/', 'http://*:80/b/']));
    engine.foreign.add(':81');
    assert.throws(() => application(plane, ['http://*:80/a/', 'http://*:81/']), { code: 'EADDRINUSE' });
    assert.equal(engine.urls.length, 2);
    assert.deepEqual(ports(engine), [':80']);
  });

  test('the others on a named queue go on, and its name is free for a successor when all died', () => {
    const { plane, engine } = setUp();
    const first = application(plane, ['http://*:80/a/'], 'q');
    const second = application(plane, ['http://*:80/a/'], 'q');
    plane.sessionLost(first);
    assert.equal(engine.urls.length, 1);
    plane.sessionLost(second);
    const [queueId] = engine.queues.keys();
    const next = plane.openSession(1, 'v');
    assert.throws(() => plane.openQueue(next, { name: 'q', mode: 'attach', options: {} }), { code: 'ENOENT' });
    assert.equal(plane.openQueue(next, { name: 'q', mode: 'create', options: {} }).created, true);
    assert.deepEqual([...engine.queues.keys()], [queueId]);
    add(plane, next, 'http://*:80/a/');
    assert.equal(engine.urls.length, 1);
  });

  test('an orderly close leaves nothing', () => {
    const { plane, engine } = setUp();
    const session = application(plane, ['http://*:80/a/']);
    plane.closeQueue(session);
    plane.sessionLost(session);
    assert.equal(engine.urls.length, 0);
    assert.equal(engine.queues.size, 0);
  });

  test('a dead process does not make a duplicate', () => {
    const { plane } = setUp();
    plane.sessionLost(application(plane, ['http://*:80/a/'], 'q'));
    application(plane, ['http://*:80/a/']);
  });
});

describe('the rest of the control plane', () => {
  test('CACHE-33: flushing reaches the own queue only, or all for a session without one', () => {
    const { plane, engine } = setUp();
    const first = application(plane, ['http://*:80/a/']);
    application(plane, ['http://*:80/b/']);
    assert.equal(plane.flushCache(first, 'http://x:80/a/1', true), 1);
    assert.deepEqual(engine.flushed, [{ queueId: first.queue?.nativeId, url: 'http://x:80/a/1', recursive: true }]);
    assert.equal(plane.flushCache(plane.openSession(9, 'v'), 'http://x:80/', false), 2);
  });

  test('the state joins counters with prefixes, names and pids', () => {
    const { plane, engine } = setUp();
    const session = application(plane, ['http://*:80/a/', 'http://*:80/b/'], 'shop');
    const id = session.queue?.nativeId as number;
    engine.state = {
      requests: 9,
      queues: [{ id, depth: 2, attached: 1, requests: 8, hits: 3, inFlight: 1 }],
      urls: [{ queueId: id, urlContext: 1, requests: 5, hits: 3 }],
    };
    const state = plane.queryState();
    assert.equal(state.requests, 9);
    assert.deepEqual(state.queues, [{ id, depth: 2, attached: 1, requests: 8, hits: 3, inFlight: 1, pids: [session.pid], name: 'shop' }]);
    assert.deepEqual(
      state.urls.map((url) => [url.prefix, url.requests, url.hits, url.pids]),
      [
        ['http://*:80/a/', 0, 0, [session.pid]],
        ['http://*:80/b/', 5, 3, [session.pid]],
      ],
    );
  });

  test('options are checked by name, type and range; unknown ones are left out', () => {
    assert.deepEqual(checkQueueOptions({ queueLength: 5, enabled: false, later: 1, entityBody: -1 }), {
      queueLength: 5,
      enabled: false,
      entityBody: -1,
    });
    for (const bad of [
      { queueLength: 0 },
      { queueLength: 1.5 },
      { queueLength: '5' },
      { enabled: 1 },
      { entityBody: -2 },
      { cacheEntryBytes: 2 ** 25 },
    ]) {
      assert.throws(() => checkQueueOptions(bad), { code: 'EINVAL' });
    }
    for (const bad of [null, [], 'x']) if (bad !== null) assert.throws(() => checkQueueOptions(bad), { code: 'EINVAL' });
  });

  test('what comes over the wire is checked', () => {
    for (const bad of [
      {},
      'x',
      [1],
      [{ prefix: 5, urlContext: 0 }],
      [{ prefix: 'x', urlContext: -1 }],
      [{ prefix: 'x'.repeat(20_000), urlContext: 0 }],
    ]) {
      assert.throws(() => checkRegistrations(bad), { code: 'EINVAL' });
    }
    assert.throws(() => checkQueueMode('open'), { code: 'EINVAL' });
    for (const bad of [undefined, '/path', 'ftp://x/', 'http://x']) assert.throws(() => checkUrl(bad), { code: 'EINVAL' });
  });
});
