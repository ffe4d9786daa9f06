// The tests as Windows' node.exe under Wine can run them: JavaScript, and each package in one real folder, for Wine shows symbolic links
// as folders and the workspace's packages would be loaded twice. Other packages are found above, in the root's node_modules.
//
//   packages/core/build/windows/test/...             core's tests, compiled
//   packages/core/build/windows/node_modules/@httpsys/{core,express,...}
//   packages/core/build/windows/examples/...         programs that are run as they are
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { core, root } from './build.mjs';

const require = createRequire(join(root, 'package.json'));
export const tree = join(core, 'build', 'windows');
const packages = ['core', 'express', 'fastify', 'koa'];
/** What of core's tests runs on every engine. */
const folders = ['functional', 'lifetime', 'conformance', 'support', 'fixtures', 'windows'];
/** Programs that are run as they are. */
const examples = ['express-app'];

/** Brings the tree up to date; only files that changed are written. */
export function makeTree() {
  const wanted = new Set();
  mkdirSync(tree, { recursive: true });
  // A package of its own: inside core's, the name @httpsys/core would mean the sources around it.
  writeFileSync(join(tree, 'package.json'), '{ "name": "httpsys-windows-tests", "private": true, "type": "commonjs" }\n');
  for (const name of packages) copyPackage(name, wanted);
  for (const folder of folders) {
    const from = join(core, 'test', folder);
    for (const name of readdirSync(from, { recursive: true })) {
      const source = join(from, name);
      if (!statSync(source).isFile() || /\.d\.c?ts$/.test(name)) continue;
      const target = join(tree, 'test', folder, name.replace(/\.ts$/, '.js'));
      wanted.add(target);
      if (isCurrent(target, source)) continue;
      copyFile(source, target);
      if (name.endsWith('.ts')) writeFileSync(target, transpile(source));
    }
  }
  for (const folder of ['test', 'node_modules']) removeOthers(join(tree, folder), wanted);
  for (const name of examples) copyFile(join(root, 'examples', name, 'app.mjs'), join(tree, 'examples', name, 'app.mjs'));
}

/** Which addon the tree's core loads. */
export function placeAddon(addon) {
  copyFile(addon, join(tree, 'node_modules', '@httpsys', 'core', 'prebuilds', 'win32-x64', basename(addon)));
}

const isCurrent = (target, source) => existsSync(target) && statSync(target).mtimeMs > statSync(source).mtimeMs;

/** What npm would install: the built package, and core's addon for Windows. */
function copyPackage(name, wanted) {
  const from = join(root, 'packages', name);
  const names = ['dist', join('prebuilds', 'win32-x64')].flatMap((folder) =>
    existsSync(join(from, folder)) ? readdirSync(join(from, folder), { recursive: true }).map((file) => join(folder, file)) : [],
  );
  for (const file of ['package.json', ...names]) {
    const source = join(from, file);
    if (!statSync(source).isFile() || /\.(map|d\.ts|tsbuildinfo)$/.test(file)) continue;
    const target = join(tree, 'node_modules', '@httpsys', name, file);
    wanted.add(target);
    if (!isCurrent(target, source)) copyFile(source, target);
  }
}

function copyFile(source, target) {
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(source, target);
}

/** Types were checked by `npm run typecheck`. */
function transpile(source) {
  const ts = require('typescript');
  const compilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.CommonJS,
    esModuleInterop: true,
    useDefineForClassFields: false,
  };
  return ts.transpileModule(readFileSync(source, 'utf8'), { compilerOptions, fileName: source }).outputText;
}

function removeOthers(folder, wanted) {
  for (const name of readdirSync(folder, { recursive: true })) {
    const file = join(folder, name);
    if (statSync(file).isFile() && !wanted.has(file)) rmSync(file);
  }
}
