// `npm run test:windows`: the functional suite's shared part in Windows' node.exe under Wine. Installs and builds what is missing.
//   npm run test:windows                       everything
//   npm run test:windows -- embedded aborts    the engines and the files whose path has the words
//   npm run test:windows -- --again            a file that fails is run once more, and named
//   npm run test:windows -- --listed           also what the lists of needs-windows.ts have, to find what passes by now
// Reports passed, failed, and "needs real Windows" with the fact of Wine (docs/wine.md) that prevents each. Output of what failed is shown.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { performance } from 'node:perf_hooks';
import { buildHandles, buildRecording, installWine, recordingAddon, windowsAddon } from './build-windows.mjs';
import { buildTypeScript, core, root } from './lib/build.mjs';
import { makeRecording, readRecording } from './lib/recording.mjs';
import { makeTree, placeAddon, tree } from './lib/windows-tree.mjs';
import { nodeVersion, runScript } from './lib/wine.mjs';

const engines = ['embedded', 'httpsys'];
/** node:http itself, by name only: what fails there too is no difference of ours. */
const oracle = 'node';
/** Files at a time: they mostly wait. Wine's HTTP service wants the processor for itself. */
const parallel = { embedded: 3, httpsys: 3, node: 3 };
/** One file, seconds; a file that takes this long hangs. */
const fileSeconds = 180;
const noise = /^(needs real Windows: )/;

const args = process.argv.slice(2);
const listed = args.includes('--listed');
/** Wine itself fails now and then (docs/wine.md): the gate looks twice at a file, and says so. */
const again = args.includes('--again');
const words = args.filter((arg) => !arg.startsWith('--'));
const chosen = [...engines, oracle].filter((engine) => words.includes(engine));
const filters = words.filter((word) => !chosen.includes(word));

if (!installWine() || !buildTypeScript() || !buildRecording()) process.exit(1);
makeTree();
if (!buildHandles(join(tree, 'handles.node'))) process.exit(1);
const { NEEDS_WINDOWS, testFileName, wholeFile } = createRequire(import.meta.url)(join(tree, 'test', 'support', 'needs-windows.js'));

const files = ['functional', 'lifetime', 'conformance'].flatMap((folder) =>
  readdirSync(join(tree, 'test', folder))
    .filter((name) => name.endsWith('.test.js'))
    .sort()
    .map((name) => join('test', folder, name))
    .filter((file) => filters.every((word) => file.includes(word))),
);
/** Programs in node.exe, asked by clients on Linux. */
const clients = readdirSync(join(core, 'test', 'windows'))
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => join(core, 'test', 'windows', name))
  .filter((file) => filters.every((word) => file.includes(word)));
if (files.length + clients.length === 0) {
  console.error(`no test file matches ${filters.join(' ')}`);
  process.exit(1);
}

const summary = [];
let stopped = false;
const running = new Set();
// run.sh ends what it started, its prefix and its service.
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    for (const child of running) child.kill('SIGTERM');
    process.exitCode = 130;
    stopped = true;
  });
}
for (const engine of chosen.length > 0 ? chosen : engines) await runEngine(engine);
report();

function emptyTotal(engine) {
  return { engine, passed: 0, failed: 0, other: 0, needs: new Map(), twice: [], processes: 0, calls: 0 };
}

async function runEngine(engine) {
  console.log(`\n== ${engine} on Windows (node.exe ${nodeVersion} under Wine) ==`);
  const start = performance.now();
  const total = emptyTotal(engine);
  placeAddon(engine === 'httpsys' ? recordingAddon : windowsAddon);
  const queue = [...files];
  const worker = async () => {
    for (let file = queue.shift(); file !== undefined && !stopped; file = queue.shift()) await runFile(engine, file, total);
  };
  await Promise.all(Array.from({ length: parallel[engine] }, worker));
  if (engine === 'httpsys' && !stopped) await runLinuxClients(total);
  total.seconds = (performance.now() - start) / 1000;
  if (engine === 'httpsys' && filters.length === 0 && total.processes === 0) {
    console.log('FAIL the recording layer was in no process');
    total.failed++;
  }
  summary.push(total);
}

async function runLinuxClients(total) {
  if (clients.length === 0) return;
  const folder = mkdtempSync(join(tmpdir(), 'httpsys-wine-'));
  const start = performance.now();
  const results = join(folder, 'results.jsonl');
  const reporter = join(root, 'scripts', 'wine', 'reporter.cjs');
  const options = ['--require', 'tsx/cjs', '--test', `--test-timeout=${fileSeconds * 2000}`, '--test-concurrency=1'];
  options.push(`--test-reporter=${reporter}`, `--test-reporter-destination=${results}`);
  const recording = makeRecording(folder);
  const env = { ...process.env, HTTPSYS_TEST_ENGINE: 'httpsys', NODE_WIN_VERSION: nodeVersion, HTTPSYS_RECORDING: recording };
  const outcome = await collect(process.execPath, [...options, ...clients], { cwd: root, env });
  showFile('clients on Linux', outcome, readResults(results), readRecording(recording), total, start);
  rmSync(folder, { recursive: true, force: true });
}

function addNeed(total, reason, what) {
  total.needs.set(reason, [...(total.needs.get(reason) ?? []), what]);
}

