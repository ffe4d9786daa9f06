// Builds what is older than its sources.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
export const core = join(root, 'packages', 'core');

/** The time of the newest file among files and folders (walked), in ms; 0 when there is none. */
export function newest(paths, accept = () => true) {
  let latest = 0;
  for (const path of paths) {
    if (!existsSync(path)) continue;
    const facts = statSync(path);
    if (facts.isFile()) {
      if (accept(path)) latest = Math.max(latest, facts.mtimeMs);
      continue;
    }
    const inner = readdirSync(path).map((name) => join(path, name));
    latest = Math.max(latest, newest(inner, accept));
  }
  return latest;
}

/** The addon that `npm run build:native` makes. */
export const addon = join(core, 'build', 'Release', 'httpsys.node');

export function addonIsStale() {
  if (!existsSync(addon)) return true;
  return newest([join(core, 'native'), join(core, 'binding.gyp')], (file) => /\.(cc|h|gyp)$/.test(file)) > statSync(addon).mtimeMs;
}

/** Runs a command in the root with its output shown; true when it ended with 0. */
export function run(command, args, options = {}) {
  // npm and npx are batch files on Windows.
  const shell = process.platform === 'win32' && (command === 'npm' || command === 'npx');
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', shell, ...options });
  if (result.error) console.error(`${command}: ${result.error.message}`);
  return result.status === 0;
}

export function buildTypeScript() {
  return run(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-b']);
}

export function buildAddon() {
  return !addonIsStale() || run('npm', ['run', '--silent', 'build:native']);
}
