'use strict';
// Bodies, streams, and what the process holds, on the prefix /load/ of the port PORT.
const path = require('node:path');
const { createServer } = require('@httpsys/core');
const { count } = require(path.join(__dirname, '..', '..', 'handles.node'));

function echo(req, res) {
  const pieces = [];
  req.on('data', (piece) => pieces.push(piece));
  req.on('end', () => res.end(Buffer.concat(pieces)));
}

function stream(req, res) {
  let left = 5;
  const next = () => {
    if (--left === 0) return res.end('end');
    res.write('x'.repeat(1000));
    setImmediate(next);
  };
  next();
}

function state(req, res) {
  globalThis.gc();
  const { rss, heapUsed, external } = process.memoryUsage();
  res.end(JSON.stringify({ pid: process.pid, platform: process.platform, rss, heapUsed, external, handles: count() }));
}

const routes = { echo, stream, state, hello: (req, res) => res.end('hello') };
const server = createServer((req, res) => routes[req.url.split('/').at(-1)](req, res));
server.on('error', (error) => {
  console.log(error);
  process.exit(1);
});
server.listen(`http://+:${process.env.PORT}/load/`, () => console.log('listening load'));
