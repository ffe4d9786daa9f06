// The page at /: what runs on this port, with the engine's own counters. It shows every prefix on the port, also those of other programs.
import { readFile } from 'node:fs/promises';
import { createServer } from '@httpsys/core';
import { describeState } from './state.mjs';

const port = Number(process.env.PORT ?? 8080);
const page = await readFile(new URL('index.html', import.meta.url));

const server = createServer((req, res) => {
  const path = req.url.split('?', 1)[0];
  if (req.method !== 'GET' && req.method !== 'HEAD') {
    res.writeHead(405, { Allow: 'GET, HEAD', 'Content-Type': 'text/plain' }).end('Method not allowed\n');
  } else if (path === '/') {
    // The page never changes while this process lives, so the engine may answer it until then.
    res.cachePolicy = { untilFlushed: true };
    res.setHeader('Content-Type', 'text/html; charset=utf-8');
    res.end(page);
  } else if (path === '/state') {
    sendState(res);
  } else {
    res.writeHead(404, { 'Content-Type': 'text/plain' }).end('Nothing is mounted here\n');
  }
});

async function sendState(res) {
  res.setHeader('Content-Type', 'application/json');
  res.setHeader('Cache-Control', 'no-store');
  try {
    res.end(JSON.stringify(describeState(await server.queryState(), port)));
  } catch (error) {
    res.statusCode = 503;
    res.end(JSON.stringify({ error: error.message }));
  }
}

server.listen(`http://*:${port}/`, () => {
  console.log(`http://localhost:${port}/`);
  process.send?.('ready');
});
