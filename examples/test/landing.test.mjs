// The landing page in a browser. UPDATE_SCREENSHOT=1 renews the picture in docs/images.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../packages/core/test/support/free-port.cjs';
import { Run, until } from './helpers.mjs';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const picture = fileURLToPath(new URL('../../docs/images/landing.png', import.meta.url));
const patienceMs = 30_000;

// A machine for CI without a browser is set up wrongly, and must say so.
const skip = !existsSync(executablePath) && !process.env.CI && `no browser at ${executablePath} (apt-get install chromium)`;
if (skip) console.log(`landing page not tested: ${skip}`);

describe('the landing page', { skip }, () => {
  let run;
  let browser;
  let page;
  const complaints = [];

  before(async () => {
    const { chromium } = await import('playwright-core');
    run = new Run(await freePort());
    const url = await run.ready();
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
    page = await browser.newPage({ viewport: { width: 1160, height: 980 } });
    page.setDefaultTimeout(patienceMs);
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('request', (request) => new URL(request.url()).host === new URL(url).host || complaints.push(`foreign: ${request.url()}`));
    await page.goto(url);
  });
  after(async () => {
    await browser?.close();
    assert.deepEqual((await run.stop()).left, []);
    assert.deepEqual(complaints, []);
  });

  const card = (path) => page.locator(`[data-path="${path}"]`);
  const numberIn = async (locator) => Number((await locator.textContent()).replaceAll(',', ''));

  for (const name of ['express', 'fastify', 'koa', 'plain']) {
    test(`${name} has its pid and a link to each route`, async () => {
      const path = `/${name}/`;
      const { pid } = await run.json(`${path}hello`);
      await until(async () => (await card(path).locator('.pid').textContent()) === `pid ${pid}`, patienceMs, `the pid of ${name}`);
      const links = await card(path)
        .getByRole('link')
        .evaluateAll((all) => all.map((link) => link.getAttribute('href')));
      assert.deepEqual(
        links,
        ['hello', 'time', 'stream', 'block?ms=1000', 'crash', 'echo'].map((route) => path + route),
      );
    });
  }

  test('requests and cache hits grow without the page being loaded again', async () => {
    const requests = card('/plain/').locator('.requests');
    const hits = card('/plain/').locator('.cache-hits');
    const before = { requests: await numberIn(requests), hits: await numberIn(hits) };
    for (let i = 0; i < 20; i++) await run.json('/plain/time');
    await until(async () => (await numberIn(requests)) >= before.requests + 20, patienceMs, 'the requests');
    await until(async () => (await numberIn(hits)) > before.hits, patienceMs, 'the cache hits');
  });

  test('block and ask: time comes from the cache, hello waits for the app', async () => {
    await page.getByLabel('App', { exact: true }).selectOption('/koa/');
    await page.getByRole('button', { name: 'Block it' }).click();
    await page.getByText('Done.').waitFor();
    const rows = await page
      .locator('#answers tbody tr')
      .evaluateAll((all) => all.map((row) => [...row.cells].map((cell) => cell.textContent)));
    assert.deepEqual(
      rows.map(([request]) => request).sort(),
      ['block?ms=1500', 'hello', 'time', 'time', 'time'].map((each) => `/koa/${each}`),
    );
    assert.ok(rows.some(([request, by]) => request === '/koa/time' && by === 'the cache'));
  });

  test('echo is posted from the page', async () => {
    await card('/fastify/').getByRole('link', { name: 'echo' }).click();
    await page.getByText(/\/fastify\/echo answered “hello at/).waitFor();
    assert.equal(new URL(page.url()).pathname, '/');
  });

  test('an app that went down is shown as such, and with its new pid when it is back', async () => {
    const label = card('/express/').locator('.pid');
    const before = await until(async () => /^pid \d+$/.test(await label.textContent()) && label.textContent(), patienceMs, 'a pid');
    await run.request('/express/crash').catch(() => undefined);
    await until(
      async () => /^pid \d+$/.test(await label.textContent()) && (await label.textContent()) !== before,
      patienceMs,
      'another pid',
    );
  });

  test('controls have names, and headings are in order', async () => {
    for (const control of await page.locator('button, select, a').all()) {
      const name = await control.evaluate((element) => element.labels?.[0]?.textContent || element.textContent);
      assert.notEqual(name.trim(), '');
    }
    const levels = await page.locator('h1, h2, h3').evaluateAll((all) => all.map((heading) => Number(heading.tagName[1])));
    assert.equal(levels[0], 1);
    for (const [index, level] of levels.slice(1).entries()) assert.ok(level <= levels[index] + 1);
  });

  test('a narrow window does not scroll sideways, in either colour scheme', async () => {
    await page.setViewportSize({ width: 380, height: 800 });
    for (const colorScheme of ['dark', 'light']) {
      await page.emulateMedia({ colorScheme });
      const overflow = await page.locator('html').evaluate((html) => html.scrollWidth - html.clientWidth);
      assert.ok(overflow <= 0, `${overflow} px too wide`);
    }
    await page.setViewportSize({ width: 1160, height: 980 });
  });

  test('its picture is taken', { skip: !process.env.UPDATE_SCREENSHOT && 'only with UPDATE_SCREENSHOT=1' }, async () => {
    await drive(run);
    await page.getByRole('button', { name: 'Block it' }).click();
    await page.getByText('Done.').waitFor();
    mkdirSync(new URL('../../docs/images/', import.meta.url), { recursive: true });
    await page.screenshot({ path: picture, fullPage: true });
    assert.ok(existsSync(picture));
  });
});

/** Some traffic of varying strength, so that the picture shows the page at work. */
async function drive(run) {
  const names = ['express', 'fastify', 'koa', 'plain'];
  for (let second = 0; second < 14; second++) {
    const end = Date.now() + 1000;
    const wanted = names.map((_, i) => 6 + Math.round(5 * Math.sin(second / 2 + i)));
    await Promise.all(
      names.map(async (name, i) => {
        for (let n = 0; n < wanted[i]; n++) await run.json(`/${name}/${n % 3 ? 'time' : 'hello'}`);
      }),
    );
    await until(() => Date.now() >= end, 2000, 'the next second');
  }
}
