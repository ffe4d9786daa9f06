// Koa's hello world.
import Koa from 'koa';
import { listening, listenOnNode } from './listen.mjs';

export async function start({ onNode, port, prefix }) {
  const app = new Koa();
  app.use((ctx) => {
    ctx.body = 'Hello, world';
  });
  if (onNode) return listenOnNode(app.callback(), port);
  const { httpsysKoa } = await import('@httpsys/koa');
  return listening(httpsysKoa(app).listen(prefix));
}
