/** What newer versions of Node have; on an older one each row only says that it is not there. And what Node warns of. */
import * as http from 'node:http';
import type * as net from 'node:net';
import { attempt, describeError, get, head, type Kit, type Scenario, type See, type Table } from '../scenario';

type Informing = http.ServerResponse & { writeInformation?(status: number, headers?: unknown, written?: () => void): boolean };
type Upgrading = http.ServerOptions & { shouldUpgradeCallback?: unknown };

const informs = 'writeInformation' in http.ServerResponse.prototype;
const asksForUpgrades = 'shouldUpgradeCallback' in http.createServer();

/** Sends to the server, and notes what comes until the connection ends. */
async function receive({ connect, next, see }: Kit, port: number, bytes: string): Promise<void> {
  const socket = await connect(port);
  let text = '';
  socket.on('data', (piece) => (text += piece.toString('latin1')));
  socket.write(bytes);
  await next(socket, 'close');
  see(text.replace(/^Date: .*$/m, 'Date: now'));
}

const information: [name: string, act: (res: Informing, see: See) => void][] = [
  ['with fields', (res) => res.writeInformation!(103, { link: '</a>; rel=preload', 'X-A': ['1', '2'] })],
  ['with a list of fields', (res) => res.writeInformation!(103, ['X-A', '1', 'X-B', '2'])],
  ['without fields', (res) => res.writeInformation!(102)],
  ['100', (res) => res.writeInformation!(100)],
  ['a status without a name', (res) => res.writeInformation!(150, { a: 'b' })],
  ['twice', (res) => (res.writeInformation!(102), res.writeInformation!(103, { a: 'b' }))],
  ['what it returns', (res, see) => see(String(res.writeInformation!(103)))],
  ['101', (res, see) => attempt(see, 'threw', () => res.writeInformation!(101))],
  ['200', (res, see) => attempt(see, 'threw', () => res.writeInformation!(200))],
  ['a name that is none', (res, see) => attempt(see, 'threw', () => res.writeInformation!(103, { 'a b': '1' }))],
  ['a value on two lines', (res, see) => attempt(see, 'threw', () => res.writeInformation!(103, { a: '1\r\nb: 2' }))],
  [
    'behind writeHead',
    (res, see) => (res.writeHead(200, { 'Content-Length': 2 }), attempt(see, 'threw', () => res.writeInformation!(103))),
  ],
];

const interim: Scenario[] = information.map(([name, act]) => ({
  name: `writeInformation: ${name}`,
  program: async (kit) => {
    if (!informs) return kit.see('not in this Node');
    const server = kit.create({}, (_req, res, see) => {
      act(res as Informing, see);
      res.end('ok');
    });
    await receive(kit, await kit.listen(server), get());
  },
}));

const callbacks: [name: string, listens: boolean, decide: unknown][] = [
  ['true', true, () => true],
  ['false', true, () => false],
  ['by the request', true, (req: http.IncomingMessage) => req.headers.upgrade === 'other'],
  ['true, and nobody listens', false, () => true],
  ['false, and nobody listens', false, () => false],
  ['absent', true, undefined],
  ['absent, and nobody listens', false, undefined],
];

const upgrades: Scenario[] = callbacks.map(([name, listens, decide]) => ({
  name: `shouldUpgradeCallback: ${name}`,
  program: async (kit) => {
    if (!asksForUpgrades) return kit.see('not in this Node');
    const options: Upgrading = decide === undefined ? {} : { shouldUpgradeCallback: decide };
    const server = kit.create(options, (req, res, see) => {
      see(`request ${String(req.upgrade)}`);
      res.setHeader('Connection', 'close');
      res.end('ordinary');
    });
    if (listens) {
      server.on('upgrade', (req, socket) => {
        kit.see(`upgrade ${String((req as { upgrade?: boolean }).upgrade)}`);
        socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\nhello');
      });
    }
    await receive(kit, await kit.listen(server), head('GET /', 'Connection: Upgrade', 'Upgrade: other'));
  },
}));

const wrong: Scenario[] = ['x', 1, {}, null].map((value) => ({
  name: `shouldUpgradeCallback that is ${JSON.stringify(value)}`,
  program: async ({ create, see }) => {
    if (!asksForUpgrades) return see('not in this Node');
    try {
      create({ shouldUpgradeCallback: value } as http.ServerOptions);
      see('taken');
    } catch (error) {
      see(describeError(error));
    }
  },
}));

type Warned = Error & { emitter?: unknown };

/** Warnings are the process': those of other servers are told by what they name. */
async function heed(act: () => Promise<void>, ours: (warning: Warned) => boolean, see: See, hide?: string): Promise<void> {
  const hear = (warning: Warned): void => {
    if (ours(warning)) see(`${warning.name} ${hide === undefined ? warning.message : warning.message.replaceAll(hide, 'N')}`);
  };
  process.on('warning', hear);
  try {
    await act();
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    process.removeListener('warning', hear);
  }
}

const timeoutMax = 2 ** 31 - 1;
const setters: [name: string, set: (req: http.IncomingMessage, res: http.ServerResponse, ms: number) => unknown][] = [
  ['response', (_req, res, ms) => res.setTimeout(ms)],
  ['request', (req, _res, ms) => req.setTimeout(ms)],
  ['socket', (req, _res, ms) => req.socket.setTimeout(ms)],
];

const timeouts: Scenario[] = [
  ...setters.map(([name, set]): Scenario => ({
    name: `a warning of the timeout of a ${name} that is too long`,
    program: async ({ create, listen, fetch, see }) => {
      let ms = timeoutMax;
      const server = create({}, (req, res) => {
        set(req, res, ms);
        res.end();
      });
      const port = await listen(server);
      ms += port;
      await heed(
        async () => void (await fetch(port)),
        ({ message }) => message.includes(String(ms)),
        see,
        String(ms),
      );
    },
  })),
  {
    name: 'a warning of the timeout of a server that is too long',
    program: async ({ create, listen, fetch, see }) => {
      const server = create({}, (_req, res) => void res.end());
      const port = await listen(server);
      const ms = timeoutMax + port;
      server.setTimeout(ms);
      await heed(
        async () => void (await fetch(port)),
        ({ message }) => message.includes(String(ms)),
        see,
        String(ms),
      );
    },
  },
];

const listeners: Scenario[] = (['request', 'response', 'socket', 'server'] as const).map((which) => ({
  name: `a warning of too many listeners of a ${which}`,
  program: async ({ create, listen, fetch, see }) => {
    let emitter: NodeJS.EventEmitter | undefined;
    const server = create({}, (req, res) => {
      emitter = { request: req, response: res, socket: req.socket as net.Socket, server }[which];
      for (let n = 0; n < 12; n++) emitter.on('other', () => undefined);
      res.end();
    });
    const port = await listen(server);
    await heed(
      async () => void (await fetch(port)),
      (warning) => emitter !== undefined && warning.emitter === emitter,
      see,
    );
  },
}));

export const newerNode: Table = {
  subject: 'newer Node, and warnings',
  scenarios: [...interim, ...upgrades, ...wrong, ...timeouts, ...listeners],
};
