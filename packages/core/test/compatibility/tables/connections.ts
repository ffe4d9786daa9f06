/** Keep-alive, pipelining, limits of a connection, and what goes out with each. */
import { attempt, get, getMore, head, post, readAndAnswer, type App, type Scenario, type Table } from '../scenario';

const echo: App = (req, res) => void res.end(req.url);
const delayed: App = (req, res) => {
  // The first one takes longest: answers keep the order of requests.
  const turns = req.url === '/1' ? 4 : 1;
  const later = (left: number): void => {
    if (left === 0) res.end(req.url);
    else setImmediate(later, left - 1);
  };
  later(turns);
};

const rows: Scenario[] = [
  {
    name: 'three requests, one after the other',
    app: echo,
    client: [getMore('/1'), { await: '/1' }, getMore('/2'), { await: '/2' }, get('/3')],
  },
  { name: 'three requests at once', app: echo, client: [getMore('/1') + getMore('/2') + get('/3')] },
  { name: 'three requests at once, answered later', app: delayed, client: [getMore('/1') + getMore('/2') + get('/3')] },
  {
    name: 'ten requests at once, streamed answers',
    app: (req, res) => {
      res.write('a');
      setImmediate(() => res.end(req.url));
    },
    client: [Array.from({ length: 9 }, (_, n) => getMore(`/${n}`)).join('') + get('/last')],
  },
  { name: 'requests byte by byte', app: echo, client: [{ drip: getMore('/1') + get('/2') }] },
  {
    name: 'a pipelined POST and GET',
    app: (req, res, see) => readAndAnswer(req, res, see),
    client: [head('POST /1', 'Content-Length: 3') + 'abc' + get('/2')],
  },
  {
    name: 'a POST in pieces before a GET',
    app: readAndAnswer,
    client: [head('POST /1', 'Content-Length: 3') + 'a', 'bc' + getMore('/2'), get('/3')],
  },
  { name: 'HEAD, GET, HEAD', app: echo, client: [head('HEAD /1') + getMore('/2') + head('HEAD /3', 'Connection: close')] },
  {
    name: '204, 304, 200 on one connection',
    app: (req, res) => {
      res.statusCode = Number(req.url?.slice(1));
      res.end();
    },
    client: [getMore('/204') + getMore('/304') + get('/200')],
  },
  { name: 'Connection: close among others', app: echo, client: [head('GET /', 'Connection: x, close')] },
  { name: 'Connection: Close in capitals', app: echo, client: [head('GET /', 'Connection: CLOSE')] },
  { name: 'Connection: keep-alive in HTTP/1.1', app: echo, client: [head('GET /1', 'Connection: keep-alive'), { await: '/1' }, get('/2')] },
  { name: 'two Connection fields', app: echo, client: [head('GET /', 'Connection: x', 'Connection: close')] },
  { name: 'HTTP/1.0 ends the connection', app: echo, client: ['GET /1 HTTP/1.0\r\n\r\n'] },
  {
    name: 'HTTP/1.0 keep-alive, twice',
    app: echo,
    client: ['GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n', { await: '/1' }, 'GET /2 HTTP/1.0\r\n\r\n'],
  },
  {
    name: 'HTTP/1.0 keep-alive, streamed',
    app: (_req, res) => {
      res.write('a');
      res.end('b');
    },
    client: ['GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n'],
  },
  { name: 'the client ends its side behind the request', app: echo, client: [get('/'), 'FIN'] },
  { name: 'the client ends its side before any request', app: echo, client: ['FIN'] },
  { name: 'the client leaves without a request', app: echo, client: ['LEAVE'] },
  { name: 'the client ends in the middle of a head', app: echo, client: ['GET / HT', 'FIN'] },
  {
    name: 'server.close while a request waits',
    setup: (server, see) => {
      server.on('request', (_req, res) => {
        server.close(() => see('closed'));
        setImmediate(() => res.end('last words'));
      });
    },
    app: () => undefined,
    client: [getMore('/')],
    until: ['closed'],
  },
  {
    name: 'closeIdleConnections',
    setup: (server) => {
      server.on('request', (_req, res) => res.on('close', () => setImmediate(() => server.closeIdleConnections())));
    },
    app: echo,
    client: [getMore('/1')],
  },
  {
    name: 'closeAllConnections inside a request',
    setup: (server) => {
      server.on('request', () => server.closeAllConnections());
    },
    app: (_req, _res, see) => see('asked'),
    client: [getMore('/1')],
  },
  { name: 'the socket is destroyed inside a request', app: (req) => void req.socket.destroy(), client: [getMore('/1')] },
  {
    name: 'the socket is ended inside a request',
    app: (req, res) => {
      res.end('answer');
      req.socket.end();
    },
    client: [getMore('/1')],
  },
  {
    name: 'the socket is destroyed behind the answer',
    app: (req, res) => void res.end('answer', () => req.socket.destroySoon()),
    client: [getMore('/1')],
  },
  {
    name: 'the socket at the end of a last response',
    app: (req, res, see) => {
      const { socket } = req;
      res.on('finish', () => see(`finish, ended ${socket.writableEnded}`));
      res.on('close', () => see(`close, ended ${socket.writableEnded}`));
      res.end(req.url);
    },
    client: [getMore('/1'), { await: '/1' }, get('/2')],
  },
  {
    name: 'the socket at the end of a response without a length',
    app: (req, res, see) => {
      const { socket } = req;
      res.on('finish', () => see(`finish, ended ${socket.writableEnded}`));
      res.removeHeader('transfer-encoding');
      res.removeHeader('content-length');
      res.removeHeader('connection');
      res.end('to the end');
    },
    client: [getMore('/1')],
  },
  {
    name: 'one socket for a connection',
    app: (req, res, see) => {
      const socket = req.socket as typeof req.socket & { seen?: number };
      socket.seen = (socket.seen ?? 0) + 1;
      see(String(socket.seen));
      res.end();
    },
    client: [getMore(), { await: 1 }, get()],
  },
  {
    name: 'facts about a socket',
    app: (req, res, see) => {
      const { socket } = req;
      for (const name of [
        'remoteAddress',
        'remoteFamily',
        'localAddress',
        'localFamily',
        'destroyed',
        'connecting',
        'pending',
        'readyState',
        'encrypted',
        'authorized',
        'readable',
        'writable',
        'allowHalfOpen',
        'bytesRead',
        'timeout',
        'isTTY',
      ]) {
        if (name !== 'bytesRead') attempt(see, name, () => (socket as unknown as Record<string, unknown>)[name]);
      }
      attempt(see, 'ports', () => [typeof socket.remotePort, typeof socket.localPort]);
      attempt(see, 'address', () => Object.keys(socket.address()));
      attempt(see, 'chain', () => [
        socket.setNoDelay() === socket,
        socket.setKeepAlive(true, 10) === socket,
        socket.ref() === socket,
        socket.unref() === socket,
        socket.setTimeout(0) === socket,
      ]);
      attempt(see, 'server', () => (socket as unknown as { server: object }).server.constructor.name);
      res.end();
    },
  },
  {
    name: 'facts about a socket after the end',
    app: (req, res, see) => {
      const { socket } = req;
      socket.on('close', () => {
        for (const name of ['destroyed', 'readyState', 'readable', 'writable', 'closed']) {
          attempt(see, name, () => (socket as unknown as Record<string, unknown>)[name]);
        }
      });
      res.end();
    },
    until: ['closed'],
  },
  {
    name: 'res.socket between requests',
    app: (_req, res, see) => {
      const socket = res.socket as unknown as { _httpMessage: unknown };
      see(String(socket._httpMessage === res));
      res.on('finish', () => see(`finish ${String(res.socket === null)} ${String(socket._httpMessage === null)}`));
      res.end();
    },
  },
  {
    name: 'a body nobody reads, then another request',
    app: echo,
    client: [head('POST /1', 'Content-Length: 100000') + 'x'.repeat(100_000), { await: '/1' }, get('/2')],
  },
  { name: 'bytes behind Connection: close', app: echo, client: [get('/1') + get('/2')] },
  {
    name: 'Content-Length exceeded by the program',
    app: (req, res) => {
      res.setHeader('Content-Length', 2);
      res.end(req.url === '/1' ? 'much too long' : 'ok');
    },
    client: [getMore('/1'), 'LEAVE'],
  },
  {
    name: 'Content-Length unmet by the program',
    app: (_req, res) => {
      res.setHeader('Content-Length', 20);
      res.end('too short');
    },
    client: [getMore('/1'), { await: 'too short' }, 'LEAVE'],
  },
  {
    name: 'POST whose answer says close before its body',
    app: (_req, res) => void res.writeHead(413, { Connection: 'close' }).end('no'),
    client: [head('POST /', 'Content-Length: 5'), { await: 'no' }, 'hello', 'FIN'],
  },
  { name: 'post helper', app: readAndAnswer, client: [post('abc')] },
];

export const connections: Table = { subject: 'connections', scenarios: rows };
