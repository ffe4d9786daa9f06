'use strict';
// Serves from a worker thread.
const { Worker, isMainThread, parentPort } = require('node:worker_threads');
if (isMainThread) {
  new Worker(__filename).on('message', (message) => process.send?.(message));
} else {
  const http = require('node:http');
  const server = http.createServer((req, res) => res.end(String(req[Symbol.for('httpsys.request')] === true)));
  server.listen(0, () => parentPort.postMessage({ port: server.address().port }));
}
