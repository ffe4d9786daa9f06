import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { buildAddon, buildTypeScript, core, newest, root } from '../../scripts/lib/build.mjs';

const packages = ['core', 'express', 'fastify', 'koa'].map((name) => join(root, 'packages', name));
const prebuilds = join(core, 'prebuilds', `${process.platform}-${process.arch}`);

/** Builds what is missing or older than its sources; false when that failed, which has then been said. */
export function buildMissing() {
  return (addonIsGiven() || buildAddon()) && (packages.every(isCompiled) || buildTypeScript());
}

function addonIsGiven() {
  return Boolean(process.env.HTTPSYS_ADDON) || (existsSync(prebuilds) && readdirSync(prebuilds).some((name) => name.endsWith('.node')));
}

/** The compiler would find that out too, but takes seconds for it. */
function isCompiled(folder) {
  const built = join(folder, 'dist', '.tsbuildinfo');
  return existsSync(join(folder, 'dist', 'index.js')) && existsSync(built) && newest([join(folder, 'src')]) <= statSync(built).mtimeMs;
}
