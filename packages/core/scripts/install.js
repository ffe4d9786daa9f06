'use strict';
// Runs at `npm install`: sees to it that the addon is there. A prebuilt binary is used when the package has one for this platform;
// otherwise the addon is built from source, unless the last build is still good. `--build` (npm run build) ignores prebuilt binaries.
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { listSources } = require('./sources');
const { installCommand, missingTools } = require('./toolchain');

const root = path.join(__dirname, '..');

function main(args) {
  if (!args.includes('--build') && loadablePrebuild(root) !== null) return 0;
  const state = buildState(root);
  if (state === 'current') return 0;
  const missing = missingTools();
  if (missing.length > 0) {
    console.error(
      `@httpsys/core has no prebuilt binary for ${process.platform}-${process.arch} and must be built, but this machine lacks: ${missing.join(', ')}`,
    );
    console.error(`Install what is missing, then run npm install again:\n\n    ${installCommand()}\n`);
    return 1;
  }
  const nodeGyp = findNodeGyp();
  if (nodeGyp === null) {
    console.error(
      '@httpsys/core must be built, and node-gyp was not found. Install it (npm install --global node-gyp) and run npm install again.',
    );
    return 1;
  }
  return build(nodeGyp, state);
}

/**
 * The prebuilt binary that this machine can load, or null. Tried in a process of its own: one for another libc, or for a newer one than
 * this machine has, fails there and is built from source instead.
 */
function loadablePrebuild(packageRoot) {
  const dir = path.join(packageRoot, 'prebuilds', `${process.platform}-${process.arch}`);
  if (!fs.existsSync(dir)) return null;
  const files = fs.readdirSync(dir).filter((name) => name.endsWith('.node'));
  const loads = (file) => spawnSync(process.execPath, ['-e', 'require(process.argv[1])', file], { stdio: 'ignore' }).status === 0;
  return (
    files
      .sort()
      .map((name) => path.join(dir, name))
      .find(loads) ?? null
  );
}

/** `current`: nothing to do; `stale`: sources changed; `foreign`: built for another Node or processor, or never. */
function buildState(packageRoot) {
  const binary = path.join(packageRoot, 'build', 'Release', 'httpsys.node');
  if (!fs.existsSync(binary)) return 'foreign';
  const config = readConfig(path.join(packageRoot, 'build', 'config.gypi'));
  if (String(config.node_module_version) !== process.versions.modules || config.target_arch !== process.arch) return 'foreign';
  const built = fs.statSync(binary).mtimeMs;
  const inputs = [...listSources(['.cc', '.h']), 'binding.gyp', 'scripts/sources.js'].map((file) => path.join(packageRoot, file));
  // A folder is as new as the last file that came or went.
  const folders = new Set(inputs.map((file) => path.dirname(file)).filter((dir) => dir.includes(`${path.sep}native${path.sep}`)));
  return [...inputs, ...folders].some((file) => fs.statSync(file).mtimeMs > built) ? 'stale' : 'current';
}

/** node-gyp writes for what it configured the build; the first line is a comment. */
function readConfig(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8').replace(/^\s*#.*$/gm, '')).variables ?? {};
  } catch {
    return {};
  }
}

/** node-gyp as a script: the one npm names, the one installed beside us, or the one that came with npm. No registry is asked. */
function findNodeGyp(env = process.env) {
  const script = path.join('bin', 'node-gyp.js');
  const candidates = [env.npm_config_node_gyp];
  try {
    candidates.unshift(require.resolve('node-gyp/bin/node-gyp.js', { paths: [root] }));
  } catch {
    // Not a dependency of whoever installs us.
  }
  if (env.npm_execpath) candidates.push(path.join(path.dirname(env.npm_execpath), '..', 'node_modules', 'node-gyp', script));
  const prefix = path.join(path.dirname(fs.realpathSync(process.execPath)), '..');
  candidates.push(path.join(prefix, 'lib', 'node_modules', 'npm', 'node_modules', 'node-gyp', script));
  candidates.push(path.join(path.dirname(process.execPath), 'node_modules', 'npm', 'node_modules', 'node-gyp', script));
  return candidates.find((file) => file && fs.existsSync(file)) ?? null;
}

/** The folder whose `include/node` belongs to this very Node, so that nothing is downloaded; null when there is none. */
function findHeaders(execPath = process.execPath) {
  for (const file of [execPath, fs.realpathSync(execPath)]) {
    const prefix = path.resolve(path.dirname(file), '..');
    const include = path.join(prefix, 'include', 'node');
    if (!fs.existsSync(path.join(include, 'node_api.h')) || !fs.existsSync(path.join(include, 'uv.h'))) continue;
    if (headerVersion(path.join(include, 'node_version.h')) === process.versions.node) return prefix;
  }
  return null;
}

/** Headers of another version would build and then crash: libuv's structures are part of the contract. */
function headerVersion(file) {
  try {
    const text = fs.readFileSync(file, 'utf8');
    return ['MAJOR', 'MINOR', 'PATCH'].map((part) => new RegExp(`#define NODE_${part}_VERSION (\\d+)`).exec(text)?.[1]).join('.');
  } catch {
    return null;
  }
}

function build(nodeGyp, state) {
  console.log('@httpsys/core: building the addon; this takes about a minute');
  const headers = findHeaders();
  const options = ['--loglevel=error', '--jobs=2', ...(headers === null ? [] : [`--nodedir=${headers}`])];
  // `configure` again also for changed sources: a file that is new or gone changes the list in the makefile.
  const steps = state === 'foreign' ? ['clean', 'configure', 'build'] : ['configure', 'build'];
  for (const step of steps) {
    // One line per object file helps nobody; what goes wrong is written to stderr.
    const result = spawnSync(process.execPath, [nodeGyp, step, ...options], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
    if (result.status !== 0) {
      console.error(`@httpsys/core: building the addon failed in step "${step}"; the messages above say why.`);
      console.error(`It needs a C++17 compiler, make and python3: ${installCommand()}`);
      return 1;
    }
  }
  // make leaves a binary alone whose objects did not change; its age is what the next run looks at.
  const binary = path.join(root, 'build', 'Release', 'httpsys.node');
  const now = new Date();
  fs.utimesSync(binary, now, now);
  return 0;
}

module.exports = { buildState, findHeaders, findNodeGyp, loadablePrebuild };

if (require.main === module) process.exitCode = main(process.argv.slice(2));
