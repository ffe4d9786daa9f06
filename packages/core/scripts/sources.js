'use strict';
// Lists the native sources of this platform for binding.gyp, so that a new file needs no second entry.
const fs = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '..');

function foldersOf(platform) {
  return ['common', 'binding', 'portable', ...(platform === 'win32' ? ['httpsys'] : [])];
}

/** A file whose name ends in _posix or _win32 is for that platform alone. */
function isFor(name, platform) {
  return !name.includes(platform === 'win32' ? '_posix.' : '_win32.');
}

/** Files that end in one of `extensions`, relative to the package, with forward slashes. */
function listSources(extensions, platform = process.platform) {
  return foldersOf(platform).flatMap((folder) => {
    const dir = path.join(root, 'native', folder);
    if (!fs.existsSync(dir)) return [];
    const names = fs.readdirSync(dir).sort();
    return names
      .filter((name) => isFor(name, platform) && extensions.some((extension) => name.endsWith(extension)))
      .map((name) => `native/${folder}/${name}`);
  });
}

module.exports = { listSources };

if (require.main === module) {
  for (const file of listSources(['.cc'])) console.log(file);
}
