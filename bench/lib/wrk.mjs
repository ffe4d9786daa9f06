// Runs wrk and reads its report.
import { spawn, spawnSync } from 'node:child_process';

const graceSeconds = 30;

/** wrk's version, or null when it is not installed. */
export function wrkVersion() {
  const result = spawnSync('wrk', ['--version'], { encoding: 'utf8' });
  if (result.error) return null;
  return /wrk\s+(?:debian\/)?(\S+)/.exec(result.stdout + result.stderr)?.[1] ?? 'unknown';
}

const units = { us: 0.001, ms: 1, s: 1000, m: 60_000 };

function milliseconds(text, percentile) {
  const match = new RegExp(`^\\s+${percentile}%\\s+([\\d.]+)(us|ms|s|m)\\b`, 'm').exec(text);
  if (match === null) throw new Error(`wrk reported no ${percentile}% latency:\n${text}`);
  return Number(match[1]) * units[match[2]];
}

/** Requests, seconds and latencies of one run; throws when a request failed in any way. */
export function parseReport(text) {
  const totals = /^\s*(\d+) requests in ([\d.]+)(us|ms|s|m),/m.exec(text);
  if (totals === null) throw new Error(`wrk reported no totals:\n${text}`);
  const failure = /^\s*(Socket errors:.*|Non-2xx or 3xx responses:.*)$/m.exec(text);
  if (failure !== null && !/connect 0, read 0, write 0, timeout 0/.test(failure[1])) throw new Error(`wrk: ${failure[1]}`);
  const requests = Number(totals[1]);
  if (requests === 0) throw new Error('no request was answered');
  const rate = /^Requests\/sec:\s+([\d.]+)/m.exec(text);
  return { requests, rate: Number(rate[1]), p50: milliseconds(text, 50), p99: milliseconds(text, 99) };
}

/**
 * One run of load.
 *
 * @param load `connections`, `seconds`, `headers` (name: value lines), `script` (path of a Lua file)
 */
export function runWrk(url, load) {
  const threads = load.connections > 1 ? 2 : 1;
  const args = [`-t${threads}`, `-c${load.connections}`, `-d${load.seconds}s`, '--latency', '--timeout', '10s'];
  for (const header of load.headers ?? []) args.push('-H', header);
  if (load.script) args.push('-s', load.script);
  return new Promise((resolve, reject) => {
    const child = spawn('wrk', [...args, url], { stdio: ['ignore', 'pipe', 'pipe'] });
    const timer = setTimeout(() => child.kill('SIGKILL'), (load.seconds + graceSeconds) * 1000);
    let text = '';
    child.stdout.on('data', (chunk) => (text += chunk));
    child.stderr.on('data', (chunk) => (text += chunk));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      try {
        if (code !== 0) throw new Error(`wrk ended with ${code ?? signal}:\n${text}`);
        resolve(parseReport(text));
      } catch (error) {
        reject(error);
      }
    });
  });
}
