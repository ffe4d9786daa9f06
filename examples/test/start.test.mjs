// `npm start` as a user meets it: the supervisor in a process of its own, five apps, several clients at once.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { canListProcesses } from '../../scripts/lib/processes.mjs';
import { freePort } from '../../packages/core/test/support/free-port.cjs';
import { Run, until } from './helpers.mjs';

const apps = ['express', 'fastify', 'koa', 'plain'];
const backMs = 15_000;

describe('npm start', () => {
  let run;
  before(async () => {
    run = new Run(await freePort());
    await run.ready();
  });
  after(async () => {
    const { code, signal, left } = await run.stop();
    assert.deepEqual({ code, signal, left }, { code: 0, signal: null, left: [] });
  });

  test('prints a table of URLs and pids, and then that it is ready', async () => {
    assert.equal(run.output.at(run.output.findIndex((line) => line.startsWith('ready '))), `ready http://localhost:${run.port}/`);
    for (const app of apps) {
      const line = run.output.find((each) => each.startsWith(`${app} `));
      assert.match(line, new RegExp(`http://localhost:${run.port}/${app}/ +\\d+$`));
    }
    assert.ok(run.output.some((line) => /^landing +http:\/\/localhost:\d+\/ +\d+$/.test(line)));
  });

  test('the four apps answer on one port from four processes, each relative to its prefix', async () => {
    const answers = await Promise.all(apps.map((app) => run.json(`/${app}/hello?x=1`)));
    assert.deepEqual(
      answers.map(({ app, path, url }) => ({ app, path, url })),
      apps.map((app) => ({ app, path: '/hello', url: `/${app}/hello?x=1` })),
    );
    assert.equal(new Set(answers.map((answer) => answer.pid)).size, 4);
  });

  for (const app of apps) {
    test(`${app}: two answers of time within its life are identical, and the second never reached the app`, async () => {
      // A pair that an expiry falls into says nothing and is asked for again.
      await until(
        async () => {
          const before = await run.json(`/${app}/hello?before`);
          const times = [await run.json(`/${app}/time`), await run.json(`/${app}/time`)];
          const after = await run.json(`/${app}/hello?after`);
          if (times[0].time !== times[1].time || after.pid !== before.pid) return false;
          // The app counts what it is asked: the second hello, and the first time unless that was cached as well.
          assert.ok(after.served - before.served <= 2, `${after.served - before.served} requests reached the app`);
          return true;
        },
        backMs,
        'two equal times',
      );
    });

    test(`${app}: what is posted to echo comes back, small and large`, async () => {
      for (const body of ['', '{"a":1}', 'x'.repeat(300_000)]) {
        const answer = await run.request(`/${app}/echo`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
        assert.equal(answer.status, 200);
        assert.equal(answer.body, body);
        assert.match(answer.headers['content-type'], /^application\/json/);
      }
    });

    test(`${app}: stream sends five pieces, chunked`, async () => {
      const answer = await run.request(`/${app}/stream`);
      assert.equal(answer.headers['transfer-encoding'], 'chunked');
      assert.deepEqual(
        answer.body.trim().split('\n'),
        [1, 2, 3, 4, 5].map((piece) => `piece ${piece} of 5`),
      );
    });

    test(`${app}: a path that it does not have is its own 404`, async () => {
      assert.equal((await run.request(`/${app}/nowhere`)).status, 404);
    });
  }

  test('while express is blocked, its cached time and the other apps answer', async () => {
    // An attempt during which the entry expired says nothing; on a busy machine that happens.
    await until(() => answersWhileBlocked(run), 60_000, 'an entry that outlives the questions');
  });

  test('after express has crashed, plain never fails, and express is back', async () => {
    const { pid } = await run.json('/express/hello');
    let ended = false;
    const plain = (async () => {
      let answers = 0;
      for (; !ended; answers++) assert.equal((await run.json('/plain/hello')).app, 'plain');
      return answers;
    })();
    await run.request('/express/crash').catch(() => undefined);
    const back = await until(
      async () => {
        const answer = await run.json('/express/hello').catch(() => undefined);
        return answer && answer.pid !== pid && answer;
      },
      backMs,
      'express',
    );
    ended = true;
    assert.equal(back.app, 'express');
    assert.ok((await plain) > 0);
    assert.ok(run.output.includes('express exited with code 1; starting it again'));
  });

  test('an app that is killed again and again comes back each time', async () => {
    for (let round = 0; round < 3; round++) {
      const { pid } = await until(() => run.json('/koa/hello').catch(() => undefined), backMs, 'koa');
      process.kill(pid, 'SIGKILL');
      await until(
        () =>
          run.json('/koa/hello').then(
            (answer) => answer.pid !== pid,
            () => false,
          ),
        backMs,
        'another koa',
      );
    }
  });

  test('when the service is killed, the same apps are served by a new one', async () => {
    const ask = () => Promise.all(apps.map(async (app) => (await run.json(`/${app}/hello`)).pid));
    const before = await until(() => ask().catch(() => undefined), backMs, 'all apps');
    const { engine } = await run.json('/state');
    process.kill(engine.pid, 'SIGKILL');
    const state = await until(
      async () => {
        const now = await run.json('/state').catch(() => undefined);
        return now && now.engine.pid !== engine.pid && now.prefixes.length === 5 && now;
      },
      backMs,
      'another service',
    );
    assert.notEqual(state.engine.pid, engine.pid);
    assert.deepEqual(await ask(), before);
  });

  test('the landing page is HTML without foreign parts, and its state shows every prefix of the port', async () => {
    const page = await run.request('/');
    assert.match(page.headers['content-type'], /^text\/html/);
    assert.doesNotMatch(page.body, /(?:src|href)="(?:https?:)?\/\//);
    const state = await until(
      async () => {
        const now = await run.json('/state');
        return now.prefixes.length === 5 && now;
      },
      backMs,
      'five prefixes',
    );
    assert.deepEqual(
      state.prefixes.map((prefix) => prefix.path),
      ['/', ...apps.map((app) => `/${app}/`)],
    );
    assert.equal((await run.request('/state', { method: 'POST' })).status, 405);
    assert.equal((await run.request('/nowhere')).status, 404);
  });
});

describe('the end of npm start', () => {
  for (const signal of ['SIGTERM', 'SIGINT']) {
    test(`${signal} leaves no process, also while an app is blocked`, { skip: !canListProcesses && 'no /proc here' }, async () => {
      const run = new Run(await freePort());
      await run.ready();
      assert.ok(run.processes().length >= 7, 'supervisor, five apps and the service');
      const broken = run.request('/koa/block?ms=60000').catch((error) => error);
      await run.json('/plain/hello');
      // Twice, as under npm: from the terminal, and passed on.
      run.process.kill(signal);
      run.process.kill(signal);
      assert.deepEqual(await run.exited, { code: 0, signal: null });
      assert.deepEqual(await run.allGone(), []);
      assert.ok((await broken) instanceof Error || (await broken).status === 503);
    });
  }

  test(
    'SIGTERM to npm leaves no process, although the shell between says nothing',
    { skip: !canListProcesses && 'no /proc here' },
    async () => {
      const run = new Run(await freePort(), ['npm', 'start']);
      await run.ready();
      run.process.kill('SIGTERM');
      await run.exited;
      assert.deepEqual(await run.allGone(), []);
    },
  );

  test('when the supervisor is killed, the apps notice and end', { skip: !canListProcesses && 'no /proc here' }, async () => {
    const run = new Run(await freePort());
    await run.ready();
    run.process.kill('SIGKILL');
    assert.deepEqual(await run.exited, { code: null, signal: 'SIGKILL' });
    assert.deepEqual(await run.allGone(), []);
  });

  test('a taken port is one line and exit code 1', async () => {
    const holder = createServer((socket) => socket.destroy()).listen(0, '::');
    await once(holder, 'listening');
    const { port } = holder.address();
    const run = new Run(port);
    assert.deepEqual(await run.exited, { code: 1, signal: null });
    assert.deepEqual(await run.allGone(), []);
    assert.match(run.errors, /EADDRINUSE/);
    assert.match(run.errors, new RegExp(`\\b${port}\\b`));
    assert.equal(run.errors.trimEnd().split('\n').length, 1, run.errors);
    assert.equal(
      run.output.find((line) => line.startsWith('ready ')),
      undefined,
    );
    holder.close();
  });

  test('a PORT that is no port is one line and exit code 1', async () => {
    for (const wrong of ['eighty', '0', '65536', '-1', '80.5']) {
      const run = new Run(wrong);
      assert.deepEqual(await run.exited, { code: 1, signal: null });
      await run.allGone();
      assert.match(run.errors, /^PORT is ".*\n$/);
    }
  });
});

/** Blocks express and asks; false when its entry expired too early to tell. */
async function answersWhileBlocked(run) {
  const stored = await until(
    async () => {
      const { time } = await run.json('/express/time');
      return Date.now() - Date.parse(time) < 300 && time;
    },
    backMs,
    'a fresh entry',
  );
  const finished = [];
  const note = (name) => (answer) => {
    finished.push(name);
    return answer;
  };
  const blocked = run.json('/express/block?ms=5000').then(note('block'));
  const waiting = run.json('/express/hello').then(note('hello'));
  const plain = run.json('/plain/hello').then(note('plain'));
  const time = run.json('/express/time').then(note('time'));
  assert.deepEqual(await blocked, { app: 'express', blocked: 5000 });
  assert.equal((await plain).app, 'plain');
  await waiting;
  if ((await time).time !== stored) return false;
  assert.deepEqual(finished.slice(0, 2).sort(), ['plain', 'time']);
  return true;
}
