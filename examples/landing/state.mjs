/** The part of the engine's state that the page shows: what is on one port, by path, and nothing of other ports. */
export function describeState(state, port) {
  const prefixes = [];
  for (const url of state.urls) {
    const match = /^https?:\/\/[^/]+:(\d+)(\/.*)$/.exec(url.prefix);
    if (!match || Number(match[1]) !== port) continue;
    prefixes.push({ path: match[2], pids: url.pids ?? [], requests: url.requests, hits: url.hits });
  }
  prefixes.sort((a, b) => (a.path < b.path ? -1 : 1));
  return {
    engine: { pid: state.pid, version: state.version, uptimeSeconds: state.uptimeSeconds, connections: state.connections },
    prefixes,
  };
}
