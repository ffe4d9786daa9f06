'use strict';
const Koa = require('koa');
const { PassThrough } = require('node:stream');
const app = new Koa();
app.silent = true;
app.use(async (ctx) => {
  if (ctx.path === '/engine') ctx.body = String(ctx.req[Symbol.for('httpsys.request')] === true);
  else if (ctx.path === '/hello') ctx.body = { hello: ctx.get('name') || 'world' };
  else if (ctx.path === '/echo') ctx.body = ctx.req.pipe(new PassThrough());
  else if (ctx.path === '/stream') {
    ctx.body = new PassThrough();
    for (const piece of ['a', 'b', 'c']) ctx.body.write(piece);
    ctx.body.end();
  } else if (ctx.path === '/error') ctx.throw(500, 'failed', { expose: true });
});
const server = app.listen(0, () => process.send?.({ port: server.address().port }));
