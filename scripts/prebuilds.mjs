// `npm run prebuilds`: the binaries that core's package carries, in prebuildify's layout: one for this machine's system by node-gyp, and on
// Linux one for Windows by the cross compiler. Prints what each needs of the system it will run on.
//   npm run prebuilds -- --native     without the one for Windows
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { buildWindows, windowsAddon } from './build-windows.mjs';
import { addon, buildAddon, core, root, run } from './lib/build.mjs';

const { arch, platform } = process;
const glibc = platform === 'linux' ? process.report.getReport().header.glibcVersionRuntime : undefined;
const libc = platform === 'linux' ? (glibc === undefined ? '.musl' : '.glibc') : '';

if (!buildAddon()) process.exit(1);
const folder = join(core, 'prebuilds', `${platform}-${arch}`);
const native = join(folder, `@httpsys+core${libc}.node`);
mkdirSync(folder, { recursive: true });
for (const name of readdirSync(folder)) if (join(folder, name) !== native) rmSync(join(folder, name));
copyFileSync(addon, native);
// Names of functions that are not called from outside.
if (platform !== 'win32' && !run('strip', platform === 'darwin' ? ['-x', native] : ['--strip-unneeded', native])) process.exit(1);
console.log(`${relative(root, native)}${platform === 'linux' ? `: needs ${newestSymbols(native)}` : ''}`);
if (platform === 'linux' && arch === 'x64' && !process.argv.includes('--native')) {
  if (!buildWindows()) process.exit(1);
  console.log(`${relative(root, windowsAddon)}: needs ${librariesOf(windowsAddon)}`);
}

/** The newest version of each system library's symbols that a binary refers to: "GLIBC 2.34, GLIBCXX 3.4.29". */
function newestSymbols(file) {
  const text = execFileSync('objdump', ['-T', file], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  const newest = new Map();
  for (const [, name, version] of text.matchAll(/\b(GLIBC|GLIBCXX)_(\d[\d.]*)/g)) {
    const known = newest.get(name);
    if (known === undefined || known.localeCompare(version, 'en', { numeric: true }) < 0) newest.set(name, version);
  }
  return [...newest].map((pair) => pair.join(' ')).join(', ');
}

function librariesOf(file) {
  const text = execFileSync('x86_64-w64-mingw32-objdump', ['-p', file], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  return [...text.matchAll(/DLL Name: (\S+)/g)].map((match) => match[1]).join(', ');
}
