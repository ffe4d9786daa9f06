// Finds the processes of a run by a variable that they inherit, also those that detached themselves: the service does.
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

export const canListProcesses = process.platform === 'linux';

/** Processes (not this one, not zombies) whose environment has `name=value`; empty where /proc does not exist. */
export function processesWith(name, value) {
  if (!canListProcesses) return [];
  const wanted = `${name}=${value}`;
  const found = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) continue;
    try {
      if (!readFileSync(`/proc/${entry}/environ`, 'latin1').split('\0').includes(wanted)) continue;
      if (/^State:\s+Z/m.test(readFileSync(`/proc/${entry}/status`, 'latin1'))) continue;
      found.push({ pid: Number(entry), command: readFileSync(`/proc/${entry}/cmdline`, 'utf8').split('\0').join(' ').trim() });
    } catch {
      // The process ended while it was looked at, or belongs to somebody else.
    }
  }
  return found;
}

/** Waits until no such process is left, at most `ms`; returns those that are, after killing them. */
export async function waitForNone(name, value, ms) {
  const deadline = Date.now() + ms;
  let left = processesWith(name, value);
  while (left.length > 0 && Date.now() < deadline) {
    await delay(100);
    left = processesWith(name, value);
  }
  for (const { pid } of left) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended in between.
    }
  }
  return left;
}
