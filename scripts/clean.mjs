// Removes what building and testing leave; with --all also node_modules.
import { readdirSync, rmSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const all = process.argv.includes('--all');
const outputs = new Set(['dist', 'build', 'prebuilds', 'coverage']);
const workspaceFolders = ['packages', 'examples'].flatMap((parent) =>
  readdirSync(join(root, parent), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(root, parent, entry.name)),
);

for (const folder of [root, join(root, 'bench'), ...workspaceFolders]) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const output = entry.isDirectory() && (outputs.has(entry.name) || (folder === root && entry.name === '.nx'));
    const installed = all && entry.isDirectory() && entry.name === 'node_modules';
    if (!output && !installed && !entry.name.endsWith('.tsbuildinfo')) continue;
    rmSync(join(folder, entry.name), { recursive: true, force: true });
    console.log(`removed ${relative(root, join(folder, entry.name))}`);
  }
}
