// Windows' node.exe under Wine, as scripts/wine/install.sh sets it up.
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { root } from './build.mjs';

/** The oldest Node this project supports, of which there is a node.exe; the one install.sh fetches. */
export const nodeVersion = process.env.NODE_WIN_VERSION ?? '20.20.2';
const home = process.env.WINE_HOME ?? join(homedir(), '.cache', 'wine-node');

export const runScript = join(root, 'scripts', 'wine', 'run.sh');
export const wineIsInstalled = () => process.platform === 'linux' && existsSync(join(home, 'template', '.done'));
