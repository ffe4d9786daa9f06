// `npm run test:packages`: core and the Express adapter as a user installs them: packed, installed by npm in an empty folder with no compiler
// in PATH and no network, loaded by require and by import, and serving. Where Wine is installed, also by Windows' node.exe.
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { freePort } from '../packages/core/test/support/free-port.cjs';
import { buildTypeScript, root, run } from './lib/build.mjs';
import { nodeVersion, runScript, wineIsInstalled } from './lib/wine.mjs';

/** One program, from its start to its end. */
const programSeconds = 60;

/** Each serves one request from its own client and prints what it got. */
const ask = `
  http.get({ port, host: '127.0.0.1', path: base + '/hello', agent: false }, (res) => {
    let text = '';
    res.setEncoding('utf8').on('data', (piece) => (text += piece)).on('end', () => {
      console.log('got ' + res.statusCode + ' ' + text);
      server.close(() => process.exit());
    });
  });`;
const programs = {
  'core.cjs': `const http = require('node:http');
const { createServer } = require('@httpsys/core');
const base = '';
const server = createServer((req, res) => res.end('core'));
server.on('error', (error) => { console.log(error); process.exit(1); });
server.listen(0, () => {
  const { port } = server.address();${ask}
});
`,
  'express.mjs': `import http from 'node:http';
import express from 'express';
import { httpsysExpress } from '@httpsys/express';
const base = '/shop';
const app = express();
app.get('/hello', (req, res) => res.send('express below ' + req.baseUrl));
const { server } = httpsysExpress(app);
const port = Number(process.env.PORT);
server.on('error', (error) => { console.log(error); process.exit(1); });
server.listen('http://+:' + port + '/shop/', () => {${ask}
});
`,
};
const answers = { 'core.cjs': 'got 200 core', 'express.mjs': 'got 200 express below /shop' };

const folder = mkdtempSync(join(tmpdir(), 'httpsys-packages-'));
try {
  await main(wineIsInstalled());
} finally {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

async function main(withWine) {
  const prebuilds = [join(root, 'scripts', 'prebuilds.mjs'), ...(withWine ? [] : ['--native'])];
  check(buildTypeScript() && run(process.execPath, prebuilds), 'the binaries are built');
  const [core, express] = ['core', 'express'].map((name) => pack(join(root, 'packages', name)));
  const binaries = core.files.map((file) => file.path).filter((path) => path.startsWith('prebuilds/'));
  check(
    binaries.some((path) => path.startsWith(`prebuilds/${process.platform}-${process.arch}/`)),
    `core's package has this system's binary: ${binaries.join(', ')}`,
  );
  if (withWine) check(binaries.includes('prebuilds/win32-x64/@httpsys+core.node'), "core's package has the binary for Windows");
  install([core, express]);
  await serves('core.cjs', process.execPath, { HTTPSYS_ENGINE: '' });
  await serves('express.mjs', process.execPath, { HTTPSYS_ENGINE: 'embedded' });
  if (!withWine) {
    console.log('notice: no Wine (scripts/wine/install.sh), so nothing was loaded by node.exe');
    return;
  }
  const env = { NODE_WIN_VERSION: nodeVersion, WINE_TIMEOUT: String(programSeconds) };
  await serves('core.cjs', runScript, { ...env, HTTPSYS_ENGINE: 'embedded', WINE_KEEPER: '0' });
  await serves('express.mjs', runScript, { ...env, HTTPSYS_ENGINE: '' });
}

/** What npm would upload. */
function pack(packageFolder) {
  const [packed] = JSON.parse(output('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], packageFolder));
  return { ...packed, tarball: join(folder, packed.filename) };
}

/** npm as a user calls it; the tarball of node-addon-api, which a build from source needs, stands for the registry. */
function install(packages) {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  symlinkSync(process.execPath, join(bin, 'node'));
  // npm runs install scripts with it.
  symlinkSync('/bin/sh', join(bin, 'sh'));
  const source = pack(join(root, 'node_modules', 'node-addon-api'));
  writeFileSync(join(folder, 'package.json'), '{ "name": "user", "private": true }\n');
  const options = ['--offline', '--no-audit', '--no-fund', '--legacy-peer-deps', '--foreground-scripts'];
  const tarballs = [...packages, source].map(({ tarball }) => tarball);
  output(join(bin, 'node'), [npmScript(), 'install', ...options, ...tarballs], folder, { ...process.env, PATH: bin });
  const core = join(folder, 'node_modules', '@httpsys', 'core');
  check(!existsSync(join(core, 'build')), 'npm install takes the binary and builds nothing');
  // Needed to build, not to run.
  rmSync(join(folder, 'node_modules', 'node-addon-api'), { recursive: true });
  copyClosure('express', root, new Set());
}

/** npm's own script, since `npm` itself is found by PATH. */
function npmScript() {
  const beside = join(dirname(process.execPath), '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js');
  const script = [process.env.npm_execpath, beside, '/usr/share/nodejs/npm/bin/npm-cli.js'].find((file) => file && existsSync(file));
  check(script !== undefined, 'npm is found');
  return script;
}

/** Express, which the user has: it and what it depends on, from this repository's node_modules. */
function copyClosure(name, from, done) {
  let at = from;
  while (!existsSync(join(at, 'node_modules', name)) && at !== dirname(at)) at = dirname(at);
  const source = join(at, 'node_modules', name);
  if (done.has(source)) return;
  done.add(source);
  cpSync(source, join(folder, source.slice(root.length)), { recursive: true, dereference: true });
  const { dependencies = {} } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'));
  for (const dependency of Object.keys(dependencies)) copyClosure(dependency, source, done);
}

/** Runs a program and holds what it prints against its answer. */
async function serves(file, command, env) {
  writeFileSync(join(folder, file), programs[file]);
  const where = command === process.execPath ? process.platform : 'node.exe on Wine';
  const port = String(await freePort());
  const { code, text } = await collect(command, [file], { ...process.env, ...env, PORT: port, HTTPSYS_RUNTIME_DIR: folder });
  check(code === 0 && text.includes(answers[file]), `${file} serves on ${where}`, `status ${code}\n${text}`);
}

function collect(command, args, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: programSeconds * 2000 });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece) => (text += piece));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, text }));
  });
}

function output(command, args, cwd, env = process.env) {
  const result = spawnSync(command, args, { cwd, env, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  check(result.status === 0, `${command} ${args.slice(0, 2).join(' ')}`, `${result.error ?? ''}${result.stdout}${result.stderr}`, true);
  return result.stdout;
}

function check(holds, what, why = '', quiet = false) {
  if (holds && !quiet) console.log(`ok: ${what}`);
  if (!holds) throw new Error(`${what}: no\n${why}`);
}