/** A process, a Wine prefix and so an HTTP service for each file: a crash harms no other. */
async function runFile(engine, file, total) {
  const name = testFileName(file);
  const whole = wholeFile(name, engine);
  if (whole !== null && !listed) {
    if (whole.startsWith(NEEDS_WINDOWS)) addNeed(total, whole.replace(noise, ''), `${name} (all of it)`);
    else total.other++;
    return;
  }
  let part = await tryFile(engine, file);
  if (again && part.failed > 0 && !stopped) {
    total.twice.push(name);
    part = await tryFile(engine, file);
  }
  for (const count of ['passed', 'failed', 'other', 'processes', 'calls']) total[count] += part[count];
  for (const [reason, tests] of part.needs) for (const test of tests) addNeed(total, reason, test);
}

async function tryFile(engine, file) {
  const part = emptyTotal(engine);
  const start = performance.now();
  const folder = mkdtempSync(join(tmpdir(), 'httpsys-wine-'));
  try {
    const recording = makeRecording(folder);
    const outcome = await runInWine(engine, file, folder, recording);
    showFile(testFileName(file), outcome, readResults(join(folder, 'results.jsonl')), readRecording(recording), part, start);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return part;
}

function showFile(name, { code, output }, results, recording, total, start) {
  const own = tally(results.tests, name, total, NEEDS_WINDOWS);
  const ended = results.done && (code === 0 || own.failed > 0);
  // The preload fails the test that has broken a rule; what came behind the last test fails the file.
  const broken = recording.broken.length > 0;
  if (!ended || (broken && own.failed === 0)) total.failed++;
  total.processes += recording.processes;
  total.calls += recording.calls;
  const bad = own.failed > 0 || !ended || broken;
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(
    `${bad ? 'FAIL' : 'ok  '} ${name}: ${own.passed} passed, ${own.failed} failed, ${own.needs} need real Windows (${seconds} s)`,
  );
  for (const test of own.failures) console.log(`  not ok: ${test.name}\n${indent(test.error ?? '')}`);
  for (const line of new Set(recording.broken)) console.log(`  broken rule of the HTTP Server API: ${line}`);
  if (!ended)
    console.log(`  ended with status ${code}${results.done ? '' : ' before its last test'}; its output:\n${indent(output.slice(-4000))}`);
}

function tally(tests, name, total, needsWindows) {
  const own = { passed: 0, failed: 0, needs: 0, failures: [] };
  for (const test of tests) {
    if (test.suite) continue;
    if (typeof test.skip === 'string' && test.skip.startsWith(needsWindows)) {
      own.needs++;
      addNeed(total, test.skip.replace(noise, ''), `${name}: ${test.name}`);
    } else if (test.skip !== undefined) {
      total.other++;
    } else if (test.passed) {
      own.passed++;
    } else if (test.kind !== 'subtestsFailed') {
      own.failed++;
      own.failures.push(test);
    }
  }
  total.passed += own.passed;
  total.failed += own.failed;
  return own;
}

function readResults(file) {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
  const results = lines.map((line) => JSON.parse(line));
  return { tests: results.filter((result) => !result.done), done: results.some((result) => result.done) };
}

function runInWine(engine, file, folder, recording) {
  mkdirSync(folder, { recursive: true });
  const options = [
    '-r',
    './test/support/windows-preload.js',
    `--test-reporter=${relative(tree, join(root, 'scripts', 'wine', 'reporter.cjs'))}`,
  ];
  options.push(`--test-reporter-destination=${join(folder, 'results.jsonl')}`);
  const env = { ...process.env, HTTPSYS_TEST_ENGINE: engine, NODE_WIN_VERSION: nodeVersion, WINE_TIMEOUT: String(fileSeconds) };
  // Its service is only there for HTTP.SYS.
  if (engine !== 'httpsys') env.WINE_KEEPER = '0';
  else env.HTTPSYS_RECORDING = recording;
  if (listed) env.HTTPSYS_TEST_LISTED = '1';
  // Where a test leaves the choice to the package, it means the engine under test: elsewhere a port gets the embedded one.
  if (engine === 'embedded') env.HTTPSYS_ENGINE = engine;
  else delete env.HTTPSYS_ENGINE;
  delete env.NODE_TEST_CONTEXT;
  return collect(runScript, [...options, file], { cwd: tree, env });
}

function collect(command, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    running.add(child);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output = (output + chunk).slice(-65536)));
    child.on('error', reject);
    child.on('close', (code) => {
      running.delete(child);
      resolve({ code, output });
    });
  });
}

function indent(text) {
  return text.replace(/^/gm, '    ');
}

function report() {
  for (const { engine, needs } of summary) {
    if (needs.size === 0) continue;
    console.log(`\n== ${engine}: needs real Windows ==`);
    for (const [reason, tests] of needs) {
      console.log(reason);
      for (const test of tests) console.log(`    ${test}`);
    }
  }
  for (const { engine, twice } of summary) if (twice.length > 0) console.log(`\n${engine}: run twice: ${twice.join(', ')}`);
  for (const { engine, processes, calls } of summary) {
    if (engine === 'httpsys') console.log(`\nrecording layer: ${calls} calls in ${processes} processes were held against the rules`);
  }
  console.log('\n== summary ==');
  for (const { engine, passed, failed, needs, other, seconds } of summary) {
    const listedCount = [...needs.values()].reduce((sum, tests) => sum + tests.length, 0);
    const counts = `${passed} passed, ${failed} failed, ${listedCount} need real Windows, ${other} make no sense on this engine`;
    console.log(`${failed === 0 ? 'ok  ' : 'FAIL'} ${engine.padEnd(8)} ${seconds.toFixed(1).padStart(6)} s  ${counts}`);
  }
  if (summary.some((total) => total.failed > 0)) process.exitCode = 1;
}
