'use strict';
// Loaded first (-r) in every child process of a test: the same engine as the parent, a way to report, and no survival without the parent.
const http = require('node:http');

const engine = process.env.HTTPSYS_TEST_ENGINE || 'embedded';
const core = () => require('@httpsys/core');

globalThis.engine = engine;
globalThis.core = core;
globalThis.createServer = (options, listener) => {
  if (typeof options === 'function') return globalThis.createServer({}, options);
  if (engine === 'node') return http.createServer(options || {}, listener);
  // HTTP.SYS has no name among the options: it is what Windows gives.
  return core().createServer({ ...(engine === 'httpsys' ? {} : { engine }), ...options }, listener);
};
globalThis.report = (value) => {
  if (process.connected) process.send(value);
};
/** Listens where the parent says: a prefix where the engine shares ports, else a port of its own; reports it. */
globalThis.listenAndReport = (server, target) => {
  server.on('error', (error) =>
    globalThis.report({ error: { code: error.code, message: error.message, pid: error.pid, prefix: error.prefix } }),
  );
  const done = () => globalThis.report({ listening: true, pid: process.pid, address: server.address() });
  if (target !== undefined) server.listen(target, done);
  else server.listen(0, '127.0.0.1', done);
};
const endWithParent = () => process.exit(86);
process.once('disconnect', endWithParent);
/** Gives up the channel to the parent, so that nothing of the test keeps the process alive. */
globalThis.letGo = () => {
  process.removeListener('disconnect', endWithParent);
  if (process.connected) process.disconnect();
};
