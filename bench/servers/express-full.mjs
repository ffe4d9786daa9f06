// Express as applications use it: the usual middlewares and a hundred routes in front of the one that is asked for.
import { Writable } from 'node:stream';
import compression from 'compression';
import cookieParser from 'cookie-parser';
import cors from 'cors';
import express from 'express';
import session from 'express-session';
import helmet from 'helmet';
import morgan from 'morgan';
import { listening, listenOnNode } from './listen.mjs';

export async function start({ onNode, port, prefix }) {
  const app = express();
  const nowhere = new Writable({ write: (chunk, encoding, done) => done() });
  app.use(morgan('combined', { stream: nowhere }));
  app.use(helmet());
  app.use(cors());
  app.use(compression());
  app.use(cookieParser());
  app.use(session({ secret: 'bench', resave: false, saveUninitialized: false }));
  app.use(express.json());
  app.use(express.urlencoded({ extended: true }));
  for (let index = 0; index < 100; index++) {
    app.get(`/resource-${index}/:id`, (req, res) => {
      res.json({ index, id: req.params.id });
    });
  }
  app.get('/hello', (req, res) => {
    res.send('Hello, world');
  });
  if (onNode) return listenOnNode(app, port);
  const { httpsysExpress } = await import('@httpsys/express');
  return listening(httpsysExpress(app).listen(prefix));
}
