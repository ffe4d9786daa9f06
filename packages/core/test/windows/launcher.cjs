'use strict';
// launcher.cjs STOP FILE...: runs each file in a node.exe of its own, all in this one's Wine prefix and so on one HTTP service, until the file
// STOP is there: no signal reaches a program under Wine. A program that ends is reported.
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const [stop, ...files] = process.argv.slice(2);
const children = files.map((file) => {
  const child = spawn(process.execPath, ['--expose-gc', file], { stdio: 'inherit' });
  child.on('exit', (code) => console.log(`ended ${path.basename(file)} ${code}`));
  return child;
});
const timer = setInterval(() => {
  if (!fs.existsSync(stop)) return;
  clearInterval(timer);
  for (const child of children) child.kill();
}, 100);
