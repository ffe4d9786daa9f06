import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { buildAddon, buildTypeScript, core, root } from '../../scripts/lib/build.mjs';

const compiled = ['core', 'express', 'fastify', 'koa'].map((name) => join(root, 'packages', name, 'dist', 'index.js'));
const prebuilds = join(core, 'prebuilds', `${process.platform}-${process.arch}`);

/** Builds what is missing or older than its sources; false when that failed, which has then been said. */
export function buildMissing() {
  return (addonIsGiven() || buildAddon()) && (compilerIsMissing() ? compiled.every(isThere) : buildTypeScript());
}

function addonIsGiven() {
  return Boolean(process.env.HTTPSYS_ADDON) || (existsSync(prebuilds) && readdirSync(prebuilds).some((name) => name.endsWith('.node')));
}

/** After `npm ci --omit=dev` what was compiled before has to do. */
function compilerIsMissing() {
  return !existsSync(join(root, 'node_modules', 'typescript'));
}

function isThere(file) {
  if (existsSync(file)) return true;
  console.error(`${file} is missing: run npm ci and npm run build`);
  return false;
}
