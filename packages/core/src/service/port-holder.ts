/** Finds which process listens on a TCP port (Linux), so that EADDRINUSE can name it. Runs on the failure path only. */
import * as fs from 'node:fs';

/** Bounds the search on machines with very many processes, milliseconds. */
const SEARCH_BUDGET_MS = 200;
/** Larger tables of connections are not worth the wait, bytes. */
const TABLE_BYTES_MAX = 4 * 1024 * 1024;
const TCP_LISTEN = '0A';

/** The pid, or undefined when it cannot be found: another system, another user's process, too many processes. */
export function findPortHolder(port: number): number | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    const inodes = listeningInodes(port);
    return inodes.size > 0 ? ownerOf(inodes) : undefined;
  } catch {
    return undefined;
  }
}

function listeningInodes(port: number): Set<string> {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const inodes = new Set<string>();
  for (const file of ['/proc/net/tcp', '/proc/net/tcp6']) {
    let table: string;
    try {
      table = fs.readFileSync(file, 'latin1');
    } catch {
      continue;
    }
    if (table.length > TABLE_BYTES_MAX) continue;
    for (const line of table.split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/);
      if (fields[3] === TCP_LISTEN && fields[1]?.endsWith(suffix)) inodes.add(`socket:[${fields[9]}]`);
    }
  }
  return inodes;
}

function ownerOf(inodes: Set<string>): number | undefined {
  const deadline = performance.now() + SEARCH_BUDGET_MS;
  const processes = fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  // A second listener in one program is the commonest cause, and the cheapest to see.
  for (const name of [String(process.pid), ...processes]) {
    if (performance.now() > deadline) return undefined;
    let descriptors: string[];
    try {
      descriptors = fs.readdirSync(`/proc/${name}/fd`);
    } catch {
      continue;
    }
    for (const descriptor of descriptors) {
      try {
        if (inodes.has(fs.readlinkSync(`/proc/${name}/fd/${descriptor}`))) return Number(name);
      } catch {
        continue;
      }
    }
  }
  return undefined;
}
