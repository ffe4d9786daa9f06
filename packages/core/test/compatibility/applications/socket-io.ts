/** socket.io 4: its transports byte by byte, and what both sides see. */
import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client';
import { nextEvent, within } from '../../support/poll';
import { get, head, type Step } from '../scenario';
import type { Application, ApplicationKit, ApplicationScenario } from './application';

type Options = Partial<ManagerOptions & SocketOptions>;
type Transport = 'polling' | 'websocket';

interface Talk extends ApplicationKit {
  socket: Socket;
  /** The next event of this name, noted. */
  hear(name: string): Promise<void>;
}

/** A client that notes how its connection fares. */
function dial({ port, see, after }: ApplicationKit, options: Options = {}, namespace = '/'): Socket {
  const socket = io(`http://127.0.0.1:${port}${namespace}`, { forceNew: true, reconnection: false, ...options });
  after(() => socket.disconnect());
  socket.on('connect', () => see('connect'));
  socket.on('connect_error', (error) => {
    const { description } = error as unknown as { description?: unknown };
    see(`connect_error ${error.message} ${typeof description === 'number' ? description : '-'}`);
  });
  socket.on('disconnect', (reason) => see(`disconnect ${reason}`));
  return socket;
}

/** A conversation of `clients`, of which the first one is there from the start. */
const talk = (name: string, options: Options, act: (talk: Talk) => Promise<void>, clients = 1): ApplicationScenario => ({
  name,
  unordered: true,
  dialogue: async (kit) => {
    const socket = dial(kit, options);
    await nextEvent(socket, 'connect');
    const gone = nextEvent(socket, 'disconnect');
    const hear = async (event: string): Promise<void> => kit.see(`${event} ${JSON.stringify(await nextEvent(socket, event))}`);
    await act({ ...kit, socket, hear });
    socket.disconnect();
    await gone;
    await kit.seen('disconnect ', clients);
  },
});

const refuse = (name: string, options: Options, until: string[] = []): ApplicationScenario => ({
  name,
  until,
  dialogue: async (kit) => void (await nextEvent(dial(kit, options), 'connect_error')),
});

/** What a client may do on either transport. */
const conversations = (transport: Transport): ApplicationScenario[] => {
  const options: Options = { transports: [transport] };
  const on = (name: string): string => `${name}, ${transport}`;
  return [
    talk(on('an event and its echo'), options, async ({ socket, hear }) => {
      socket.emit('echo', 'ä', { a: [1, null] }, true);
      await hear('echo');
    }),
    talk(on('binary'), options, async ({ socket, hear }) => {
      socket.emit('echo', Buffer.from([0, 1, 255]), 'text');
      await hear('echo');
    }),
    talk(on('an acknowledgement of the server'), options, async ({ socket, see }) => {
      see(String(await socket.timeout(5000).emitWithAck('ask', 1)));
    }),
    talk(on('an acknowledgement of the client'), options, async ({ socket, hear }) => {
      socket.on('question', (value: number, answer: (text: string) => void) => answer(`I say ${value}`));
      const done = hear('done');
      socket.emit('ask me');
      await done;
    }),
    talk(
      on('rooms and others'),
      options,
      async (kit) => {
        const { socket, hear, see } = kit;
        const other = dial(kit, options);
        await nextEvent(other, 'connect');
        await socket.timeout(5000).emitWithAck('join', 'blue');
        await other.timeout(5000).emitWithAck('join', 'blue');
        const heard = Promise.all([hear('of room'), nextEvent(other, 'of room')]);
        socket.emit('to room', 'blue', 'hello room');
        await heard;
        const ofOther = hear('of other');
        other.emit('to others', 'hello others');
        await ofOther;
        const gone = nextEvent(other, 'disconnect');
        other.disconnect();
        await gone;
        see('alone');
      },
      2,
    ),
    talk(on('200 events in order'), options, async ({ socket, see }) => {
      let expected = 0;
      const all = new Promise<void>((resolve) => {
        socket.on('one', (n: number) => {
          if (n !== expected++) see(`out of order: ${n}`);
          if (expected === 200) resolve();
        });
      });
      socket.emit('many', 200);
      await within(all, 'all events');
      see(`got ${expected}`);
    }),
    talk(on('the server disconnects'), options, async ({ socket }) => {
      const gone = nextEvent(socket, 'disconnect');
      socket.emit('go', false);
      await gone;
    }),
    talk(on('the server disconnects and closes'), options, async ({ socket }) => {
      const gone = nextEvent(socket, 'disconnect');
      socket.emit('go', true);
      await gone;
    }),
    talk(on('the server closes the transport'), options, async ({ socket }) => {
      const gone = nextEvent(socket, 'disconnect');
      socket.emit('drop');
      await gone;
    }),
    talk(on('the client closes the transport'), options, async ({ socket }) => {
      const gone = nextEvent(socket, 'disconnect');
      socket.io.engine.close();
      await gone;
    }),
    talk(on('the longest message'), options, async ({ socket, hear }) => {
      socket.emit('echo', 'x'.repeat(9000));
      await hear('echo');
    }),
    talk(on('a message that is too long'), options, async ({ socket }) => {
      const gone = nextEvent(socket, 'disconnect');
      socket.emit('echo', 'x'.repeat(20_000));
      await gone;
    }),
    talk(on('heartbeats'), options, async ({ socket, see }) => {
      await nextEvent(socket.io.engine, 'ping');
      see('ping');
    }),
    refuse(on('a middleware that refuses'), { ...options, auth: { token: 'wrong' } }),
    {
      name: on('a namespace'),
      until: ['admin disconnect'],
      unordered: true,
      dialogue: async (kit) => {
        const socket = dial(kit, options, '/admin');
        await nextEvent(socket, 'connect');
        kit.see(String(await socket.timeout(5000).emitWithAck('who')));
        const gone = nextEvent(socket, 'disconnect');
        socket.disconnect();
        await gone;
      },
    },
  ];
};

