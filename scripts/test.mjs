// `npm test`: builds what is stale, then runs every stage, and fails when a test fails or a process is left.
//   npm test                          everything
//   npm test -- unit                  one stage
//   npm test -- functional embedded   the functional suite on one engine (node, embedded, service)
//   npm test -- functional cache      only files whose path contains "cache"
//   npm test -- sanitize --whole      under the sanitizers, all files on the embedded engine, too
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';
import { buildAddon, buildTypeScript, root } from './lib/build.mjs';
import { canListProcesses, waitForNone } from './lib/processes.mjs';
import { selectStages } from './lib/stages.mjs';
import { sanitizerEnvironment, buildSanitized } from './test-sanitize.mjs';

/** The whole run must stay under ten minutes on two cores; a stage that needs this long hangs. */
const stageDeadline = 9 * 60_000;
/** The service leaves 2 s after its last application. */
const leaveDeadline = 10_000;
/** Test files at a time: twice the processors of the smallest machine, for many of them mostly wait. */
const concurrency = 4;
const marker = 'HTTPSYS_TEST_RUN';

const stages = selectStages(process.argv.slice(2));
if (stages.length === 0) {
  console.error(`no stage and no test file matches ${process.argv.slice(2).join(' ')}`);
  process.exit(1);
}

const results = [];
await record('build', () => buildAddon() && buildTypeScript());
if (results.every((result) => result.passed)) {
  for (const stage of stages) await record(stage.name, () => runStage(stage));
}
report();

async function record(name, work) {
  console.log(`\n== ${name} ==`);
  const start = performance.now();
  const outcome = await work();
  const facts = typeof outcome === 'object' ? outcome : { passed: outcome };
  results.push({ name, seconds: (performance.now() - start) / 1000, ...facts });
}

async function runStage(stage) {
  if (stage.files?.length === 0) {
    console.error(`${stage.name}: no test files`);
    return false;
  }
  if (stage.sanitize && process.platform !== 'linux') {
    console.log('skipped: the sanitizer run preloads a library, which is done on Linux only');
    return { passed: true, skipped: 1 };
  }
  if (stage.sanitize && !buildSanitized()) return false;
  const runtime = mkdtempSync(join(tmpdir(), 'hs-'));
  const run = randomUUID();
  const env = { ...process.env, [marker]: run, HTTPSYS_RUNTIME_DIR: runtime };
  delete env.HTTPSYS_ENGINE;
  delete env.NODE_TEST_CONTEXT;
  if (stage.engine) env.HTTPSYS_TEST_ENGINE = stage.engine;
  if (stage.sanitize) Object.assign(env, sanitizerEnvironment(runtime));
  const [command, ...args] = stage.command ?? testRunner(stage);
  try {
    const outcome = await runCommand(command, args, env);
    const left = await waitForNone(marker, run, leaveDeadline);
    for (const { pid, command: line } of left) console.error(`left running, now killed: ${pid} ${line}`);
    const findings = stage.sanitize ? sanitizerReports(runtime) : [];
    for (const finding of findings) console.error(finding);
    return { ...outcome, passed: outcome.passed && left.length === 0 && findings.length === 0 };
  } finally {
    rmSync(runtime, { recursive: true, force: true });
  }
}

function testRunner(stage) {
  const options = [
    // Half the cost of a file's start: the hooks for modules, which need a thread of their own, are not used.
    '--require',
    'tsx/cjs',
    '--test',
    '--test-reporter=spec',
    `--test-concurrency=${concurrency}`,
    `--test-timeout=${stage.timeout}`,
  ];
  // What HTTP.SYS does otherwise than the suite says is skipped by its rule.
  if (stage.engine === 'httpsys') options.push('--import', pathToFileURL(join(root, 'packages/core/test/support/windows-preload.ts')).href);
  return [process.execPath, ...options, ...stage.files];
}

/** Runs in a process group of its own, shows the output as it comes, and reads the runner's closing lines from it. */
function runCommand(command, args, env) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'], detached: true });
    let tail = '';
    const stop = (signal) => {
      try {
        process.kill(-child.pid, signal);
      } catch {
        // The group is gone already.
      }
    };
    const timer = setTimeout(() => {
      console.error(`stopped after ${stageDeadline / 60_000} minutes`);
      stop('SIGKILL');
    }, stageDeadline);
    const onSignal = (signal) => {
      stop(signal);
      process.exitCode = 130;
    };
    process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
    child.stdout.on('data', (chunk) => {
      process.stdout.write(chunk);
      tail = (tail + chunk.toString('utf8')).slice(-65536);
    });
    child.on('error', (error) => console.error(`${command}: ${error.message}`));
    child.on('close', (code) => {
      clearTimeout(timer);
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
      resolve({ passed: code === 0, tests: count(tail, 'tests'), failed: count(tail, 'fail'), skipped: count(tail, 'skipped') });
    });
  });
}

function count(text, word) {
  const matches = [...text.matchAll(new RegExp(`^(?:ℹ|#) ${word} (\\d+)`, 'gm'))];
  return matches.length === 0 ? undefined : Number(matches.at(-1)[1]);
}

function sanitizerReports(folder) {
  return readdirSync(folder)
    .filter((name) => name.startsWith('sanitizer.'))
    .map((name) => readFileSync(join(folder, name), 'utf8'));
}

function report() {
  const width = Math.max(...results.map((result) => result.name.length));
  console.log('\n== summary ==');
  for (const { name, seconds, passed, tests, failed, skipped } of results) {
    const counts = tests === undefined ? '' : `${tests} tests, ${failed ?? 0} failed, ${skipped ?? 0} skipped`;
    console.log(`${passed ? 'ok  ' : 'FAIL'} ${name.padEnd(width)} ${seconds.toFixed(1).padStart(6)} s  ${counts}`.trimEnd());
  }
  const total = results.reduce((sum, result) => sum + result.seconds, 0);
  console.log(`total ${total.toFixed(1)} s`);
  if (!canListProcesses) console.log('left processes were not looked for: this platform has no /proc');
  if (results.some((result) => !result.passed)) process.exitCode = 1;
}
