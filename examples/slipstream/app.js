// An Express app as it is written for node:http. It knows nothing of httpsys: `npm start` loads it under slipstream, `npm run start:node` does not.
const cluster = require('node:cluster');
const express = require('express');

const app = express();
let served = 0;

app.use((req, res, next) => {
  served++;
  next();
});

app.get('/hello', (req, res) => {
  res.json({ app: 'slipstream', pid: process.pid, httpsys: Symbol.for('httpsys.request') in req, served });
});

app.post('/echo', express.text({ type: '*/*' }), (req, res) => res.type('text').send(req.body));

const port = Number(process.env.PORT ?? 8080);
const workers = Number(process.env.WORKERS ?? 1);

if (cluster.isPrimary && workers > 1) {
  for (let n = 0; n < workers; n++) cluster.fork();
  process.once('SIGTERM', () => cluster.disconnect());
} else {
  const server = app.listen(port, '127.0.0.1', () => console.log(`http://localhost:${port}/hello`));
  process.once('SIGTERM', () => server.close());
}
