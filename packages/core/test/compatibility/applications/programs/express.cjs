'use strict';
const { createReadStream } = require('node:fs');
const path = require('node:path');
const { Readable } = require('node:stream');
const express = require('express');
const stop = require('./stop.cjs');
const watch = require('./watch.cjs');

const files = path.join(__dirname, 'public');
const app = express();
const admin = express();
admin.get('/where', (req, res) => res.json({ baseUrl: req.baseUrl, originalUrl: req.originalUrl, url: req.url }));

app.use('/static', express.static(files, { lastModified: false }));
app.use('/admin', admin);
app.get('/text', (req, res) => res.send('text'));
app.get('/json', (req, res) => res.json({ hello: 'world' }));
app.get('/buffer', (req, res) => res.send(Buffer.from([0, 1, 254, 255])));
app.get('/empty', (req, res) => res.status(204).end());
app.get('/status/:code', (req, res) => res.sendStatus(Number(req.params.code)));
app.get('/params/:id', (req, res) => res.json({ params: req.params, query: req.query }));
app.get('/facts', (req, res) => {
  const { method, url, hostname, protocol, secure, ip, ips, xhr, path: at, fresh, httpVersion } = req;
  res.json({ method, url, hostname, protocol, secure, ip, ips, xhr, at, fresh, httpVersion });
});
app.get('/fields', (req, res) => {
  res.set({ 'X-One': '1', 'X-Many': ['a', 'b'] });
  res.append('X-Many', 'c').vary('Accept').type('txt').links({ next: '/2' });
  res.send(req.get('x-asked') ?? 'nothing');
});
app.get('/cookies', (req, res) => {
  res.cookie('a', '1', { httpOnly: true }).cookie('b', 'x y', { path: '/b' }).clearCookie('c', { path: '/' });
  res.send(req.headers.cookie ?? 'none');
});
app.get('/negotiate', (req, res) => res.format({ 'text/plain': () => res.send('plain'), 'application/json': () => res.send({ a: 1 }) }));
app.get('/redirect', (req, res) => res.redirect('/text'));
app.get('/moved', (req, res) => res.redirect(301, '/text?a=b c'));
app.get('/error', () => {
  throw new Error('failed');
});
app.get('/error-later', async () => {
  await new Promise(setImmediate);
  throw Object.assign(new Error('teapot'), { status: 418 });
});
app.get('/error-in-body', (req, res, next) => {
  res.write('begun');
  setImmediate(() => next(new Error('too late')));
});
app.get('/stream', (req, res) => Readable.from(['a', 'b', 'c']).pipe(res));
app.get('/stream-fails', (req, res) => {
  const source = new Readable({ read() {} });
  source.on('error', () => res.destroy());
  source.pipe(res);
  source.push('begun');
  setTimeout(() => source.destroy(new Error('broken')), 20);
});
app.get('/large', (req, res) => res.send('x'.repeat(1 << 20)));
app.get('/file', (req, res) => res.sendFile('digits.txt', { root: files, lastModified: false }));
app.get('/file-stream', (req, res) => createReadStream(path.join(files, 'digits.txt')).pipe(res));
app.get('/no-file', (req, res) => res.sendFile('nowhere.txt', { root: files }));
app.get('/download', (req, res) => res.download(path.join(files, 'page.html'), 'ä page.html', { lastModified: false }));
app.get('/early-hints', (req, res) => {
  res.writeEarlyHints({ link: '</a.css>; rel=preload' });
  res.send('hinted');
});
app.get('/events', (req, res) => {
  watch(req, res);
  res.send('watched');
});
app.all('/wait', (req, res) => {
  watch(req, res);
  req.resume();
  console.log('waiting');
});
app.get('/endless', (req, res) => {
  watch(req, res);
  const piece = 'x'.repeat(16_384);
  const more = () => {
    while (!res.destroyed && res.write(piece));
  };
  res.on('drain', more);
  more();
});
app.get('/later/:ms', (req, res) => {
  watch(req, res);
  console.log('waiting');
  setTimeout(() => res.send('later'), Number(req.params.ms));
});
app.post('/json', express.json({ limit: 1000 }), (req, res) => res.json({ got: req.body }));
app.post('/urlencoded', express.urlencoded({ extended: false }), (req, res) => res.json({ got: req.body }));
app.post('/text', express.text(), (req, res) => res.json({ got: req.body }));
app.post('/multipart', async (req, res) => {
  const form = await new Response(Readable.toWeb(req), { headers: { 'content-type': req.get('content-type') } }).formData();
  const parts = [];
  for (const [name, value] of form) parts.push([name, typeof value === 'string' ? value : `${value.name} ${await value.text()}`]);
  res.json(parts);
});
app.post('/pipe', (req, res) => req.pipe(res));
app.post('/unread', (req, res) => res.send('unread'));
app.post('/refused', (req, res) => res.status(413).set('Connection', 'close').send('no'));
app.use((req, res) => res.status(404).send(`no ${req.method} ${req.originalUrl}`));
app.use((error, req, res, next) => {
  if (res.headersSent) return next(error);
  res.status(error.status ?? 500).json({ error: error.message, type: error.type });
});

const server = app.listen(0, '127.0.0.1', () => console.log('listening', server.address().port));
stop(() => new Promise((resolve) => server.close(resolve)));
