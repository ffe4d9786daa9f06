// Runs stages of the tests on other versions of Node, with the addon that this one has built: npm run test:versions [-- version... [stage...]]
// The binaries come from the `node-<platform>-<arch>` packages of npm and are kept in a cache folder.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { addonIsStale, buildAddon, buildTypeScript, root } from './lib/build.mjs';

/** One of each line that has support; 20 is what everything else runs on. */
const versions = ['22.23.3', '24.21.0', '26.12.1'];
/** What depends on Node's own code (its message classes, its libuv, its module loader), in a few minutes for all versions. */
const stages = [
  ['unit', 'node-internals'],
  ['unit', 'slipstream'],
  ['functional', 'embedded', 'server'],
  ['functional', 'embedded', 'response-'],
  ['functional', 'embedded', 'listen'],
  ['functional', 'service', 'slipstream'],
];
const cache = process.env.HTTPSYS_NODE_VERSIONS_DIR ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'httpsys-node');

const asked = process.argv.slice(2).filter((argument) => /^\d+/.test(argument));
const words = process.argv.slice(2).filter((argument) => !/^\d+/.test(argument));
const chosen = asked.length === 0 ? versions : asked.map((version) => versions.find((one) => one.split('.')[0] === version) ?? version);
const runs = words.length === 0 ? stages : [words];

if (addonIsStale() && !buildAddon()) process.exit(1);
if (!buildTypeScript()) process.exit(1);

const results = [];
for (const version of chosen) {
  const node = obtain(version);
  if (node === null) {
    results.push({ version, stage: 'download', passed: false });
    continue;
  }
  for (const stage of runs) {
    console.log(`\n==== node ${version}: ${stage.join(' ')} ====`);
    const { status } = spawnSync(node, [join(root, 'scripts', 'test.mjs'), ...stage], { cwd: root, stdio: 'inherit', env: withNode(node) });
    results.push({ version, stage: stage.join(' '), passed: status === 0 });
  }
}
console.log('\n== node versions ==');
for (const { version, stage, passed } of results) console.log(`${passed ? 'ok  ' : 'FAIL'} node ${version.padEnd(8)} ${stage}`);
if (results.some((result) => !result.passed)) process.exitCode = 1;

/** The binary of a version; null when it cannot be had, with the reason said. */
function obtain(version) {
  const folder = join(cache, version);
  const node = join(folder, 'package', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (existsSync(node)) return node;
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, 'fetch-'));
  try {
    const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}@${version}`;
    execFileSync('npm', ['pack', '--silent', name], { cwd: work, stdio: ['ignore', 'ignore', 'inherit'] });
    const tarball = readdirSync(work).find((file) => file.endsWith('.tgz'));
    execFileSync('tar', ['xzf', tarball, 'package/bin'], { cwd: work, stdio: ['ignore', 'ignore', 'inherit'] });
    rmSync(join(work, tarball));
    const shown = execFileSync(join(work, 'package', 'bin', 'node'), ['--version'], { encoding: 'utf8' }).trim();
    if (shown !== `v${version}`) throw new Error(`${name} holds node ${shown}`);
    // Two runs may fetch at once; the first one's copy stays.
    if (!existsSync(folder)) renameSync(work, folder);
    return node;
  } catch (error) {
    console.error(`node ${version} was not obtained: ${error.message}`);
    return null;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Child processes of the tests that are started by name are of the same version. */
function withNode(node) {
  const env = { ...process.env, PATH: `${join(node, '..')}${process.platform === 'win32' ? ';' : ':'}${process.env.PATH}` };
  delete env.NODE_OPTIONS;
  return env;
}
