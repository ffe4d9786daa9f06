/** Events of request, response, socket and server, in order, at each way an exchange can go. */
import { chunked, describeError, get, getMore, head, post, type App, type Scenario, type Step, type Table } from '../scenario';

const all = ['req', 'res', 'socket'] as const;

const readAll: App = (req, res) => {
  req.resume();
  req.on('end', () => res.end('ok'));
};

const endings: Record<string, { app: App; client?: Step[] }> = {
  'end at once': { app: (_req, res) => void res.end('ok') },
  'end with nothing': { app: (_req, res) => void res.end() },
  streamed: {
    app: (_req, res) => {
      res.write('a');
      res.end('b');
    },
  },
  'streamed over turns': {
    app: (_req, res) => {
      res.write('a');
      setImmediate(() => res.end('b'));
    },
  },
  'end later': { app: (_req, res) => void setImmediate(() => res.end('ok')) },
  'flushHeaders first': {
    app: (_req, res) => {
      res.flushHeaders();
      setImmediate(() => res.end('ok'));
    },
  },
  HEAD: { app: (_req, res) => void res.end('ok'), client: [head('HEAD /', 'Connection: close')] },
  '204': { app: (_req, res) => void res.writeHead(204).end() },
  'body read': { app: readAll, client: [post('abc')] },
  'body in chunks read': { app: readAll, client: [chunked(['a', 'b'], ['X: 1'])] },
  'empty body read': { app: readAll, client: [post('')] },
  'GET, request resumed': { app: readAll },
  'body not read': { app: (_req, res) => void res.end('ok'), client: [post('abc')] },
  'body resumed behind the answer': {
    app: (req, res) => {
      res.end('ok');
      req.resume();
    },
    client: [post('abc')],
  },
  'body piped': { app: (req, res) => void req.pipe(res), client: [post('abc')] },
  'req.destroy': { app: (req) => void req.destroy() },
  'req.destroy with an error': {
    app: (req) => {
      req.on('error', () => undefined);
      req.destroy(new Error('mine'));
    },
  },
  'req.destroy before the body is read': { app: (req) => void req.destroy(), client: [post('abc')] },
  'res.destroy': { app: (_req, res) => void res.destroy() },
  'res.destroy with an error': {
    app: (_req, res) => {
      res.on('error', () => undefined);
      res.destroy(new Error('mine'));
    },
  },
  'res.destroy after a write': {
    app: (_req, res) => {
      res.write('a');
      setImmediate(() => res.destroy());
    },
  },
  'socket.destroy': { app: (req) => void req.socket.destroy() },
  'socket.destroy with an error': { app: (req) => void req.socket.destroy(new Error('mine')) },
  'socket.destroy behind end': {
    app: (req, res) => {
      res.end('ok');
      setImmediate(() => req.socket.destroy());
    },
  },
  'two requests, then the client leaves': {
    app: (_req, res) => void res.end('ok'),
    client: [getMore(), { await: 1 }, getMore(), { await: 2 }, 'LEAVE'],
  },
  'the client ends its side when answered': { app: (_req, res) => void res.end('ok'), client: [getMore(), { await: 1 }, 'FIN'] },
  'Expect: 100-continue': {
    app: readAll,
    client: [head('POST /', 'Connection: close', 'Content-Length: 3', 'Expect: 100-continue'), { await: 1 }, 'abc'],
  },
  'an interim response first': {
    app: (_req, res) => {
      res.writeProcessing();
      res.end('ok');
    },
  },
};

