// What the recording layer has found in the processes of a run (packages/core/test/native/httpsys/wine/report.cc has the form).
import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** The folder for the processes' files below `folder`; HTTPSYS_RECORDING names it to them. */
export function makeRecording(folder) {
  const recording = join(folder, 'recording');
  mkdirSync(recording);
  return recording;
}

/** Rules that were broken, and how much was held against them. */
export function readRecording(recording) {
  const found = { processes: 0, calls: 0, broken: [] };
  for (const name of readdirSync(recording)) {
    for (const line of readFileSync(join(recording, name), 'utf8').split('\n')) {
      const [word] = line.split(' ', 1);
      if (word === 'loaded') found.processes++;
      else if (word === 'checked') found.calls += Number(line.slice(word.length));
      else if (word === 'broken') found.broken.push(line.slice(word.length + 1));
    }
  }
  return found;
}
