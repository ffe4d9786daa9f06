/** Who listens to 'connection' hears of a client before it has sent anything. */
import { attempt, describeError, get, getMore, listenTo, type Scenario, type Step, type Table } from '../scenario';

const ends: Scenario[] = (
  [
    ['ends', ['FIN']],
    ['leaves', ['LEAVE']],
    ['resets', ['RST']],
    ['leaves in the middle of a head', ['GET / HT', 'LEAVE']],
    ['sends what is no request', ['garbage\r\n\r\n']],
    ['sends a line without its line feed', ['GET / HTTP/1.1\r\nHost: a\r\nX-A: b\rX-B: c\r\n\r\n']],
    ['sends a line without its carriage return', ['GET / HTTP/1.1\r\nHost: a\r\nX-A: b\nX-B: c\r\n\r\n']],
    ['sends its request late', [getMore(), { await: 1 }, get()]],
  ] as [string, Step[]][]
).map(([name, steps]) => ({
  name: `a silent client that ${name}`,
  setup: (server, see) =>
    server.on('connection', (socket) => {
      listenTo(socket, see);
      server.getConnections((_error, count) => see(`connections ${count}`));
    }),
  client: [{ seen: 'connections 1' }, ...steps],
  until: ['socket close'],
}));
const acts: Scenario[] = [
  {
    name: 'a silent client that never says anything',
    options: { headersTimeout: 100, requestTimeout: 100, connectionsCheckingInterval: 30 },
    setup: (server, see) => server.on('connection', (socket) => listenTo(socket, see)),
    client: [],
    until: ['socket close'],
  },
  {
    name: "'clientError' of a client that sends what is no request, and its socket",
    setup: (server, see) => {
      server.on('connection', (socket) => listenTo(socket, see));
      server.on('clientError', (error, socket) => {
        see(`clientError ${describeError(error)}`);
        socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
      });
    },
    client: ['garbage\r\n\r\n', { await: 1 }, 'FIN'],
    until: ['socket close'],
  },
  {
    name: 'an error that the program emits on a socket',
    setup: (server, see) => server.on('connection', (socket) => listenTo(socket, see)),
    app: (req, res) => {
      res.write('asd', () => req.socket.emit('error', new Error('made up')));
    },
    client: [getMore()],
    until: ['socket close'],
  },
  {
    name: 'setEncoding of a connection',
    setup: (server, see) =>
      server.on('connection', (socket) => {
        attempt(see, 'setEncoding', () => socket.setEncoding('utf8'));
      }),
  },
  {
    name: 'a silent client that is sent away',
    setup: (server, see) => server.on('connection', (socket) => setImmediate(() => (listenTo(socket, see), socket.destroy()))),
    client: [],
    until: ['socket close'],
  },
  {
    name: 'a silent client whose time is up',
    setup: (server, see) => server.on('connection', (socket) => (listenTo(socket, see), socket.setTimeout(40))),
    client: [],
    until: ['socket close'],
  },
  {
    name: 'server.timeout of a silent client',
    setup: (server, see) => {
      server.timeout = 40;
      server.on('connection', (socket) => listenTo(socket, see));
      server.on('timeout', (socket) => {
        see('server timeout');
        socket.destroy();
      });
    },
    client: [],
    until: ['socket close'],
  },
  {
    name: 'a timeout that is set with the connection holds for its first request',
    setup: (server, see) => server.on('connection', (socket) => (listenTo(socket, see), socket.setTimeout(400))),
    app: (req, _res, see) => {
      see(`timeout ${req.socket.timeout}`);
      req.socket.on('timeout', () => req.socket.destroy());
    },
    client: [getMore()],
    until: ['socket close'],
  },
  {
    name: 'closeAllConnections with a silent client',
    setup: (server, see) =>
      server.on('connection', (socket) => {
        listenTo(socket, see);
        setImmediate(() => {
          server.closeIdleConnections();
          setImmediate(() => {
            see(`destroyed ${socket.destroyed}`);
            server.closeAllConnections();
          });
        });
      }),
    client: [],
    until: ['socket close'],
  },
];

export const silentClients: Table = {
  subject: 'silent clients',
  scenarios: [
    ...ends,
    ...acts,
    {
      name: 'a connection without a request',
      program: async ({ create, listen, connect, fetch, see }) => {
        let connections = 0;
        const server = create({}, (_req, res) => res.end());
        server.on('connection', () => connections++);
        const port = await listen(server);
        const silent = await connect(port);
        await fetch(port);
        see(`connections ${connections}`);
        silent.destroy();
      },
    },
  ],
};