/** The client goes while the program is at something. */
const aborts: Record<string, { app: App; client: Step[] }> = {
  'before the answer': { app: (_req, _res, see) => see('asked'), client: [getMore(), { seen: 'asked' }, 'RST'] },
  'before the answer, which is then written': {
    app: (_req, res, see) => {
      see('asked');
      res.on('close', () => {
        res.write('late');
        res.end('later', () => see('called back'));
      });
    },
    client: [getMore(), { seen: 'asked' }, 'RST'],
  },
  'in the middle of an answer': {
    app: (_req, res, see) => {
      res.write('a');
      see('asked');
    },
    client: [getMore(), { await: 'a' }, 'RST'],
  },
  'in the middle of a request body': {
    app: (req, _res, see) => {
      req.on('data', () => see('piece'));
      req.on('error', () => undefined);
    },
    client: [head('POST /', 'Content-Length: 10') + 'abc', { seen: 'piece' }, 'RST'],
  },
  'in the middle of a body in chunks': {
    app: (req, _res, see) => {
      req.on('data', () => see('piece'));
      req.on('error', () => undefined);
    },
    client: [head('POST /', 'Transfer-Encoding: chunked') + '3\r\nabc\r\n', { seen: 'piece' }, 'RST'],
  },
  'in the middle of a body, nobody reads': {
    app: (_req, _res, see) => see('asked'),
    client: [head('POST /', 'Content-Length: 10') + 'abc', { seen: 'asked' }, 'RST'],
  },
  'in the middle of a body, after an answer began': {
    app: (req, res, see) => {
      res.write('a');
      req.on('data', () => see('piece'));
      req.on('error', () => undefined);
    },
    client: [head('POST /', 'Content-Length: 10') + 'abc', { seen: 'piece' }, 'RST'],
  },
  'in the middle of a body that is piped': {
    app: (req, res, see) => {
      req.on('error', () => undefined);
      req.once('data', () => see('piece'));
      req.pipe(res);
    },
    client: [head('POST /', 'Content-Length: 10') + 'abc', { seen: 'piece' }, 'RST'],
  },
  'when the body is read and the answer waits': {
    app: (req, _res, see) => {
      req.resume().on('end', () => see('read'));
    },
    client: [post('abc').replace('Connection: close\r\n', ''), { seen: 'read' }, 'RST'],
  },
};

/** The events of a program that listens to what it needs only, as most do. */
const listening: App = (req, res, see) => {
  req.on('aborted', () => see('aborted'));
  req.on('error', (error) => see(`error ${describeError(error)}`));
  req.on('close', () => see(`req close, destroyed ${req.destroyed}, aborted ${req.aborted}, complete ${req.complete}`));
  res.on('finish', () => see('finish'));
  res.on('close', () => see(`res close, finished ${res.writableFinished}, destroyed ${res.destroyed}`));
};

export const events: Table = {
  subject: 'events',
  scenarios: [
    ...Object.entries(endings).map(([name, row]): Scenario => ({ name, ...row, events: [...all], until: ['socket close'] })),
    ...Object.entries(endings).map(([name, { app, client }]): Scenario => ({
      name: `listeners: ${name}`,
      app: (req, res, see) => {
        listening(req, res, see);
        app(req, res, see);
      },
      client,
      until: ['res close'],
    })),
    ...Object.entries(aborts).map(([name, row]): Scenario => ({
      name: `the client goes ${name}`,
      ...row,
      events: ['req', 'res'],
      until: ['res close', 'req close'],
    })),
    ...Object.entries(aborts).map(([name, { app, client }]): Scenario => ({
      name: `listeners: the client goes ${name}`,
      app: (req, res, see) => {
        listening(req, res, see);
        app(req, res, see);
      },
      client,
      until: ['res close', 'req close'],
    })),
    {
      name: 'order of connection and request',
      events: ['server'],
      setup: (server, see) => {
        server.on('connection', () => see('connection'));
        server.on('request', () => see('request'));
      },
      client: [getMore(), { await: 1 }, get()],
    },
    {
      name: 'listeners of request in order',
      setup: (server, see) => {
        server.on('request', () => see('second'));
        server.prependListener('request', () => see('first'));
      },
    },
    {
      name: 'a request nobody listens to twice',
      setup: (server, see) => server.once('request', () => see('once')),
      client: [getMore(), { await: 1 }, get()],
    },
  ],
};
