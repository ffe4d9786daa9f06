// smoke.js ADDON: serve, ask 200 times over 4 connections, wait for one request from outside, close.
const http = require('node:http');
const path = require('node:path');
const smoke = require(path.resolve(process.argv[2]));
const port = 30000 + Math.floor(Math.random() * 2000);
let outside;
const asked = new Promise((resolve) => {
  outside = resolve;
});
const server = new smoke.Server(`http://+:${port}/`, (id, url) => {
  server.respond(id, `hello ${url}`);
  if (url === '/outside') outside();
});
const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
const get = (url) =>
  new Promise((resolve, reject) => {
    http
      .get({ host: '127.0.0.1', port, path: url, agent }, (res) => {
        let body = '';
        res
          .on('data', (piece) => {
            body += piece;
          })
          .on('end', () => resolve(body));
      })
      .on('error', reject);
  });
(async () => {
  const bodies = await Promise.all(Array.from({ length: 200 }, (_, i) => get(`/${i}`)));
  const good = bodies.filter((body, i) => body === `hello /${i}`).length;
  console.log(`node ${process.version} ${process.platform}, wine ${smoke.wine}: ${good} of 200 right`);
  console.log(`port ${port}`);
  await asked;
  agent.destroy();
  server.removeUrl();
  setTimeout(() => {
    server.close();
    console.log('closed');
    process.exitCode = good === 200 ? 0 : 1;
  }, 100);
})();
