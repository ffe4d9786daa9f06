// Compiles the addon's sources object by object, when one is older than what it was made from, for builds that node-gyp cannot make.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, realpathSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { core, newest } from './build.mjs';

const require = createRequire(join(core, 'package.json'));
const jobs = 2;

/** Defines of binding.gyp; a unit test holds them against it. */
export const defines = ['NAPI_VERSION=8', 'NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS', 'NODE_ADDON_API_DISABLE_DEPRECATED'];

/** The addon's sources for a platform, relative to packages/core: the list that binding.gyp has. */
export const sourcesFor = (platform) => require('./scripts/sources.js').listSources(['.cc'], platform);

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
 * Compiles what is stale of `sources` (relative to packages/core) into `folder` and returns the objects. `script` is the build's own file: its
 * flags are part of what an object was made from. Objects of sources that are gone are removed.
 */
export async function compileAddon({ label, compiler, flags, sources, folder, script }) {
  mkdirSync(folder, { recursive: true });
  const headers = [nodeHeaders(), require('node-addon-api').include_dir.replaceAll('"', '')];
  const include = [...headers.flatMap((path) => ['-isystem', path]), `-I${join(core, 'native')}`];
  const all = [...flags, ...defines.map((define) => `-D${define}`), ...include];
  const objects = sources.map((source) => ({
    source: join(core, source),
    object: join(folder, `${source.replaceAll('/', '_')}.o`),
  }));
  const current = new Set(objects.flatMap(({ object }) => [object, object.replace(/\.o$/, '.d')]));
  for (const name of readdirSync(folder)) {
    if (/\.[od]$/.test(name) && !current.has(join(folder, name))) rmSync(join(folder, name));
  }
  const stale = objects.filter(({ object }) => isStale(object, script));
  const workers = Array.from({ length: jobs }, async () => {
    for (let next = stale.pop(); next !== undefined; next = stale.pop()) {
      console.log(`${label}: ${next.source.slice(core.length + 1)}`);
      await compile(compiler, [...all, '-MMD', '-c', next.source, '-o', next.object]);
    }
  });
  await Promise.all(workers);
  return objects.map(({ object }) => object);
}

/** Whether a linked file is older than its objects, or than the folder they are in, which changes when one comes or goes. */
export function isUnlinked(output, objects) {
  if (!existsSync(output)) return true;
  const linked = statSync(output).mtimeMs;
  return newest(objects) > linked || statSync(dirname(objects[0])).mtimeMs > linked;
}

/** Compares an object with what it was made from, ours and Node's: the compiler wrote that beside it, as a make rule. */
function isStale(object, script) {
  const rule = object.replace(/\.o$/, '.d');
  if (!existsSync(rule) || !existsSync(object)) return true;
  const names = readFileSync(rule, 'utf8')
    .replace(/^[^:]*:/, '')
    .replaceAll('\\\n', ' ');
  const inputs = [script, ...names.trim().split(/\s+/)];
  // A header that is gone changes what is included.
  return inputs.some((file) => !existsSync(file)) || newest(inputs) > statSync(object).mtimeMs;
}

/** Runs a compiler or linker; rejects when it fails. */
export function compile(compiler, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(compiler, args, { stdio: 'inherit', ...options });
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`${compiler} ended with ${code}`))));
  });
}

/** The path of a library as the compiler finds it. */
export const libraryPath = (compiler, name) => execFileSync(compiler, [`-print-file-name=${name}`], { encoding: 'utf8' }).trim();
