// A (req, res) listener, the same on node:http and on @httpsys/core.
import { createReadStream } from 'node:fs';
import http from 'node:http';

const megabyte = Buffer.alloc(1024 * 1024, 'x');
const tenHeaders = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`X-Answer-${index}`, `value of header ${index}`]));
const sleepCell = new Int32Array(new SharedArrayBuffer(4));

/** The first MiB of a file that is surely there. */
function file(res) {
  res.setHeader('Content-Type', 'application/octet-stream');
  if (res.respondWithFile !== undefined) {
    res.respondWithFile(process.execPath, { length: megabyte.length });
    return;
  }
  res.setHeader('Content-Length', megabyte.length);
  createReadStream(process.execPath, { end: megabyte.length - 1 }).pipe(res);
}

function hello(res) {
  res.setHeader('Content-Type', 'text/plain');
  res.end('Hello, world');
}

/** Blocks the event loop for `ms`: asleep, as in a synchronous call, or computing, which also takes a processor. */
function block(res, ms, computing) {
  // The caller learns that the block begins; what is sent after it is not waited for.
  res.writeHead(200, { 'Content-Type': 'text/plain' });
  res.end('blocking');
  setTimeout(() => {
    if (!computing) {
      Atomics.wait(sleepCell, 0, 0, ms);
      return;
    }
    for (const end = Date.now() + ms; Date.now() < end;);
  }, 50);
}

function listener(req, res) {
  switch (req.url) {
    case '/hello':
      hello(res);
      return;
    case '/headers':
      res.writeHead(200, { 'Content-Type': 'text/plain', ...tenHeaders });
      res.end(req.headers['x-field-50']);
      return;
    case '/echo': {
      const chunks = [];
      req.on('data', (chunk) => chunks.push(chunk));
      req.on('end', () => res.end(Buffer.concat(chunks)));
      return;
    }
    case '/megabyte':
      res.setHeader('Content-Type', 'application/octet-stream');
      res.end(megabyte);
      return;
    case '/file':
      file(res);
      return;
    case '/cached':
      res.cachePolicy = { untilFlushed: true };
      hello(res);
      return;
    default:
      other(req, res);
  }
}

function other(req, res) {
  const { pathname, searchParams } = new URL(req.url, 'http://x');
  if (pathname === '/block') return block(res, Number(searchParams.get('ms')), searchParams.has('computing'));
  res.statusCode = 404;
  res.end();
}

export async function start({ onNode, port, prefix }) {
  const createServer = onNode ? http.createServer : (await import('@httpsys/core')).createServer;
  const server = createServer(listener);
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    if (onNode) server.listen(port, '127.0.0.1', resolve);
    else server.listen(prefix, resolve);
  });
}
