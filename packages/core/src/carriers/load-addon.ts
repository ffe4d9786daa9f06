/**
 * Finds and loads the native addon, once per JS realm. Only the embedded carrier and the service process come here:
 * an application on the service carrier runs no native code of ours.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { makeError } from '../errors';
import type { HttpSysBinding } from './httpsys-native';
import type { NativeBinding } from './native';

interface Attempt {
  place: string;
  why: string;
}

/** Where to look; tests replace it. */
export interface AddonSearch {
  /** The package's root folder: `build/` and `prebuilds/` are below it. */
  root: string;
  env: NodeJS.ProcessEnv;
  load: (file: string) => unknown;
}

const exported = ['Engine', 'peerCredentials', 'lockFile', 'frameTable'] as const;

const exportedOnWindows = ['HttpQueue', 'freePort', 'httpFeatures'] as const;

let loaded: NativeBinding | undefined;

/**
 * The addon. A failure is not remembered, so that a program may build the addon and try again.
 *
 * @throws ERR_HTTPSYS_ADDON, which lists each place tried, why it failed, and what to do.
 */
export function loadAddon(): NativeBinding {
  loaded ??= findAddon({ root: path.join(__dirname, '..', '..'), env: process.env, load: require });
  return loaded;
}

/**
 * The part of the addon that drives HTTP.SYS.
 *
 * @throws ERR_HTTPSYS_ADDON also when there is an addon without it: it is not Windows', or it is older
 */
export function loadHttpSys(): HttpSysBinding {
  const binding = loadAddon() as NativeBinding & Partial<HttpSysBinding>;
  const missing = exportedOnWindows.filter((name) => typeof binding[name] !== 'function');
  if (missing.length > 0) throw makeError('ERR_HTTPSYS_ADDON', `The addon lacks ${missing.join(', ')}: it does not drive HTTP.SYS.`);
  return binding as HttpSysBinding;
}

/** The search itself. `HTTPSYS_ADDON` is exclusive: a sanitizer build that fails to load must not be replaced silently by another one. */
export function findAddon(search: AddonSearch): NativeBinding {
  const attempts: Attempt[] = [];
  for (const file of candidates(search)) {
    if (!fs.existsSync(file)) {
      attempts.push({ place: file, why: 'does not exist' });
      continue;
    }
    try {
      const binding = search.load(file) as Partial<NativeBinding>;
      const missing = exported.filter((name) => typeof binding?.[name] !== 'function');
      if (missing.length === 0) return binding as NativeBinding;
      attempts.push({ place: file, why: `lacks ${missing.join(', ')}: it belongs to another version of @httpsys/core` });
    } catch (error) {
      attempts.push({ place: file, why: firstLine(error) });
    }
  }
  throw makeError('ERR_HTTPSYS_ADDON', `${describe(attempts)} ${remedy(attempts)}`);
}

function candidates(search: AddonSearch): string[] {
  const override = search.env.HTTPSYS_ADDON;
  if (override) return [path.resolve(override)];
  const files = [path.join(search.root, 'build', 'Release', 'httpsys.node')];
  const prebuilds = path.join(search.root, 'prebuilds', `${process.platform}-${process.arch}`);
  if (fs.existsSync(prebuilds)) {
    for (const name of fs.readdirSync(prebuilds).sort()) {
      if (name.endsWith('.node') && libcFits(name)) files.push(path.join(prebuilds, name));
    }
  } else {
    files.push(prebuilds);
  }
  return files;
}

/** prebuildify tags files `musl` or `glibc`; loading the wrong one can crash rather than fail. */
function libcFits(name: string): boolean {
  const tags = name.split('.');
  const musl = process.platform === 'linux' && fs.existsSync('/etc/alpine-release');
  return musl ? !tags.includes('glibc') : !tags.includes('musl');
}

function describe(attempts: Attempt[]): string {
  return `Tried: ${attempts.map((attempt) => `${attempt.place} (${attempt.why})`).join('; ')}.`;
}

function remedy(attempts: Attempt[]): string {
  const text = attempts.map((attempt) => attempt.why).join('\n');
  const here = `Node ${process.versions.node} on ${process.platform}-${process.arch}`;
  if (/NODE_MODULE_VERSION|different Node\.js version|undefined symbol|symbol not found/i.test(text)) {
    return `It was built for another version of Node; rebuild it with this one (${here}): npm rebuild @httpsys/core`;
  }
  if (/ELF|incompatible architecture|mach-o|not a valid Win32|wrong architecture/i.test(text)) {
    return `It was built for another processor or system; rebuild it here (${here}): npm rebuild @httpsys/core`;
  }
  if (/GLIBC|libstdc\+\+|ld-musl|cannot open shared object/i.test(text)) {
    return `It was built against a system library that this machine does not have; rebuild it here: npm rebuild @httpsys/core`;
  }
  if (attempts.every((attempt) => attempt.why === 'does not exist')) {
    return (
      `It has not been built for ${here}: run npm rebuild @httpsys/core, which needs a C++17 compiler, make and python3 ` +
      '(Debian, Ubuntu: sudo apt-get install -y g++ make python3; macOS: xcode-select --install), ' +
      'and make sure that install scripts are not switched off (npm config get ignore-scripts).'
    );
  }
  return `Rebuild it here (${here}): npm rebuild @httpsys/core`;
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n', 1)[0];
}