const upgrades: ApplicationScenario[] = [
  talk('from polling to websocket', { query: { a: 'b' } }, async ({ socket, seen, see, hear }) => {
    if (socket.io.engine.transport.name === 'polling') await nextEvent(socket.io.engine, 'upgrade');
    await seen('upgraded websocket');
    see(socket.io.engine.transport.name);
    socket.emit('echo', 'upgraded');
    await hear('echo');
  }),
  talk('events while the transport changes', {}, async ({ socket, see }) => {
    let got = 0;
    const all = new Promise<void>((resolve) => socket.on('one', () => ++got === 100 && resolve()));
    socket.emit('many', 50);
    if (socket.io.engine.transport.name === 'polling') await nextEvent(socket.io.engine, 'upgrade');
    socket.emit('many', 50);
    await within(all, 'all events');
    see(`got ${got}`);
  }),
];

const exchange = (name: string, bytes: string | Step[], until: string[] = []): ApplicationScenario => ({
  name,
  client: typeof bytes === 'string' ? [bytes] : bytes,
  until,
});

const transports: ApplicationScenario[] = [
  exchange('an ordinary request', get('/')),
  exchange('its client, as a file', [head('HEAD /socket.io/socket.io.js', 'Connection: close')]),
  exchange('no transport', get('/socket.io/?EIO=4'), ['engine refuses']),
  exchange('an unknown transport', get('/socket.io/?EIO=4&transport=pigeon'), ['engine refuses']),
  exchange('an unknown session', get('/socket.io/?EIO=4&transport=polling&sid=unknown'), ['engine refuses']),
  exchange('an old protocol', get('/socket.io/?EIO=3&transport=polling'), ['engine refuses']),
  exchange('a handshake by POST', head('POST /socket.io/?EIO=4&transport=polling', 'Connection: close', 'Content-Length: 0'), [
    'engine refuses',
  ]),
  exchange('a preflight', head('OPTIONS /socket.io/?EIO=4&transport=polling', 'Connection: close', 'Origin: http://friend')),
  exchange('an upgrade with a bad transport', [
    head('GET /socket.io/?EIO=4&transport=pigeon', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'),
  ]),
  {
    name: 'a handshake by polling, its fields and its packet',
    dialogue: async ({ connect, see }) => {
      const socket = await connect();
      let text = '';
      socket.on('data', (piece) => (text += String(piece)));
      socket.write(get('/socket.io/?EIO=4&transport=polling', 'Origin: http://friend'));
      await nextEvent(socket, 'close');
      see(text.replace(/"sid":"[^"]{20}"/, '"sid":"id"').replace(/^Date: .*$/m, 'Date: now'));
    },
  },
];

const shutdown: ApplicationScenario = {
  name: 'SIGTERM with clients',
  lastOfProgram: true,
  unordered: true,
  dialogue: async (kit) => {
    const polling = dial(kit, { transports: ['polling'] });
    await nextEvent(polling, 'connect');
    const websocket = dial(kit, { transports: ['websocket'] });
    await nextEvent(websocket, 'connect');
    const gone = [nextEvent(polling, 'disconnect'), nextEvent(websocket, 'disconnect')];
    await kit.seen('connection', 2);
    kit.stop();
    await Promise.all(gone);
    await kit.seen('closed');
    kit.see(`exit ${await kit.exited()}`);
  },
};

export const socketIo: Application = {
  name: 'socket.io 4',
  uses: 'socket.io',
  program: 'socket-io.cjs',
  scenarios: [
    ...transports,
    ...conversations('polling'),
    ...conversations('websocket'),
    ...upgrades,
    refuse('a path that nobody has', { path: '/elsewhere', transports: ['websocket'] }),
    shutdown,
  ],
};
