// Tables: for the terminal and as markdown.

const format = (value, digits) => (value === undefined || Number.isNaN(value) ? '' : value.toFixed(digits));
const times = (value) => (value === undefined || Number.isNaN(value) ? '' : `${value.toFixed(2)}x`);
const columns = ['server', 'requests/s', 'ratio', 'CPU us/request', 'ratio', 'p50 ms', 'p99 ms'];

function row(result) {
  return [
    result.server,
    format(result.rate, 0),
    times(result.rateRatio),
    format(result.cpu, 1),
    times(result.cpuRatio),
    format(result.p50, 2),
    format(result.p99, 2),
  ];
}

function verdictRow(outcome, verdict) {
  const value = verdict.what.startsWith('bytes') ? format(verdict.value, 0) : times(verdict.value);
  return [outcome.name, verdict.server, verdict.what, verdict.limit, value, verdict.reached ? 'reached' : 'NOT reached'];
}

const verdictColumns = ['case', 'server', 'what', 'target', 'measured', ''];
const verdictRows = (outcomes) => outcomes.flatMap((outcome) => outcome.verdicts.map((verdict) => verdictRow(outcome, verdict)));

function idleText({ idle }) {
  return `service ${format(idle.engineBytes, 0)} bytes a connection, application ${format(idle.appBytes, 0)} bytes, at ${idle.connections} connections`;
}

function aligned(head, rows) {
  const widths = head.map((cell, index) => Math.max(cell.length, ...rows.map((cells) => cells[index].length)));
  const textColumns = head.length === columns.length ? 1 : head.length;
  const line = (cells) =>
    cells
      .map((cell, index) => (index < textColumns ? cell.padEnd(widths[index]) : cell.padStart(widths[index])))
      .join('  ')
      .trimEnd();
  return [line(head), ...rows.map(line)].join('\n');
}

/** What the run was made on, one line. */
export function machineLine({ date, machine }) {
  const nginx = machine.nginx ? `, nginx ${machine.nginx}` : '';
  return `${date.slice(0, 10)}, ${machine.processors} x ${machine.model}, ${machine.system}, Node ${machine.node}, wrk ${machine.wrk}${nginx}`;
}

export function textReport(report) {
  const parts = [machineLine(report)];
  for (const outcome of report.cases) {
    parts.push(`\n${outcome.title}`, outcome.idle ? idleText(outcome) : aligned(columns, outcome.results.map(row)));
  }
  const verdicts = verdictRows(report.cases);
  if (verdicts.length > 0 && !report.options.smoke) parts.push('\ntargets', aligned(verdictColumns, verdicts));
  return parts.join('\n');
}

function markdownTable(head, rows, firstText) {
  const rule = head.map((_, index) => (index < firstText ? '---' : '---:'));
  return [head, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

export function markdownReport(report) {
  const parts = [
    `Medians of ${report.options.rounds} interleaved rounds of ${report.options.seconds} s; ratios are to the first row of each table, round by round.`,
    `CPU is user and system time of all processes of the server. ${machineLine(report)}.`,
  ];
  for (const outcome of report.cases) {
    const table = outcome.idle ? idleText(outcome) : markdownTable(columns, outcome.results.map(row), 1);
    parts.push('', `**${outcome.title}**`, '', table);
  }
  const verdicts = verdictRows(report.cases);
  if (verdicts.length > 0) parts.push('', markdownTable(verdictColumns, verdicts, verdictColumns.length));
  return `${parts.join('\n')}\n`;
}
