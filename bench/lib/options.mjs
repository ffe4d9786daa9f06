// The command line of `npm run bench`.
import { parseArgs } from 'node:util';

export const usage = `npm run bench -- [options]
  --case NAME      only cases whose name contains NAME; may be repeated
  --rounds N       rounds, interleaved over the servers of a case (default 3)
  --seconds N      seconds of load per server and round (default 4)
  --json           the result as JSON on standard output; progress goes to standard error
  --markdown FILE  the tables as markdown into FILE
  --smoke          one short round without judging the figures: shows that every case works
  --list           the names of the cases`;

function positive(name, text) {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new Error(`--${name} needs a positive number, not ${text}`);
  return value;
}

export function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      case: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '4' },
      json: { type: 'boolean', default: false },
      markdown: { type: 'string' },
      smoke: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const options = {
    ...values,
    rounds: Math.ceil(positive('rounds', values.rounds)),
    seconds: positive('seconds', values.seconds),
    warmUp: 2,
  };
  return values.smoke ? { ...options, rounds: 1, seconds: 1, warmUp: 1 } : options;
}
