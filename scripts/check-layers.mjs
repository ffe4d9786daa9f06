// Checks what the compilers cannot: who may include or import whom, file sizes, and that no file names this machine or its registry.
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const warnLines = 500;
const failLines = 800;
const largestText = 4 * 1024 * 1024;

/** Includes that a native folder must not have. Paths are matched as written between the quotes or brackets. */
const nodeApi = /^(napi|node_api|js_native_api|node|v8)[\w-]*\.h$/;
const windowsHeader = /^(windows|http|winsock2?|ws2\w+|winhttp)\.h$/i;
const systemHeader =
  /^((sys|netinet|arpa|linux|mach|net|openssl)\/.*|(uv|unistd|pthread|poll|netdb|fcntl|signal|dirent|pwd|grp|termios)\.h)$/;
const nativeRules = [
  { folder: 'common', forbidden: [nodeApi, windowsHeader, systemHeader, /^uv\//, /^(\.\.\/)?(portable|httpsys|binding)\//] },
  { folder: 'portable', forbidden: [nodeApi, windowsHeader, /^(\.\.\/)?(httpsys|binding)\//] },
  { folder: 'httpsys', forbidden: [nodeApi, /^(\.\.\/)?(portable|binding)\//] },
  { folder: 'binding', forbidden: [windowsHeader] },
];

/**
 * What a folder of packages/core/src may import besides itself and the files next to index.ts.
 * `wire` stands for what both ends of a carrier share: the frame tables, their reader and writer, and the shape of the counters.
 */
const wire = /^queue\/(frames|header-names|frame-[\w-]+|wire[\w-]*|state)$/;
const sourceRules = {
  prefix: { folders: [], files: ['errors'] },
  carriers: { folders: ['prefix', 'service'], wire: true },
  service: { folders: ['prefix', 'carriers'], wire: true },
  queue: { folders: ['carriers', 'prefix'] },
  // A server chooses a carrier and hands it to its queue; it knows the interface and the choice, no implementation.
  http: { folders: ['queue', 'prefix'], also: ['carriers/carrier', 'carriers/create', 'carriers/cluster-queue'] },
  slipstream: { folders: ['http'] },
  cli: { folders: ['service', 'carriers', 'prefix', 'queue'] },
};

/** Folders inside those, and who of the same folder may import what lies in them besides themselves. */
const innerRules = { 'http/server': [], 'http/socket': ['http/server'] };
/** Files that must not import one another in a circle, types included. */
const withoutCircles = /^packages\/core\/src\/http\//;

const machinePath = /(?<![\w.*/-])\/(work|root|home)\/(?!\s)/;
const registryHost = /\bregistry\.(npmjs|yarnpkg|npmmirror)\.(org|com)\b/;

const problems = [];
const warnings = [];
/** Files of `withoutCircles`, without ending: what each imports. */
const imports = new Map();
const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], { cwd: root, encoding: 'utf8' })
  .split('\0')
  .filter((file) => file !== '' && statSync(join(root, file), { throwIfNoEntry: false })?.isFile());
const configuredHost = registryOfThisMachine();

for (const file of files) {
  const bytes = readFileSync(join(root, file));
  if (bytes.length > largestText || bytes.includes(0)) continue;
  const text = bytes.toString('utf8');
  checkMachine(file, text);
  if (/\.(cc|h)$/.test(file)) checkIncludes(file, text);
  if (/\.([cm]?[jt]s)$/.test(file)) checkImports(file, text);
  if (/\.(cc|h|[cm]?[jt]s)$/.test(file)) checkSize(file, text);
}
checkCircles();
checkLockfile();

for (const warning of warnings) console.warn(`warning: ${warning}`);
for (const problem of problems) console.error(`error: ${problem}`);
console.log(`layers: ${files.length} files, ${warnings.length} warnings, ${problems.length} errors`);
process.exitCode = problems.length > 0 ? 1 : 0;

function checkIncludes(file, text) {
  const match = /^packages\/core\/native\/([\w-]+)\//.exec(file);
  if (match === null) return;
  const rule = nativeRules.find((one) => one.folder === match[1]);
  if (rule === undefined) return;
  // The engine's platform files: scripts/sources.js compiles those of one platform only.
  const forbidden =
    /^portable$/.test(match[1]) && /_win32\.(h|cc)$/.test(file) ? rule.forbidden.filter((one) => one !== windowsHeader) : rule.forbidden;
  for (const [, included] of text.matchAll(/^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]/gm)) {
    if (forbidden.some((pattern) => pattern.test(included))) {
      problems.push(`${file}: native/${rule.folder} must not include ${included}`);
    }
  }
}

function checkImports(file, text) {
  const imported = [...text.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)'([^'\n]+)'/g)].map((match) => match[1]);
  const adapter = /^packages\/(express|fastify|koa)\/src\//.test(file);
  const core = /^packages\/core\/src\/(?:([\w-]+)\/)?(?:[\w-]+\/)*[\w.-]+$/.exec(file);
  for (const name of imported) {
    if (adapter && (name.startsWith('@httpsys/core/') || leavesPackage(file, name))) {
      problems.push(`${file}: an adapter imports core by its package name, not ${name}`);
    }
    if (core?.[1] !== undefined && name.startsWith('.')) checkCoreImport(file, core[1], name);
  }
}

function checkCoreImport(file, folder, name) {
  const target = posix.normalize(posix.join(posix.dirname(file), name)).replace(/\.(ts|js)$/, '');
  const local = posix.relative('packages/core/src', target);
  const [first, ...rest] = local.split('/');
  if (withoutCircles.test(file)) addImport(file.replace(/\.ts$/, ''), target);
  if (first === folder) checkInnerImport(file, local);
  const rule = sourceRules[folder];
  if (rule === undefined || first === '..' || first === folder) return;
  const allowed =
    rest.length === 0
      ? rule.files === undefined || rule.files.includes(first)
      : rule.folders.includes(first) || rule.also?.includes(local) === true || (rule.wire === true && wire.test(local));
  if (!allowed) problems.push(`${file}: ${folder}/ must not import ${local}`);
}

function checkInnerImport(file, local) {
  const [from, to] = [posix.relative('packages/core/src', posix.dirname(file)), posix.dirname(local)];
  if (from !== to && innerRules[to]?.includes(from) === false) problems.push(`${file}: ${from}/ must not import ${local}`);
}

function addImport(from, to) {
  if (!imports.has(from)) imports.set(from, []);
  imports.get(from).push(to);
}

function checkCircles() {
  const done = new Set();
  const visit = (file, path) => {
    if (path.includes(file)) {
      problems.push(`imports in a circle: ${[...path.slice(path.indexOf(file)), file].map((one) => posix.basename(one)).join(' -> ')}`);
      return;
    }
    if (done.has(file)) return;
    for (const imported of imports.get(file) ?? []) visit(imported, [...path, file]);
    done.add(file);
  };
  for (const file of imports.keys()) visit(file, []);
}

function leavesPackage(file, name) {
  if (!name.startsWith('.')) return false;
  const inside = file.split('/').slice(0, 2).join('/');
  return posix.relative(inside, posix.join(posix.dirname(file), name)).startsWith('..');
}

function checkSize(file, text) {
  const lines = text.split('\n').length - 1;
  if (lines > failLines) problems.push(`${file}: ${lines} lines, the limit is ${failLines}: one subject a file`);
  else if (lines > warnLines) warnings.push(`${file}: ${lines} lines, look at it again above ${warnLines}`);
}

function checkMachine(file, text) {
  const found = [machinePath, registryHost].map((pattern) => pattern.exec(text)).find((match) => match !== null);
  if (found) problems.push(`${file}:${lineOf(text, found.index)}: names a machine path or a registry (${found[0].trim()})`);
  for (const word of [root.length > 8 ? root + sep : '', configuredHost]) {
    if (word !== '' && text.includes(word)) problems.push(`${file}:${lineOf(text, text.indexOf(word))}: names this machine's set-up`);
  }
}

function checkLockfile() {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  for (const [name, entry] of Object.entries(packages)) {
    if (entry.resolved !== undefined && entry.link !== true) problems.push(`package-lock.json: ${name} says where it was downloaded from`);
    if (entry.link !== true && name.includes('node_modules/') && entry.integrity === undefined && entry.inBundle !== true) {
      problems.push(`package-lock.json: ${name} has no integrity hash`);
    }
  }
}

function registryOfThisMachine() {
  try {
    const { host } = new URL(
      execFileSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim(),
    );
    return /^(localhost|127\.|\[)/.test(host) ? '' : host;
  } catch {
    return '';
  }
}

function lineOf(text, index) {
  return text.slice(0, index).split('\n').length;
}

if (relative(root, process.cwd()).startsWith('..')) console.log(`(checked ${root})`);
