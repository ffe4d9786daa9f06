'use strict';
// An ordinary node:http program; it knows nothing of httpsys but the brand by which it tells who served it.
const http = require('http');
const brand = Symbol.for('httpsys.request');
const server = http.createServer((req, res) => {
  const { pathname } = new URL(req.url, 'http://x');
  if (pathname === '/engine') return res.end(String(req[brand] === true));
  if (pathname === '/hello') {
    res.setHeader('Content-Type', 'application/json');
    return res.end(JSON.stringify({ hello: req.headers.name || 'world' }));
  }
  if (pathname === '/echo') return req.pipe(res);
  if (pathname === '/stream') {
    for (const piece of ['a', 'b', 'c']) res.write(piece);
    return res.end();
  }
  if (pathname === '/error') {
    res.statusCode = 500;
    return res.end('failed');
  }
  res.writeHead(404);
  res.end();
});
module.exports = server.listen(0, () => process.send?.({ port: server.address().port }));
