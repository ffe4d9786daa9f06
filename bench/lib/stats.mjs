/** The middle value; of an even number, the mean of the two in the middle. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Medians of one server's rounds, and of its ratios to the base server in the same round. */
export function summarize(rounds, baseRounds) {
  const of = (key, list = rounds) => median(list.map((round) => round[key]));
  const ratio = (key) => median(rounds.map((round, index) => round[key] / baseRounds[index][key]));
  return {
    rate: of('rate'),
    p50: of('p50'),
    p99: of('p99'),
    cpu: of('cpu'),
    rateRatio: ratio('rate'),
    cpuRatio: ratio('cpu'),
  };
}
