// A reporter of node:test that writes one JSON line for each test that ended, and one at the end.
module.exports = async function* report(events) {
  for await (const { type, data } of events) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const { name, nesting, file, skip, todo, details } = data;
    const line = { name, nesting, file, skip, todo, passed: type === 'test:pass', ms: details.duration_ms };
    if (details.type === 'suite') line.suite = true;
    const error = details.error;
    if (error !== undefined) {
      line.kind = error.failureType;
      line.error = String(error.cause?.stack ?? error.cause ?? error.stack ?? error);
    }
    yield `${JSON.stringify(line)}\n`;
  }
  yield '{"done":true}\n';
};
