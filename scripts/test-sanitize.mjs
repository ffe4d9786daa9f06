// Builds the addon with AddressSanitizer and UndefinedBehaviorSanitizer into packages/core/build/asan, object by object when stale.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { core, newest, run } from './lib/build.mjs';

const folder = join(core, 'build', 'asan');
const output = join(folder, 'httpsys.node');
const compiler = process.env.CXX ?? 'g++';
const sanitizers = ['-fsanitize=address,undefined', '-fno-sanitize-recover=undefined', '-fno-omit-frame-pointer'];
// The defines and warnings must be kept in step with binding.gyp. vptr checks need RTTI, which the addon has not.
const flags = [
  ...['-std=c++17', '-O1', '-g1', '-fPIC', '-fno-rtti', '-fvisibility=hidden', '-Wall', '-Wextra', '-Wno-unused-parameter'],
  ...['NODE_GYP_MODULE_NAME=httpsys', 'BUILDING_NODE_EXTENSION', 'NAPI_VERSION=8'].map((define) => `-D${define}`),
  ...['NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS', 'NODE_ADDON_API_DISABLE_DEPRECATED', '_FILE_OFFSET_BITS=64'].map((define) => `-D${define}`),
  ...[...sanitizers, '-fno-sanitize=vptr'],
];

/** Builds what is stale; true when the sanitized addon is there. */
export function buildSanitized() {
  return run(process.execPath, [fileURLToPath(import.meta.url)]);
}

/** Where Node's own headers (node_api.h, uv.h) are: beside the binary, in npm's nodedir, or in node-gyp's cache, filled when empty. */
export function nodeHeaders() {
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'node-gyp', process.versions.node, 'include', 'node');
  const beside = join(dirname(realpathSync(process.execPath)), '..', 'include', 'node');
  const configured = process.env.npm_config_nodedir;
  const places = [beside, ...(configured ? [join(configured, 'include', 'node')] : []), cache];
  const find = () => places.find((place) => existsSync(join(place, 'node_api.h')) && existsSync(join(place, 'uv.h')));
  if (find() === undefined) spawnSync('npx', ['--no-install', 'node-gyp', 'install'], { cwd: core, stdio: 'inherit' });
  const found = find();
  if (found === undefined) throw new Error(`Node's headers are in none of ${places.join(', ')}`);
  return found;
}

/**
 * What a Node process needs to load the sanitized addon. The runtime must come first in the process, hence the preload; libstdc++ is
 * beside it so that its interceptors find what they wrap. Reports go to files, since the service's stderr is not ours.
 */
export function sanitizerEnvironment(reports) {
  const library = (name) => execFileSync(compiler, [`-print-file-name=${name}`], { encoding: 'utf8' }).trim();
  const common = `halt_on_error=1:log_path=${join(reports, 'sanitizer')}`;
  return {
    LD_PRELOAD: `${library('libasan.so')} ${library('libstdc++.so')}`,
    HTTPSYS_ADDON: output,
    // Node frees little at exit on purpose, so leaks are looked for in the C++ tests, which own all they allocate.
    // A smaller quarantine than its 256 MiB: the tests of memory that must not grow hold here too.
    ASAN_OPTIONS: `detect_leaks=0:quarantine_size_mb=16:${common}`,
    UBSAN_OPTIONS: `print_stacktrace=1:${common}`,
  };
}

async function main() {
  const includes = [nodeHeaders(), createRequire(join(core, 'package.json'))('node-addon-api').include_dir, join(core, 'native')];
  const sources = execFileSync(process.execPath, [join(core, 'scripts', 'sources.js')], { cwd: core, encoding: 'utf8' })
    .trim()
    .split('\n');
  mkdirSync(folder, { recursive: true });
  const objects = sources.map((source) => ({ source: join(core, source), object: join(folder, `${source.replaceAll('/', '_')}.o`) }));
  const stale = objects.filter(({ object }) => isStale(object));
  const include = includes.map((path) => `-I${path.replaceAll('"', '')}`);
  const workers = [0, 1].map(async () => {
    for (let next = stale.pop(); next !== undefined; next = stale.pop()) {
      console.log(`asan: ${next.source.slice(core.length + 1)}`);
      await compile([...flags, ...include, '-MMD', '-c', next.source, '-o', next.object]);
    }
  });
  await Promise.all(workers);
  if (existsSync(output) && newest(objects.map(({ object }) => object)) <= statSync(output).mtimeMs) return;
  await compile(['-shared', ...sanitizers, ...objects.map(({ object }) => object), '-o', output]);
}

/** Compares an object with what it was made from, ours and Node's: the compiler wrote that beside it, as a make rule. */
function isStale(object) {
  const rule = object.replace(/\.o$/, '.d');
  if (!existsSync(rule) || !existsSync(object)) return true;
  const names = readFileSync(rule, 'utf8')
    .replace(/^[^:]*:/, '')
    .replaceAll('\\\n', ' ');
  const inputs = [fileURLToPath(import.meta.url), ...names.trim().split(/\s+/)];
  // A header that is gone changes what is included.
  return inputs.some((file) => !existsSync(file)) || newest(inputs) > statSync(object).mtimeMs;
}

function compile(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(compiler, args, { stdio: 'inherit' });
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`${compiler} ended with ${code}`))));
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
