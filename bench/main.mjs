// `npm run bench`: see lib/options.mjs for its command line, lib/cases.mjs for what is measured.
import { existsSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { runBlocked } from './lib/blocked.mjs';
import { blockedCase, cases, idleCase } from './lib/cases.mjs';
import { runIdle } from './lib/idle.mjs';
import { runCase } from './lib/measure.mjs';
import { readOptions, usage } from './lib/options.mjs';
import { markdownReport, textReport } from './lib/report.mjs';
import { nginxVersion, stopServers } from './lib/server.mjs';
import { wrkVersion } from './lib/wrk.mjs';

const all = [
  ...cases.map((one) => ({ name: one.name, run: (options, log) => runCase(one, options, log) })),
  { name: blockedCase.name, run: (options, log) => runBlocked(blockedCase, options, log) },
  { name: idleCase.name, run: (options, log) => runIdle(idleCase, options, log) },
];

async function main() {
  const options = readOptions(process.argv.slice(2));
  if (options.help) return console.log(usage);
  if (options.list) return console.log(all.map(({ name }) => name).join('\n'));
  const chosen = all.filter(({ name }) => options.case.length === 0 || options.case.some((part) => name.includes(part)));
  if (chosen.length === 0) throw new Error(`no case matches; there are ${all.map(({ name }) => name).join(', ')}`);
  if (!existsSync('/proc/self/stat')) throw new Error('processor time is read from /proc, which this system does not have');
  const wrk = wrkVersion();
  if (wrk === null) throw new Error('wrk is not installed: apt-get install wrk (Debian, Ubuntu), brew install wrk (macOS)');
  const nginx = nginxVersion();
  const log = (line) => console.error(line);
  if (nginx === null) log('nginx is not installed and left out: apt-get install nginx-light');
  const [processor] = os.cpus();
  const report = {
    date: new Date().toISOString(),
    machine: {
      processors: os.cpus().length,
      model: processor.model.trim(),
      system: `${os.type()} ${os.release()}`,
      node: process.versions.node,
      wrk,
      nginx,
    },
    options: { rounds: options.rounds, seconds: options.seconds, smoke: options.smoke },
    cases: [],
  };
  const failures = [];
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stopServers().then(() => process.exit(130)));
  for (const { name, run } of chosen) {
    try {
      report.cases.push(await run({ ...options, nginx: nginx !== null }, log));
    } catch (error) {
      failures.push(`${name}: ${error.message}`);
      log(`${name} FAILED: ${error.message}`);
    }
  }
  if (options.markdown) writeFileSync(options.markdown, markdownReport(report));
  console.log(options.json ? JSON.stringify(report, null, 2) : textReport(report));
  for (const failure of failures) console.error(`failed: ${failure}`);
  if (failures.length > 0) process.exitCode = 1;
}

main().catch((error) => {
  console.error(`bench: ${error.message}`);
  process.exitCode = 1;
});
