/** The generated part of docs/compatibility.md: every difference from node:http that the tests know of, with its rule and reason. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { createRequire } from 'node:module';
import { rules } from '../conformance/differential-rules';
import { differences as functional } from '../support/differences';
import { applications } from './applications';
import { differences as observed } from './differences';
import { tables } from './tables';

const file = path.join(__dirname, '..', '..', '..', '..', 'docs', 'compatibility.md');
const begin = '<!-- generated: npm run docs:compatibility -->';
const end = '<!-- end of the generated part -->';

const cell = (text: string): string => text.replace(/\|/g, '\\|').replace(/\s+/g, ' ');
/** Of a difference that is one of defaults. */
const exceptUnderSlipstream = ' (slipstreamed programs: on the service only)';
const row = (id: string, reason: string, rule: string): string => `| \`${id}\` | ${cell(reason)} | ${cell(rule)} |`;
const table = (rows: string[]): string[] => ['', '| | What differs, and why | Decided by |', '| --- | --- | --- |', ...rows, ''];

/** Differences of one rule and reason are one row. */
function grouped(): string[] {
  const groups = new Map<string, { ids: string[]; reason: string; rule: string }>();
  for (const { id, reason, rule, engines } of functional) {
    const where = engines ? ` (${engines.join(', ')})` : '';
    const key = `${rule}\n${reason}${where}`;
    const group = groups.get(key) ?? { ids: [], reason: reason + where, rule };
    group.ids.push(id);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ ids, reason, rule }) =>
    row(ids.length > 1 ? `${ids[0]} and ${ids.length - 1} more` : ids[0]!, reason, rule),
  );
}

/** Applications with the version of the package that is installed. */
function counted(): string {
  const load = createRequire(__filename);
  const versions: Record<string, string> = {};
  for (const name of ['express', 'koa', 'fastify', '@hapi/hapi', 'ws', 'socket.io']) {
    const main = load.resolve(name);
    const folder = main.slice(0, main.lastIndexOf(`node_modules/${name}/`) + `node_modules/${name}/`.length);
    versions[name] = (JSON.parse(fs.readFileSync(`${folder}package.json`, 'utf8')) as { version: string }).version;
  }
  return applications.map(({ name, uses, scenarios }) => `${name.replace(/ \d+/, ` ${versions[uses]}`)} ${scenarios.length}`).join(', ');
}

/** The part between the marks. */
export function generated(): string {
  const scenarios = tables.map(({ subject, scenarios: list }) => `${subject} ${list.length}`).join(', ');
  const tabled = tables.reduce((sum, { scenarios: list }) => sum + list.length, 0);
  const total = applications.reduce((sum, { scenarios: list }) => sum + list.length, tabled);
  return [
    begin,
    '',
    `## Differences in ${total} scenarios`,
    '',
    `Scenarios by subject: ${scenarios}.`,
    '',
    `Scenarios of slipstreamed applications (${total - tabled} of them): ${counted()}.`,
    ...table(observed.map(({ id, reason, rule, slipstreamed }) => row(id, slipstreamed ? reason + exceptUnderSlipstream : reason, rule))),
    '## Differences in the functional suite',
    ...table(grouped()),
    '## Requests that are read otherwise',
    '',
    'Found by sending the same bytes to both, hand-written and generated.',
    ...table(rules.map(({ id, reason, decidedBy }) => row(id, reason, decidedBy))),
    end,
  ].join('\n');
}

const split = (): { text: string; from: number; to: number } => {
  const text = fs.readFileSync(file, 'utf8');
  const from = text.indexOf(begin);
  const to = text.indexOf(end) + end.length;
  if (from < 0 || to < from) throw new Error(`${file} has lost its marks ${begin} and ${end}`);
  return { text, from, to };
};

/** What the file has between its marks. */
export function written(): string {
  const { text, from, to } = split();
  return text.slice(from, to);
}

export function write(): void {
  const { text, from, to } = split();
  fs.writeFileSync(file, text.slice(0, from) + generated() + text.slice(to));
}
