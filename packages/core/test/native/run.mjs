// Builds and runs the C++ tests: every *.test.cc as one program, every *.fuzz.cc as one each, with AddressSanitizer and
// UndefinedBehaviorSanitizer, against native/common and the parts of native/portable that need no event loop. httpsys/*.test.cc are a program
// of their own: the HTTP.SYS driver between the recording layer and a scripted kernel, with declarations of Windows that Linux can compile.
//   node run.mjs [text in a test's name]
//   HTTPSYS_FUZZ_ITERATIONS=100000 HTTPSYS_FUZZ_SEED=7 node run.mjs
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const core = join(here, '..', '..');
const native = join(core, 'native');
const output = join(core, 'build', 'native-tests');
const compiler = process.env.CXX ?? 'g++';
const jobs = Math.min(availableParallelism(), 8);
/** A fuzz program takes about 3 s for these with sanitizers on. */
const iterations = process.env.HTTPSYS_FUZZ_ITERATIONS ?? '20000';
const seed = process.env.HTTPSYS_FUZZ_SEED ?? '1';
const programSeconds = 240;

// No RTTI and no exceptions in the sources themselves, as in binding.gyp; vptr checks need the former.
const sanitizers = ['-fsanitize=address,undefined', '-fno-sanitize=vptr', '-fno-sanitize-recover=all', '-fno-omit-frame-pointer'];
const flags = ['-std=c++17', '-O1', '-g1', '-fno-rtti', '-Wall', '-Wextra', '-Wno-unused-parameter', ...sanitizers];
flags.push(`-I${native}`, `-I${here}`, `-DHTTPSYS_FIXTURES="${join(core, 'test', 'fixtures')}"`);

/** Windows' WCHAR has 16 bits; the layouts that http_api.h asserts are those of 64-bit Windows. */
const windows = join(here, 'httpsys');
const windowsFlags = ['-fshort-wchar', '-DHTTPSYS_WRAP_FUNCTIONS', '-D_WIN64', `-I${windows}`, `-I${join(windows, 'win32')}`];

/** Runs a command; resolves with whether it ended with 0, and what it printed. */
function run(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: programSeconds * 1000,
      killSignal: 'SIGKILL',
      ...options,
    });
    let text = '';
    child.stdout.on('data', (chunk) => (text += chunk));
    child.stderr.on('data', (chunk) => (text += chunk));
    child.on('error', (error) => resolve({ passed: false, text: `${command}: ${error.message}\n` }));
    child.on('close', (code, signal) => resolve({ passed: code === 0, text: signal ? `${text}ended by ${signal}\n` : text }));
  });
}

/** Does the work of all items, `jobs` at a time; true when each was done. */
async function inParallel(items, work) {
  let passed = true;
  const left = [...items];
  const worker = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) passed = (await work(item)) && passed;
  };
  await Promise.all(Array.from({ length: jobs }, worker));
  return passed;
}

const sourcesIn = (folder, pattern) =>
  readdirSync(folder)
    .filter((name) => pattern.test(name))
    .sort()
    .map((name) => join(folder, name));

/** Whether a source, with all of ours that it includes, does without libuv and Node: then it can be tested alone. */
function isPure(file, seen = new Set()) {
  if (seen.has(file)) return true;
  seen.add(file);
  const text = readFileSync(file, 'utf8');
  if (/^#include\s+<(uv|napi|node_api)\.h>/m.test(text)) return false;
  for (const [, name] of text.matchAll(/^#include\s+"([^"]+)"/gm)) {
    const found = [join(native, name), join(dirname(file), name)].find((path) => existsSync(path));
    if (found && !isPure(found, seen)) return false;
  }
  return true;
}

const objectOf = (source) => join(output, `${relative(core, source).replaceAll(/[\\/]/g, '_')}.o`);

/** Whether an object is older than one of the files the compiler read for it. */
function isStale(object) {
  const dependencies = object.replace(/\.o$/, '.d');
  if (!existsSync(object) || !existsSync(dependencies)) return true;
  const made = statSync(object).mtimeMs;
  const files = readFileSync(dependencies, 'utf8').replaceAll('\\\n', ' ').split(':').slice(1).join(':').trim().split(/\s+/);
  return [...files, fileURLToPath(import.meta.url)].some((file) => !existsSync(file) || statSync(file).mtimeMs > made);
}

async function compile(source) {
  const object = objectOf(source);
  if (!isStale(object)) return true;
  const driver = relative(core, source).includes(`${sep}httpsys${sep}`);
  const special = driver ? [...windowsFlags] : [];
  // Run once each, these cost more to optimise than they save; what a fuzz target calls is worth it.
  if (driver || source.endsWith('.test.cc')) special.push('-O0');
  const { passed, text } = await run(compiler, [...flags, ...special, '-MMD', '-c', source, '-o', object]);
  if (text) process.stderr.write(text);
  if (!passed) console.error(`does not compile: ${relative(core, source)}`);
  return passed;
}

/** Links objects with whatever they need of the library; the library is an archive so that the rest is left out. */
async function link(program, objects, library) {
  const { passed, text } = await run(compiler, [...sanitizers, ...objects, library, '-o', program, '-pthread']);
  if (!passed) console.error(`${text}does not link: ${basename(program)}`);
  return passed;
}

async function main() {
  mkdirSync(output, { recursive: true });
  const library = ['common', 'portable'].flatMap((folder) => sourcesIn(join(native, folder), /\.cc$/)).filter((file) => isPure(file));
  const tests = sourcesIn(here, /\.test\.cc$/);
  const fuzzers = sourcesIn(here, /\.fuzz\.cc$/);
  // The declarations and sockets of Windows are imitated on Linux only.
  const driver = process.platform === 'linux' ? [...sourcesIn(join(native, 'httpsys'), /\.cc$/), ...sourcesIn(windows, /\.cc$/)] : [];
  const drivers = { test: join(here, 'test_main.cc'), fuzz: join(here, 'fuzz_driver.cc') };
  if (!(await inParallel([...library, ...tests, ...fuzzers, ...driver, ...Object.values(drivers)], compile))) return false;

  const archive = join(output, 'library.a');
  rmSync(archive, { force: true });
  const archived = await run('ar', ['rcs', archive, ...library.map(objectOf)]);
  if (!archived.passed) {
    console.error(archived.text);
    return false;
  }
  const programOf = (name) => join(output, name);
  const programs = [{ name: 'tests', objects: [...tests, drivers.test], args: process.argv.slice(2, 3) }];
  if (driver.length > 0) programs.push({ name: 'httpsys-tests', objects: [...driver, drivers.test], args: process.argv.slice(2, 3) });
  for (const source of fuzzers) {
    const name = basename(source, '.fuzz.cc');
    programs.push({ name: `fuzz-${name}`, objects: [source, drivers.fuzz], args: [join(here, 'corpus', name), iterations, seed] });
  }
  if (!(await inParallel(programs, ({ name, objects }) => link(programOf(name), objects.map(objectOf), archive)))) return false;

  const env = { ...process.env, ASAN_OPTIONS: 'detect_leaks=1:detect_stack_use_after_return=1', UBSAN_OPTIONS: 'print_stacktrace=1' };
  return inParallel(programs, async ({ name, args }) => {
    const { passed, text } = await run(programOf(name), args, { env });
    console.log(`${passed ? 'ok' : 'FAILED'} ${name}: ${text.trim()}`);
    return passed;
  });
}

process.exitCode = (await main()) ? 0 : 1;
