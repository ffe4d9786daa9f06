// What a server costs: processor time and memory of all its processes, from /proc.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** Every server is started with this variable; the service inherits it from the application that starts it. */
export const marker = 'HTTPSYS_BENCH_SERVER';

function read(pid, name) {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1');
  } catch {
    return '';
  }
}

/** Fields of /proc/PID/stat after the command, which may contain spaces and brackets. */
function statFields(pid) {
  const text = read(pid, 'stat');
  return text === '' ? null : text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** The server's processes: those with its mark (detached ones too), and the descendants of the first (workers that rewrote their title). */
export function serverProcesses(pid, mark) {
  const wanted = `${marker}=${mark}`;
  const parents = new Map();
  const found = new Set([pid]);
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) continue;
    const fields = statFields(entry);
    if (fields === null || fields[0] === 'Z') continue;
    parents.set(Number(entry), Number(fields[1]));
    if (read(entry, 'environ').split('\0').includes(wanted)) found.add(Number(entry));
  }
  for (let grown = true; grown;) {
    grown = false;
    for (const [child, parent] of parents) {
      if (!found.has(parent) || found.has(child)) continue;
      found.add(child);
      grown = true;
    }
  }
  return [...found];
}

/** User and system time of the processes so far, all threads, in seconds. */
export function processorSeconds(pids) {
  let ticks = 0;
  for (const pid of pids) {
    const fields = statFields(pid);
    if (fields === null) throw new Error(`server process ${pid} is gone`);
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / ticksPerSecond;
}

/** Resident bytes of the processes. */
export function residentBytes(pids) {
  return pids.reduce((sum, pid) => sum + Number(/^VmRSS:\s+(\d+)/m.exec(read(pid, 'status'))?.[1] ?? 0) * 1024, 0);
}
