// An Express app on the prefix /express/. Its routes know nothing of the prefix; /time is answered by the engine for 2 seconds at a time.
import { httpsysExpress, kernelCache } from '@httpsys/express';
import express from 'express';

const port = process.env.PORT ?? 8080;
const longestBlockMs = 60_000;
let served = 0;

const app = express();
app.use((req, res, next) => {
  served++;
  next();
});

app.get('/hello', (req, res) => {
  res.json({ app: 'express', pid: process.pid, path: req.path, url: req.originalUrl, served });
});

app.get('/time', kernelCache({ ttl: 2 }), (req, res) => {
  res.json({ app: 'express', time: new Date().toISOString() });
});

app.post('/echo', (req, res) => {
  res.type(req.get('content-type') ?? 'application/octet-stream');
  req.pipe(res);
});

app.get('/stream', async (req, res) => {
  res.type('text/plain');
  for (let piece = 1; piece <= 5 && !res.destroyed; piece++) {
    res.write(`piece ${piece} of 5\n`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  res.end();
});

app.get('/block', (req, res) => {
  const ms = Math.min(Number(req.query.ms) || 0, longestBlockMs);
  const end = Date.now() + ms;
  while (Date.now() < end);
  res.json({ app: 'express', blocked: ms });
});

app.get('/crash', (req, res) => {
  res.on('finish', () => setTimeout(() => process.exit(1), 50));
  res.type('text/plain').send('express is going down\n');
});

const { server } = httpsysExpress(app);
server.listen(`http://*:${port}/express/`, () => {
  console.log(`http://localhost:${port}/express/hello`);
  process.send?.('ready');
});
