/** Interim responses, Expect, and upgrades nobody takes. */
import * as http from 'node:http';
import { attempt, get, getMore, head, readAndAnswer, type App, type Scenario, type Table } from '../scenario';

const expecting = (...fields: string[]): string =>
  head('POST /', 'Connection: close', 'Content-Length: 3', 'Expect: 100-continue', ...fields);

const hints: Record<string, http.OutgoingHttpHeaders> = {
  'one link': { link: '</a.css>; rel=preload; as=style' },
  'several links': { link: ['</a.css>; rel=preload; as=style', '</b.js>; rel=preload; as=script; crossorigin'] },
  'links and other fields': { link: '</a.css>; rel=preload', 'x-trace-id': 'abc' },
  'an empty array': { link: [] },
};

export const interim: Table = {
  subject: 'interim responses',
  scenarios: [
    { name: 'Expect: the body follows the 100', app: readAndAnswer, client: [expecting(), { await: 1 }, 'abc'] },
    { name: 'Expect: the body comes with the head', app: readAndAnswer, client: [expecting() + 'abc'] },
    { name: 'Expect in capitals', app: readAndAnswer, client: [expecting().replace('100-continue', '100-CONTINUE'), { await: 1 }, 'abc'] },
    { name: 'Expect without a body', app: (_req, res) => void res.end('ok'), client: [get('/', 'Expect: 100-continue')] },
    { name: 'Expect in HTTP/1.0', app: readAndAnswer, client: ['POST / HTTP/1.0\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc'] },
    { name: 'Expect: something else', app: (_req, res) => void res.end('ok'), client: [get('/', 'Expect: 200-ok')] },
    {
      name: 'checkExpectation',
      setup: (server, see) =>
        server.on('checkExpectation', (req, res) => {
          see(`expectation ${String(req.headers.expect)}`);
          res.writeHead(417, { 'X-A': '1' }).end('no');
        }),
      client: [get('/', 'Expect: 200-ok')],
    },
    {
      name: 'checkContinue: writeContinue',
      setup: (server, see) =>
        server.on('checkContinue', (req, res) => {
          see('checkContinue');
          res.writeContinue(() => see('continue written'));
          readAndAnswer(req as never, res as never, see);
        }),
      client: [expecting(), { await: 1 }, 'abc'],
    },
    {
      name: 'checkContinue: refused',
      setup: (server) => server.on('checkContinue', (_req, res) => void res.writeHead(403).end('no')),
      client: [expecting(), { await: 1 }, 'FIN'],
    },
    {
      name: 'checkContinue: refused, connection stays',
      setup: (server) => server.on('checkContinue', (_req, res) => void res.writeHead(403).end('no')),
      app: (_req, res) => void res.end('next'),
      client: [expecting().replace('Connection: close\r\n', ''), { await: 1 }, 'abc' + get('/next')],
    },
    {
      name: 'checkContinue: emit request',
      setup: (server) =>
        server.on('checkContinue', (req, res) => {
          res.writeContinue();
          server.emit('request', req, res);
        }),
      app: readAndAnswer,
      client: [expecting(), { await: 1 }, 'abc'],
    },
    {
      name: 'two requests with Expect',
      app: readAndAnswer,
      client: [expecting().replace('Connection: close\r\n', ''), { await: 1 }, 'abc', { await: 2 }, expecting(), { await: 3 }, 'def'],
    },
    {
      name: 'writeContinue unasked',
      app: (_req, res) => {
        res.writeContinue();
        res.end('ok');
      },
    },
    {
      name: 'writeContinue twice',
      app: (_req, res) => {
        res.writeContinue();
        res.writeContinue();
        res.end('ok');
      },
    },
    {
      name: 'writeProcessing, several',
      app: (_req, res) => {
        res.writeProcessing();
        res.writeProcessing();
        res.end('ok');
      },
    },
    {
      name: 'interim responses before a streamed one',
      app: (_req, res) => {
        res.writeProcessing();
        setImmediate(() => {
          res.writeEarlyHints({ link: '</a>; rel=preload' });
          res.write('a');
          res.end('b');
        });
      },
    },
    {
      name: 'interim to HEAD',
      app: (_req, res) => {
        res.writeProcessing();
        res.end('ok');
      },
      client: [head('HEAD /', 'Connection: close')],
    },
    {
      name: 'interim to pipelined requests',
      app: (req, res) => {
        res.writeProcessing();
        res.end(req.url);
      },
      client: [getMore('/1') + get('/2')],
    },
    {
      name: 'interim after the head',
      app: (_req, res, see) => {
        res.writeHead(200);
        res.write('a');
        attempt(see, 'early hints', () => res.writeEarlyHints({ link: '</a>; rel=preload' }));
        res.end();
      },
    },
    ...Object.entries(hints).map(([name, fields]): Scenario => ({
      name: `early hints: ${name}`,
      app: ((_req, res, see) => {
        res.writeEarlyHints(fields as never, () => see('written'));
        res.end('ok');
      }) as App,
    })),
    {
      name: 'writeHead with 100',
      app: (_req, res, see) => {
        attempt(see, 'writeHead', () => res.writeHead(102, { 'X-A': '1' }) === res);
        attempt(see, 'end', () => res.end() === res);
      },
      client: [get(), { await: 1 }, 'LEAVE'],
    },
    {
      name: 'an upgrade nobody listens for',
      app: (req, res, see) => {
        see(`upgrade ${String(req.upgrade)} ${String(req.headers.upgrade)}`);
        res.end('ordinary');
      },
      client: [head('GET /', 'Connection: Upgrade', 'Upgrade: websocket'), { await: 'ordinary' }, 'LEAVE'],
    },
  ],
};
