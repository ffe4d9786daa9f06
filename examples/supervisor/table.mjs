/** The URLs and the processes behind them, one line each. */
export function urlTable(children, port) {
  const rows = children.map((child) => [child.app.name, `http://localhost:${port}${child.app.path}`, String(child.pid ?? '-')]);
  const all = [['app', 'url', 'pid'], ...rows];
  const widths = all[0].map((_, column) => Math.max(...all.map((row) => row[column].length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
