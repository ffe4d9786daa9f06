/** What watches a server from outside its listeners: rejections, contexts, channels; and upgrades that are decided by an option. */
import { AsyncLocalStorage } from 'node:async_hooks';
import * as diagnostics from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import { attempt, describeError, get, head, type App, type Kit, type Scenario, type Table } from '../scenario';

const rejecting: [string, App][] = [
  ['at once', () => Promise.reject(new Error('rejected')) as never],
  [
    'behind setHeader',
    async (_req, res) => {
      res.setHeader('X-A', 'b');
      await null;
      throw new Error('rejected');
    },
  ],
  [
    'with a status of its own',
    async () => {
      await null;
      throw Object.assign(new Error('rejected'), { statusCode: 418 });
    },
  ],
  [
    'when the head has left',
    async (_req, res) => {
      res.write('begun');
      await null;
      throw new Error('rejected');
    },
  ],
  [
    'behind end',
    async (_req, res) => {
      res.end('done');
      await null;
      throw new Error('rejected');
    },
  ],
];

const rejections: Scenario[] = rejecting.map(([name, listener]) => ({
  name: `captureRejections: ${name}`,
  program: async ({ create, listen, connect, see, next }) => {
    const before = EventEmitter.captureRejections;
    EventEmitter.captureRejections = true;
    const server = create();
    EventEmitter.captureRejections = before;
    server.on('error', (error) => see(`server error ${describeError(error)}`));
    server.on('request', (req, res) => {
      res.on('error', (error) => see(`response error ${describeError(error)}`));
      res.on('close', () => see('response close'));
      return listener(req as never, res as never, see);
    });
    const socket = await connect(await listen(server));
    let text = '';
    socket.on('data', (piece) => (text += String(piece)));
    socket.write(get());
    await next(socket, 'close');
    see(text.replace(/^Date: .*$/m, 'Date: now'));
  },
}));

async function contexts({ create, listen, fetch, see }: Kit): Promise<void> {
  const storage = new AsyncLocalStorage<string>();
  const server = create({}, (req, res) => {
    storage.run(req.url!, () => {
      req.on('data', () => see(`data ${storage.getStore()}`));
      req.on('end', () => {
        see(`end ${storage.getStore()}`);
        setTimeout(() => res.end(String(storage.getStore())), 1);
      });
      res.on(
        'close',
        AsyncLocalStorage.bind(() => see(`bound close ${storage.getStore()}`)),
      );
    });
    see(`outside ${String(storage.getStore())}`);
  });
  const port = await listen(server);
  for (const path of ['/a', '/b']) see((await fetch(port, { path, method: 'POST' }, 'body')).text);
}

async function channels({ create, listen, fetch, see }: Kit): Promise<void> {
  let port = 0;
  const names = ['http.server.request.start', 'http.server.response.finish'];
  const listeners = names.map((name) => (message: unknown) => {
    const { server, request, response, socket } = message as Record<string, { address?(): unknown; url?: string; statusCode?: number }>;
    const address = server?.address?.() as { port?: number } | null | undefined;
    if (address?.port !== port) return;
    see(
      `${name} ${request?.url} ${response?.statusCode} ${typeof socket} ${Object.keys(message as object)
        .sort()
        .join()}`,
    );
  });
  names.forEach((name, n) => diagnostics.subscribe(name, listeners[n]!));
  try {
    const server = create({}, (_req, res) => res.writeHead(201).end());
    port = await listen(server);
    await fetch(port, { path: '/watched' });
    await fetch(port, { path: '/again', method: 'POST' }, 'body');
  } finally {
    names.forEach((name, n) => diagnostics.unsubscribe(name, listeners[n]!));
  }
}

const upgrade = (target: string): string => head(`GET ${target}`, 'Connection: Upgrade', 'Upgrade: other');

const upgrades: Scenario[] = [
  {
    name: 'an upgrade that nobody listens to is a request',
    app: (req, res, see) => {
      see(`request ${req.url} ${String(req.upgrade)} ${req.headers.connection}`);
      res.setHeader('Connection', 'close');
      res.end('ordinary');
    },
    client: [upgrade('/')],
  },
  {
    name: 'an upgrade that is listened to',
    setup: (server, see) => {
      server.on('upgrade', (req, socket, ahead) => {
        see(`upgrade ${req.url} ${String((req as never as { upgrade: boolean }).upgrade)} ${ahead.toString()}`);
        socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\nhello');
      });
    },
    client: [upgrade('/')],
  },
  {
    name: 'CONNECT that nobody listens to',
    app: (_req, res) => void res.end('never'),
    client: ['CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n'],
  },
];

export const observing: Table = {
  subject: 'observing',
  scenarios: [
    ...rejections,
    { name: 'AsyncLocalStorage: what a listener runs', program: contexts },
    { name: 'diagnostics_channel: start and finish', program: channels, unordered: true },
    {
      name: 'useChunkedEncodingByDefault false, removed fields',
      app: (_req, res, see) => {
        (res as unknown as { useChunkedEncodingByDefault: boolean }).useChunkedEncodingByDefault = false;
        attempt(see, 'removeHeader', () => res.removeHeader('Date'));
        res.write('until the end');
        res.end();
      },
    },
    ...upgrades,
  ],
};
