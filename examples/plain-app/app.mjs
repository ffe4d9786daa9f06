// node:http's API and nothing else, on the prefix /plain/; /time is answered by the engine for 2 seconds at a time.
import { setTimeout as sleep } from 'node:timers/promises';
import { createServer, relativeUrl } from '@httpsys/core';

const port = process.env.PORT ?? 8080;
const longestBlockMs = 60_000;
let served = 0;

const routes = {
  'GET /hello': (req, res, { pathname }) => {
    sendJson(res, { app: 'plain', pid: process.pid, path: pathname, url: req.url, served });
  },

  'GET /time': (req, res) => {
    res.cachePolicy = { ttl: 2 };
    sendJson(res, { app: 'plain', time: new Date().toISOString() });
  },

  'POST /echo': (req, res) => {
    res.setHeader('Content-Type', req.headers['content-type'] ?? 'application/octet-stream');
    req.pipe(res);
  },

  'GET /stream': async (req, res) => {
    res.setHeader('Content-Type', 'text/plain');
    for (let piece = 1; piece <= 5 && !res.destroyed; piece++) {
      res.write(`piece ${piece} of 5\n`);
      await sleep(100);
    }
    res.end();
  },

  'GET /block': (req, res, { searchParams }) => {
    const ms = Math.min(Number(searchParams.get('ms')) || 0, longestBlockMs);
    const end = Date.now() + ms;
    while (Date.now() < end);
    sendJson(res, { app: 'plain', blocked: ms });
  },

  'GET /crash': (req, res) => {
    res.on('finish', () => setTimeout(() => process.exit(1), 50));
    res.setHeader('Content-Type', 'text/plain').end('plain is going down\n');
  },
};

function sendJson(res, value) {
  res.setHeader('Content-Type', 'application/json');
  res.end(JSON.stringify(value));
}

const server = createServer((req, res) => {
  served++;
  // req.url is what the client sent, prefix and all; relativeUrl splits it where the prefix ends.
  const url = new URL(`http://localhost${relativeUrl(req).url}`);
  const route = `${req.method} ${url.pathname}`;
  if (Object.hasOwn(routes, route)) {
    routes[route](req, res, url);
  } else {
    res.statusCode = 404;
    sendJson(res, { error: `no such route: ${route}` });
  }
});

server.listen(`http://*:${port}/plain/`, () => {
  console.log(`http://localhost:${port}/plain/hello`);
  process.send?.('ready');
});
