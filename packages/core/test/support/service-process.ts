/** Finding and ending the service process of one private runtime directory: only a process whose own directory this is. */
import * as fs from 'node:fs';
import * as path from 'node:path';

/** Process id of the service that runs in `directory`, or null. */
export function servicePid(directory: string): number | null {
  // There is no service there; under Wine the folder would be the host's.
  if (process.platform === 'win32') return null;
  for (const entry of fs.readdirSync('/proc')) {
    if (!/^[0-9]+$/.test(entry) || Number(entry) === process.pid) continue;
    try {
      const command = fs.readFileSync(path.join('/proc', entry, 'cmdline'), 'utf8');
      if (!command.includes(`${path.sep}service${path.sep}`)) continue;
      const environment = fs.readFileSync(path.join('/proc', entry, 'environ'), 'utf8');
      if (environment.split('\0').includes(`HTTPSYS_RUNTIME_DIR=${directory}`)) return Number(entry);
    } catch {
      // The process went away, or belongs to somebody else.
    }
  }
  return null;
}

/** Ends the service of `directory`, if there is one. */
export function stopService(directory: string): void {
  const pid = servicePid(directory);
  if (pid === null) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It had just left.
  }
}
