// `npm run build:windows`: cross-compiles the addon for Windows on x64 with mingw-w64, where prebuildify puts it:
// packages/core/prebuilds/win32-x64. Object by object, when stale. scripts/wine/install.sh fetches what is missing, on Debian as root.
//   npm run build:windows -- --list     the sources, without building
import { mkdirSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { core, newest, root, run } from './lib/build.mjs';
import { compile, compileAddon, defines, isUnlinked, nodeHeaders, sourcesFor } from './lib/objects.mjs';

export const platform = 'win32';
/** prebuildify's name for a package with a scope. */
export const windowsAddon = join(core, 'prebuilds', `${platform}-x64`, '@httpsys+core.node');

// The -posix variant: the other has no std::thread and no std::mutex on Debian 12.
const compiler = 'x86_64-w64-mingw32-g++-posix';
/** What node-gyp defines for an addon, and binding.gyp for Windows. */
const windowsDefines = ['BUILDING_NODE_EXTENSION', '_WIN32_WINNT=0x0A00', 'WIN32_LEAN_AND_MEAN', 'NOMINMAX', 'UNICODE', '_UNICODE'];
const flags = [
  ...['-std=c++17', '-O2', '-fno-rtti', '-fno-strict-aliasing', '-Wall', '-Wextra', '-Wno-unused-parameter'],
  ...windowsDefines.map((define) => `-D${define}`),
];
const libraries = ['-lhttpapi', '-lws2_32'];

/** Compiler, Wine and node.exe: at once when they are there. */
export const installWine = () => run('sh', [join(root, 'scripts', 'wine', 'install.sh')]);

/** The addon with which a test counts its handles; true when it is there. */
export function buildHandles(output) {
  const source = join(root, 'scripts', 'wine', 'handles.cc');
  if (newest([output]) > newest([source])) return true;
  const args = [join(root, 'scripts', 'wine', 'build.sh'), output, ...defines.map((define) => `-D${define}`), source];
  return run('sh', args, { cwd: core, env: { ...process.env, NODE_INCLUDE: nodeHeaders() } });
}

/** Builds what is stale; true when the addon is there. */
export const buildWindows = () => run(process.execPath, [fileURLToPath(import.meta.url)]);

/** The addon for tests on HTTP.SYS: the same objects, with the recording layer of packages/core/test/native/httpsys in front of httpapi.dll. */
export const recordingAddon = join(core, 'build', 'win32-x64', 'recording', '@httpsys+core.node');
/** The one source that knows of the layer, and one that the layer includes. */
const wrapped = 'native/httpsys/http_functions.cc';
const included = 'native/httpsys/file_handle.cc';

/** Builds what is stale of the recording addon, behind the ordinary one; true when it is there. */
export const buildRecording = () => run(process.execPath, [fileURLToPath(import.meta.url), '--recording']);

function layerSources() {
  const folder = join('test', 'native', 'httpsys');
  const named = (path, pattern) =>
    readdirSync(join(core, path))
      .filter((name) => pattern.test(name))
      .map((name) => join(path, name));
  return [...named(folder, /^(recorder\w*|response_rules)\.cc$/), ...named(join(folder, 'wine'), /\.cc$/)];
}

async function main(args) {
  if (args.includes('--list')) {
    for (const source of sourcesFor(platform)) console.log(source);
    return;
  }
  if (!installWine()) throw new Error('scripts/wine/install.sh failed; the messages above say why');
  const folder = join(core, 'build', 'win32-x64', 'objects');
  mkdirSync(join(core, 'prebuilds', `${platform}-x64`), { recursive: true });
  const script = fileURLToPath(import.meta.url);
  const objects = await compileAddon({ label: 'windows', compiler, flags, sources: sourcesFor(platform), folder, script });
  await link(windowsAddon, objects);
  if (!args.includes('--recording')) return;
  const [recording, layer] = [dirname(recordingAddon), join(core, 'build', 'win32-x64', 'recording-objects')];
  mkdirSync(recording, { recursive: true });
  const layered = await compileAddon({
    label: 'windows, recording',
    compiler,
    flags: [...flags, '-DHTTPSYS_WRAP_FUNCTIONS'],
    sources: [wrapped, ...layerSources()],
    folder: layer,
    script,
  });
  const replaced = [wrapped, included].map((source) => `${source.replaceAll('/', '_')}.o`);
  const others = objects.filter((object) => !replaced.includes(basename(object)));
  await link(recordingAddon, [...layered, ...others]);
}

/** Links against what node.exe exports, and makes the addon find it in whatever program loads it. */
async function link(addon, objects) {
  if (!isUnlinked(addon, objects)) return;
  const args = [join(root, 'scripts', 'wine', 'build.sh'), addon, ...objects, ...libraries];
  await compile('sh', args, { cwd: core, env: { ...process.env, NODE_INCLUDE: nodeHeaders() } });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
