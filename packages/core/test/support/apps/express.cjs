'use strict';
const express = require('express');
const app = express();
app.get('/engine', (req, res) => res.send(String(req[Symbol.for('httpsys.request')] === true)));
app.get('/hello', (req, res) => res.json({ hello: req.get('name') || 'world' }));
app.post('/echo', express.text(), (req, res) => res.send(req.body));
app.get('/stream', (req, res) => {
  for (const piece of ['a', 'b', 'c']) res.write(piece);
  res.end();
});
app.get('/error', () => {
  throw new Error('failed');
});
app.use((error, req, res, _next) => res.status(500).send(error.message));
module.exports = app;
if (process.env.LISTEN !== 'no') {
  const server = app.listen(0, () => process.send?.({ port: server.address().port }));
}
