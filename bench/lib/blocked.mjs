// The cached route of the service while the application that filled it does not run.
import { measure, validate } from './measure.mjs';
import { fetchOnce, startServer } from './server.mjs';
import { median } from './stats.mjs';
import { runWrk } from './wrk.mjs';

/** Time for wrk to start and to stop, within which the application stays blocked. */
const marginSeconds = 2;

async function whileBlocked(server, one, query, load) {
  const ms = Math.ceil((load.seconds + marginSeconds) * 1000);
  await fetchOnce(`${server.url}/block?ms=${ms}${query}`);
  const end = Date.now() + ms;
  const report = await measure(server, one.request.path, load);
  if (Date.now() > end) throw new Error('the application was no longer blocked at the end of the measurement');
  // The next answer of the application shows that the block is over.
  await fetchOnce(`${server.url}/hello`, { timeout: ms + 10_000 });
  return report;
}

export async function runBlocked(one, options, log) {
  const server = await startServer('plain', 'service');
  try {
    const load = { connections: one.connections, seconds: options.seconds };
    await validate(server, one.request, one.request.path);
    await runWrk(server.url + one.request.path, { ...load, seconds: options.warmUp });
    const free = [];
    const blocked = one.variants.map(() => []);
    for (let round = 0; round < options.rounds; round++) {
      free.push(await measure(server, one.request.path, load));
      for (const [index, variant] of one.variants.entries()) {
        blocked[index].push(await whileBlocked(server, one, variant.query, load));
        log(
          `${one.name} ${round + 1}/${options.rounds} ${variant.name}: ${Math.round(blocked[index][round].rate)}/s of ${Math.round(free[round].rate)}/s`,
        );
      }
    }
    const of = (rounds, key) => median(rounds.map((round) => round[key]));
    const row = (name, rounds) => ({
      server: name,
      rate: of(rounds, 'rate'),
      p50: of(rounds, 'p50'),
      p99: of(rounds, 'p99'),
      rateRatio: median(rounds.map((round, index) => round.rate / free[index].rate)),
      rounds,
    });
    const results = [
      row('service, unblocked', free),
      ...one.variants.map((variant, index) => row(`service, ${variant.name}`, blocked[index])),
    ];
    const verdicts = one.variants.flatMap((variant, index) => {
      if (variant.target === undefined) return [];
      const value = results[index + 1].rateRatio;
      return [
        { server: variant.name, what: 'requests/s', limit: `>= ${variant.target.toFixed(2)}x`, value, reached: value >= variant.target },
      ];
    });
    return { name: one.name, title: one.title, results, verdicts };
  } finally {
    await server.stop();
  }
}
