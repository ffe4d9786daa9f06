// The stages of `npm test`: which files run, with which environment.
import { existsSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { core, root } from './build.mjs';

/** Test files below a folder, relative to the root, sorted. */
function testFiles(...folders) {
  return folders.flatMap((folder) => {
    const path = join(root, folder);
    if (!existsSync(path)) return [];
    return readdirSync(path, { recursive: true })
      .filter((name) => /\.test\.(ts|mjs)$/.test(name) && !name.includes('node_modules'))
      .map((name) => relative(root, join(path, name)))
      .sort();
  });
}

/** The engines of a platform: the service is not for Windows, HTTP.SYS is for nothing else. */
const enginesOf = (platform) => ['node', 'embedded', platform === 'win32' ? 'httpsys' : 'service'];
/** The longest files are in the last two: they come first, so that none of them runs on alone at the end. */
const functional = () => testFiles('packages/core/test/conformance', 'packages/core/test/lifetime', 'packages/core/test/functional');

/**
 * Under the sanitizers the service runs everything. Of the embedded engine that leaves what its own code does: the loop's channel with bodies by
 * reference, sockets that a program brings, the ends of threads and processes. `--whole` runs everything there, too, as the gate does.
 */
const ownOfEmbedded =
  /\/(lifetime\/.*|functional\/(aborts|files|fragments|interleavings|listen|node-defaults|regressions|re(quest|sponse)-body|upgrade(-failures)?))\.test\./;

/**
 * Each stage has words; `npm test -- functional embedded` runs the stages that have all the stage words given.
 * `timeout` bounds one test file (which is a test to the runner), in ms.
 */
export function allStages(platform = process.platform, whole = false) {
  const engines = enginesOf(platform);
  const stages = [
    { words: ['native'], command: [process.execPath, join(core, 'test', 'native', 'run.mjs')] },
    { words: ['unit'], files: testFiles('packages/core/test/unit') },
    ...engines.map((engine) => ({ words: ['functional', engine], engine, files: functional() })),
    { words: ['compatibility'], files: testFiles('packages/core/test/compatibility'), timeout: 240_000 },
    ...['express', 'fastify', 'koa'].map((name) => ({ words: ['adapters', name], files: testFiles(`packages/${name}/test`) })),
    { words: ['examples'], files: testFiles('examples') },
    {
      words: ['sanitize', 'embedded'],
      engine: 'embedded',
      files: functional().filter((file) => whole || ownOfEmbedded.test(file)),
      sanitize: true,
    },
    { words: ['sanitize', 'service'], engine: 'service', files: functional(), sanitize: true },
  ];
  return stages.map((stage) => ({ timeout: stage.sanitize ? 240_000 : 120_000, ...stage, name: stage.words.join(' ') }));
}

/** Splits arguments into stage words and file filters, and picks the stages and files they leave. */
export function selectStages(args, platform = process.platform) {
  const whole = args.includes('--whole');
  const stages = allStages(platform, whole);
  const known = new Set(stages.flatMap((stage) => stage.words));
  const words = args.filter((arg) => known.has(arg));
  const filters = args.filter((arg) => !known.has(arg) && arg !== '--whole');
  return stages
    .filter((stage) => words.every((word) => stage.words.includes(word)))
    .map((stage) => (stage.files ? { ...stage, files: stage.files.filter((file) => filters.every((part) => file.includes(part))) } : stage))
    .filter((stage) => (stage.files ? stage.files.length > 0 || filters.length === 0 : filters.length === 0));
}
