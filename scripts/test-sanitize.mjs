// Builds the addon with AddressSanitizer and UndefinedBehaviorSanitizer into packages/core/build/asan, object by object when stale.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { core, run } from './lib/build.mjs';
import { compile, compileAddon, isUnlinked, libraryPath, sourcesFor } from './lib/objects.mjs';

const output = join(core, 'build', 'asan', 'httpsys.node');
const compiler = process.env.CXX ?? 'g++';
const sanitizers = ['-fsanitize=address,undefined', '-fno-sanitize-recover=undefined', '-fno-omit-frame-pointer'];
// Warnings as in binding.gyp. vptr checks need RTTI, which the addon has not.
const flags = [
  ...['-std=c++17', '-O1', '-g1', '-fPIC', '-fno-rtti', '-fvisibility=hidden', '-Wall', '-Wextra', '-Wno-unused-parameter'],
  ...['NODE_GYP_MODULE_NAME=httpsys', 'BUILDING_NODE_EXTENSION', '_FILE_OFFSET_BITS=64'].map((define) => `-D${define}`),
  ...[...sanitizers, '-fno-sanitize=vptr'],
];

/** Builds what is stale; true when the sanitized addon is there. */
export function buildSanitized() {
  return run(process.execPath, [fileURLToPath(import.meta.url)]);
}

/**
 * What a Node process needs to load the sanitized addon. The runtime must come first in the process, hence the preload; libstdc++ is
 * beside it so that its interceptors find what they wrap. Reports go to files, since the service's stderr is not ours.
 */
export function sanitizerEnvironment(reports) {
  const common = `halt_on_error=1:log_path=${join(reports, 'sanitizer')}`;
  return {
    LD_PRELOAD: `${libraryPath(compiler, 'libasan.so')} ${libraryPath(compiler, 'libstdc++.so')}`,
    HTTPSYS_ADDON: output,
    // Node frees little at exit on purpose, so leaks are looked for in the C++ tests, which own all they allocate.
    // A smaller quarantine than its 256 MiB: the tests of memory that must not grow hold here too. Six callers of each allocation, for
    // walking thirty frames at each of Node's own costs a quarter of the run.
    ASAN_OPTIONS: `detect_leaks=0:quarantine_size_mb=16:malloc_context_size=6:${common}`,
    UBSAN_OPTIONS: `print_stacktrace=1:${common}`,
  };
}

async function main() {
  const folder = join(core, 'build', 'asan', 'objects');
  const script = fileURLToPath(import.meta.url);
  const objects = await compileAddon({ label: 'asan', compiler, flags, sources: sourcesFor(process.platform), folder, script });
  if (isUnlinked(output, objects)) await compile(compiler, ['-shared', ...sanitizers, ...objects, '-o', output]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
