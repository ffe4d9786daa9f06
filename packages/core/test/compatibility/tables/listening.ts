/** Arguments of `listen` that make no sense, and addresses that cannot be had: codes, texts and properties of the errors. */
import * as http from 'node:http';
import { attempt, describeError, type Kit, type Scenario, type Table } from '../scenario';

const badArguments: [string, unknown[]][] = [
  ['a port beyond', [65536]],
  ['a negative port', [-1]],
  ['a port with a fraction', [1.5]],
  ['a port that is not a number', [NaN]],
  ['a port that is text but no number', [{ port: 'x' }]],
  ['a port of text beyond', [{ port: '65536' }]],
  ['options without anything', [{}]],
  ['options with only a host', [{ host: 'localhost' }]],
  ['options with a bad descriptor', [{ fd: -1 }]],
  ['true', [true]],
  ['a port that is true', [{ port: true }]],
  ['a signal that is none', [{ port: 0, signal: 'no' }]],
  ['a host that is a number', [0, 5]],
  ['a path that is empty', [{ path: '' }]],
  ['a host with a null byte', [{ port: 0, host: '\0' }]],
];

/** What an error of `listen` says, with the port made equal. */
function facts(error: NodeJS.ErrnoException & { address?: string; port?: number }, port: number): string {
  const own = Object.keys(error)
    .filter((key) => key !== 'pid')
    .sort();
  const text = describeError(error).replaceAll(String(port), 'port');
  return `${text}; ${error.syscall} ${error.errno} ${error.address} ${error.port === port}; ${own.join()}`;
}

const taken = async ({ create, listen, see, next }: Kit, address: string): Promise<void> => {
  const port = await listen(create());
  const other = create();
  const failed = next(other, 'error');
  let called = false;
  see(String(other.listen(port, address, () => (called = true)) === other));
  see(`listening ${other.listening}`);
  const [error] = (await failed) as [NodeJS.ErrnoException];
  see(facts(error, port));
  see(`called ${called}, listening ${other.listening}, address ${String(other.address())}`);
};

/** Beside a port that somebody holds who is no server of this kind. */
const foreign = async ({ create, see, next }: Kit): Promise<void> => {
  const holder = http.createServer();
  holder.listen(0, '127.0.0.1');
  await next(holder, 'listening');
  const { port } = holder.address() as { port: number };
  const server = create();
  const failed = next(server, 'error');
  server.listen(port, '127.0.0.1');
  see(facts(((await failed) as [NodeJS.ErrnoException])[0], port));
  holder.close();
};

const rows: [string, (kit: Kit) => Promise<void>][] = [
  ['a port that a server of this kind has', (kit) => taken(kit, '127.0.0.1')],
  ['a port that another process or library has', foreign],
  [
    'an address of another machine',
    async ({ create, see, next }) => {
      const server = create();
      server.listen(0, '192.0.2.1');
      const [error] = (await next(server, 'error')) as [NodeJS.ErrnoException];
      see(facts(error, 0));
    },
  ],
  [
    'a folder that does not exist',
    async ({ create, see, next }) => {
      const server = create();
      server.listen('/nowhere/at/all.sock');
      const [error] = (await next(server, 'error')) as [NodeJS.ErrnoException];
      see(`${describeError(error)}; ${error.syscall} ${(error as { address?: string }).address}`);
    },
  ],
  [
    'ports as text, with a prefix of zero, and as hexadecimal',
    async ({ create, see, next }) => {
      for (const port of ['0', '00', '0x0']) {
        const server = create();
        server.listen({ port, host: '127.0.0.1' } as never);
        await next(server, 'listening');
        see(typeof (server.address() as { port: number }).port);
      }
    },
  ],
  [
    'null and undefined where a port may be',
    async ({ create, see, next }) => {
      for (const args of [[null], [undefined], [], [{ port: null }], [0, null], [0, undefined, undefined]]) {
        const server = create();
        attempt(see, JSON.stringify(args), () => (server.listen as (...values: unknown[]) => unknown).apply(server, args) === server);
        await next(server, 'listening');
      }
    },
  ],
];

export const listening: Table = {
  subject: 'listen',
  scenarios: [
    ...badArguments.map(([name, args]): Scenario => ({
      name,
      program: async ({ create, see }) => {
        const server = create();
        server.on('error', (error) => see(`event ${describeError(error)}`));
        attempt(see, 'listen', () => (server.listen as (...values: unknown[]) => unknown).apply(server, args) === server);
        await new Promise((resolve) => setImmediate(resolve));
        see(`listening ${server.listening}`);
      },
    })),
    ...rows.map(([name, program]): Scenario => ({ name, program })),
  ],
};
