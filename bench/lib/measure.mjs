// Interleaved rounds over the servers of a case.
import { processorSeconds } from './proc.mjs';
import { fetchOnce, startServer } from './server.mjs';
import { summarize } from './stats.mjs';
import { runWrk } from './wrk.mjs';

/** Asks twice (the second may come from the cache) and compares the answers with what the case expects. */
export async function validate(server, request, path) {
  const headers = Object.fromEntries((request.headers ?? []).map((line) => line.split(': ')));
  for (let time = 0; time < 2; time++) {
    const { status, body } = await fetchOnce(server.url + path, { method: request.method, headers, body: request.send });
    const problem =
      status !== request.status
        ? `status ${status}`
        : request.body !== undefined && body.toString() !== request.body
          ? `body ${JSON.stringify(body.toString().slice(0, 80))}`
          : request.length !== undefined && body.length !== request.length
            ? `${body.length} bytes`
            : null;
    if (problem !== null) throw new Error(`${server.name}: ${path} answered with ${problem}`);
  }
}

/** One run of load with the processor time of all processes of the server around it. */
export async function measure(server, path, load) {
  const pids = server.processes();
  const before = processorSeconds(pids);
  const report = await runWrk(server.url + path, load);
  const seconds = processorSeconds(pids) - before;
  return { ...report, cpu: (seconds / report.requests) * 1e6, processes: pids.length };
}

/** Runs a case: all servers up, a warm-up each, then rounds in which each server is measured once. */
export async function runCase(one, options, log) {
  const servers = [];
  try {
    for (const { app, engine } of one.servers) {
      if (app === 'nginx' && !options.nginx) continue;
      servers.push(await startServer(app, engine));
    }
    const pathOf = (server) => one.paths?.[server.name] ?? one.request.path;
    const load = { connections: one.connections, seconds: options.seconds, headers: one.request.headers, script: one.script };
    for (const server of servers) {
      await validate(server, one.request, pathOf(server));
      await runWrk(server.url + pathOf(server), { ...load, seconds: options.warmUp });
    }
    const rounds = new Map(servers.map((server) => [server.name, []]));
    for (let round = 0; round < options.rounds; round++) {
      for (const server of servers) {
        const result = await measure(server, pathOf(server), load);
        rounds.get(server.name).push(result);
        log(`${one.name} ${round + 1}/${options.rounds} ${server.name}: ${Math.round(result.rate)}/s, ${result.cpu.toFixed(1)} us CPU`);
      }
    }
    const base = rounds.get(servers[0].name);
    const results = servers.map(({ name }) => ({ server: name, ...summarize(rounds.get(name), base), rounds: rounds.get(name) }));
    return { name: one.name, title: one.title, results, verdicts: judge(one, results) };
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

/** Compares what was measured with the targets of a case. */
function judge(one, results) {
  const verdicts = [];
  for (const { server, rate, cpu, cpuOf } of one.targets) {
    const result = results.find((candidate) => candidate.server === server);
    verdicts.push({
      server,
      what: 'requests/s',
      limit: `>= ${rate.toFixed(2)}x`,
      value: result.rateRatio,
      reached: result.rateRatio >= rate,
    });
    if (cpu !== undefined) {
      verdicts.push({
        server,
        what: 'CPU per request',
        limit: `<= ${cpu.toFixed(2)}x`,
        value: result.cpuRatio,
        reached: result.cpuRatio <= cpu,
      });
    }
    const peer = results.find((candidate) => candidate.server === cpuOf);
    if (peer !== undefined) {
      const value = result.cpu / peer.cpu;
      verdicts.push({ server, what: `CPU per request against ${cpuOf}`, limit: '<= 1.00x', value, reached: value <= 1 });
    }
  }
  return verdicts;
}
