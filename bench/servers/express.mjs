// Express' hello world.
import express from 'express';
import { listening, listenOnNode } from './listen.mjs';

export async function start({ onNode, port, prefix }) {
  const app = express();
  app.get('/hello', (req, res) => {
    res.send('Hello, world');
  });
  if (onNode) return listenOnNode(app, port);
  const { httpsysExpress } = await import('@httpsys/express');
  return listening(httpsysExpress(app).listen(prefix));
}
