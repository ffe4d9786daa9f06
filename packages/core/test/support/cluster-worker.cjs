'use strict';
// One worker of the cluster test: answers with its process id.
const http = require('node:http');

const { HTTPSYS_TEST_ENGINE: engine, PORT: port } = process.env;
const listener = (request, response) => response.end(String(process.pid));
const server = engine === 'node' ? http.createServer(listener) : require('@httpsys/core').createServer(listener);
server.on('error', (error) => process.send({ failed: `${error.code} ${error.message}` }));
const up = () => process.send({ up: true });
if (engine === 'node') server.listen(Number(port), '127.0.0.1', up);
else server.listen(`http://*:${port}/cluster/`, up);
process.once('disconnect', () => process.exit(0));
