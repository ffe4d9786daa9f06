'use strict';
// What a build of the addon needs from the machine, and what to tell its owner when something is missing.
const fs = require('node:fs');
const path = require('node:path');

/** The full path of a program in PATH, or null. */
function findProgram(name, env = process.env) {
  for (const dir of (env.PATH ?? '').split(path.delimiter)) {
    if (dir === '') continue;
    const file = path.join(dir, name);
    try {
      fs.accessSync(file, fs.constants.X_OK);
      if (fs.statSync(file).isFile()) return file;
    } catch {
      continue;
    }
  }
  return null;
}

/** Names of the tools that are missing. On Windows node-gyp looks for Visual Studio itself, and knows better. */
function missingTools(env = process.env, platform = process.platform) {
  if (platform === 'win32') return [];
  const compiler = env.CXX ? env.CXX.split(' ')[0] : null;
  const compilers = compiler === null ? ['g++', 'c++', 'clang++'] : [compiler];
  const pythons = [env.npm_config_python, env.NODE_GYP_FORCE_PYTHON, env.PYTHON, 'python3', 'python'].filter(Boolean);
  const found = (name) => (path.isAbsolute(name) ? fs.existsSync(name) : findProgram(name, env) !== null);
  const missing = [];
  if (!compilers.some(found)) missing.push(compiler ?? 'g++');
  if (!found(env.MAKE || 'make')) missing.push('make');
  if (!pythons.some(found)) missing.push('python3');
  return missing;
}

/** The command that installs a C++ compiler, make and python3. */
function installCommand(platform = process.platform, osRelease = readOsRelease()) {
  if (platform === 'darwin') return 'xcode-select --install';
  if (platform === 'win32')
    return 'winget install Python.Python.3.12 and the "Desktop development with C++" workload of Visual Studio Build Tools';
  if (platform === 'freebsd') return 'pkg install gmake python3';
  const ids = osRelease
    .split('\n')
    .filter((line) => /^ID(_LIKE)?=/.test(line))
    .join(' ')
    .toLowerCase();
  if (/alpine/.test(ids)) return 'apk add g++ make python3';
  if (/arch/.test(ids)) return 'sudo pacman -S --needed gcc make python';
  if (/suse/.test(ids)) return 'sudo zypper install gcc-c++ make python3';
  if (/fedora|rhel|centos|amzn/.test(ids)) return 'sudo dnf install gcc-c++ make python3';
  if (/debian|ubuntu/.test(ids)) return 'sudo apt-get install -y g++ make python3';
  return 'install a C++17 compiler (g++ 9 or clang 10 at least), make and python3 with your package manager';
}

function readOsRelease() {
  try {
    return fs.readFileSync('/etc/os-release', 'utf8');
  } catch {
    return '';
  }
}

module.exports = { findProgram, installCommand, missingTools };
