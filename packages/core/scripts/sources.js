'use strict';
// Lists the native sources of this platform for binding.gyp, so that a new file needs no second entry.
const fs = require('node:fs');
const path = require('node:path');

const folders = process.platform === 'win32' ? ['common', 'binding', 'httpsys'] : ['common', 'binding', 'portable'];
const root = path.join(__dirname, '..', 'native');
for (const folder of folders) {
  const dir = path.join(root, folder);
  if (!fs.existsSync(dir)) continue;
  for (const file of fs.readdirSync(dir).sort()) {
    if (file.endsWith('.cc')) console.log(`native/${folder}/${file}`);
  }
}
