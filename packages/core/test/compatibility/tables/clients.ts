/** Exchanges as Node's own client sees them, and what observers of a server hear. */
import * as http from 'node:http';
import { describeError, readAndAnswer, type Kit, type Table } from '../scenario';

type Row = [name: string, program: (kit: Kit) => Promise<void>];

const rows: Row[] = [
  [
    'GET',
    async ({ create, listen, see, fetch }) => {
      const port = await listen(create({}, (_req, res) => res.end('hello')));
      const { res, text } = await fetch(port);
      see(
        `${res.statusCode} ${res.statusMessage} ${text} ${String(res.complete)} ${JSON.stringify(res.rawHeaders.filter((_, n) => n % 2 === 0))}`,
      );
    },
  ],
  [
    'POST with a stream',
    async ({ create, listen, see, next }) => {
      const port = await listen(create({}, readAndAnswer));
      const req = http.request({ port, host: '127.0.0.1', method: 'POST', agent: false });
      req.write('one ');
      req.write('two');
      req.end();
      const [res] = (await next(req, 'response')) as [http.IncomingMessage];
      res.resume();
      await next(res, 'end');
      see(String(res.statusCode));
    },
  ],
  [
    'an agent that keeps connections',
    async ({ create, listen, see, fetch }) => {
      let connections = 0;
      const server = create({}, (_req, res) => res.end('x'));
      server.on('connection', () => connections++);
      const port = await listen(server);
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
      for (let n = 0; n < 5; n++) await fetch(port, { agent });
      agent.destroy();
      see(String(connections));
    },
  ],
  [
    'informational responses',
    async ({ create, listen, see, next }) => {
      const port = await listen(
        create({}, (_req, res) => {
          res.writeProcessing();
          res.writeEarlyHints({ link: '</a>; rel=preload' });
          res.end('x');
        }),
      );
      const req = http.get({ port, host: '127.0.0.1', agent: false });
      req.on('information', (info) => see(`${info.statusCode} ${JSON.stringify(info.rawHeaders)}`));
      const [res] = (await next(req, 'response')) as [http.IncomingMessage];
      res.resume();
      await next(res, 'end');
    },
  ],
  [
    'continue',
    async ({ create, listen, see, next }) => {
      const port = await listen(create({}, readAndAnswer));
      const req = http.request({ port, host: '127.0.0.1', agent: false, method: 'POST', headers: { Expect: '100-continue' } });
      req.on('continue', () => {
        see('continue');
        req.end('body');
      });
      req.flushHeaders();
      const [res] = (await next(req, 'response')) as [http.IncomingMessage];
      res.resume();
      await next(res, 'end');
    },
  ],
  [
    'trailers',
    async ({ create, listen, see, next }) => {
      const port = await listen(
        create({}, (_req, res) => {
          res.setHeader('Trailer', 'X-Sum');
          res.write('a');
          res.addTrailers({ 'X-Sum': '1' });
          res.end();
        }),
      );
      const req = http.get({ port, host: '127.0.0.1', agent: false });
      const [res] = (await next(req, 'response')) as [http.IncomingMessage];
      res.resume();
      await next(res, 'end');
      see(JSON.stringify([res.trailers, res.rawTrailers]));
    },
  ],
  [
    'a response that is cut off',
    async ({ create, listen, see, next }) => {
      const port = await listen(
        create({}, (_req, res) => {
          res.write('a');
          setImmediate(() => res.destroy());
        }),
      );
      const req = http.get({ port, host: '127.0.0.1', agent: false });
      req.on('error', (error) => see(`request ${describeError(error)}`));
      const [res] = (await next(req, 'response')) as [http.IncomingMessage];
      res.on('aborted', () => see('aborted'));
      res.on('error', (error) => see(describeError(error)));
      res.resume();
      await next(res, 'close');
      see(`complete ${String(res.complete)}`);
    },
  ],
  [
    'a request that is cut off',
    async ({ create, listen, see, next }) => {
      const server = create({}, (req, res) => {
        req.on('aborted', () => see('aborted'));
        req.on('error', (error) => see(describeError(error)));
        req.resume();
        res.on('close', () => {
          see('res close');
          server.emit('over');
        });
        server.emit('asked');
      });
      const port = await listen(server);
      const asked = next(server, 'asked');
      const over = next(server, 'over');
      const req = http.request({ port, host: '127.0.0.1', agent: false, method: 'POST' });
      req.on('error', () => undefined);
      req.write('some');
      await asked;
      req.destroy();
      await over;
    },
  ],
  [
    'fetch',
    async ({ create, listen, see }) => {
      const port = await listen(create({}, readAndAnswer));
      const answer = await fetch(`http://127.0.0.1:${port}/a?b=c`, { method: 'POST', body: 'text', headers: { connection: 'close' } });
      see(`${answer.status} ${answer.statusText} ${await answer.text()}`);
    },
  ],
  [
    'AsyncLocalStorage',
    async ({ create, listen, see, fetch }) => {
      const { AsyncLocalStorage } = await import('node:async_hooks');
      const storage = new AsyncLocalStorage<string>();
      const port = await listen(
        create({}, (req, res) => {
          storage.run(String(req.url), () => {
            req.resume();
            req.on('end', () => setImmediate(() => res.end(storage.getStore())));
            res.on('finish', () => see(`finish ${String(storage.getStore())}`));
          });
        }),
      );
      see((await fetch(port, { path: '/a', method: 'POST' }, 'x')).text);
      see((await fetch(port, { path: '/b' })).text);
    },
  ],
  [
    'diagnostics_channel',
    async ({ create, listen, see, fetch }) => {
      const channels = await import('node:diagnostics_channel');
      const port = await listen(create({}, (_req, res) => res.end('x')));
      const noted = (name: string) => (message: unknown) => {
        const { request, ...rest } = message as { request: http.IncomingMessage };
        if (request.headers['x-scenario'] === String(port)) see(`${name} ${JSON.stringify(Object.keys({ request, ...rest }).sort())}`);
      };
      const names = ['http.server.request.start', 'http.server.response.created', 'http.server.response.finish'];
      const subscribers = names.map((name) => [name, noted(name)] as const);
      for (const [name, subscriber] of subscribers) channels.subscribe(name, subscriber);
      try {
        await fetch(port, { headers: { 'x-scenario': String(port) } });
      } finally {
        for (const [name, subscriber] of subscribers) channels.unsubscribe(name, subscriber);
      }
    },
  ],
];

export const clients: Table = {
  subject: "Node's client",
  scenarios: rows.map(([name, program]) => ({ name, program })),
};
