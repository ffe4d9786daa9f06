// The same by a named import, which is bound before any code of this file runs.
import { createServer, IncomingMessage, Server, ServerResponse } from 'node:http';

const brand = Symbol.for('httpsys.request');
const server = createServer();
server.on('request', async (req, res) => {
  if (!(req instanceof IncomingMessage) || !(res instanceof ServerResponse) || !(server instanceof Server)) throw new Error('instanceof');
  if (req.url === '/engine') res.end(String(req[brand] === true));
  else if (req.url === '/hello')
    res.setHeader('Content-Type', 'application/json').end(JSON.stringify({ hello: req.headers.name ?? 'world' }));
  else if (req.url === '/echo') {
    const pieces = [];
    for await (const piece of req) pieces.push(piece);
    res.end(Buffer.concat(pieces));
  } else if (req.url === '/stream') {
    for (const piece of ['a', 'b', 'c']) res.write(piece);
    res.end();
  } else if (req.url === '/error') res.writeHead(500).end('failed');
  else res.writeHead(404).end();
});
server.listen({ port: 0, host: '127.0.0.1' }, () => process.send?.({ port: server.address().port }));
