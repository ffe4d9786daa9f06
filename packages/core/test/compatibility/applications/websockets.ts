/** ws 8: handshakes byte by byte, and what both sides of a WebSocket see. */
import { WebSocket, type RawData } from 'ws';
import { nextEvent } from '../../support/poll';
import { get, getMore, head, type Step } from '../scenario';
import type { Application, ApplicationKit, ApplicationScenario } from './application';

const handshake = (target: string, ...fields: string[]): string =>
  head(
    `GET ${target}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...fields,
  );

/** A client's frame, in Latin-1; `first` is FIN, reserved bits and opcode. The mask is zero, so the payload is legible. */
function frame(first: number, payload: string, masked = true): string {
  const length = payload.length < 126 ? [payload.length] : [126, payload.length >> 8, payload.length & 255];
  length[0]! |= masked ? 128 : 0;
  return String.fromCharCode(first, ...length) + (masked ? '\0\0\0\0' : '') + payload;
}
const [text, binary, close, ping] = [0x81, 0x82, 0x88, 0x89];
const goodbye = frame(close, '\x03\xe8');

interface Talk extends ApplicationKit {
  client: WebSocket;
  /** The next message, noted. */
  hear(): Promise<void>;
  /** Until its 'close', noted. */
  closed(): Promise<void>;
}

/** Connects with the package's client, and notes what it meets. */
function dial({ port, see, after }: ApplicationKit, target: string, protocols: string[] = [], options = {}): WebSocket {
  const client = new WebSocket(`ws://127.0.0.1:${port}${target}`, protocols, options);
  after(() => client.terminate());
  client.on('error', (error: NodeJS.ErrnoException) => see(`error ${error.code ?? '-'} ${error.message}`));
  client.on('open', () => see(`open ${client.protocol} ${client.extensions}`));
  client.on('close', (code, reason) => see(`close ${code} ${reason.toString()}`));
  client.on('pong', (data) => see(`pong ${data.toString()}`));
  client.on('ping', (data) => see(`ping ${data.toString()}`));
  return client;
}

const talk = (
  name: string,
  target: string,
  act: (talk: Talk) => Promise<void>,
  more: Partial<ApplicationScenario> & { options?: object; protocols?: string[] } = {},
): ApplicationScenario => {
  const { options, protocols, ...rest } = more;
  return {
    name,
    until: ['close '],
    ...rest,
    dialogue: async (kit) => {
      const client = dial(kit, target, protocols, options);
      const ended = nextEvent(client, 'close');
      await nextEvent(client, 'open');
      const hear = async (): Promise<void> => {
        const [data, isBinary] = (await nextEvent(client, 'message')) as [RawData, boolean];
        const bytes = data as Buffer;
        kit.see(`message ${isBinary} ${bytes.length} ${bytes.toString('latin1', 0, 60)}`);
      };
      await act({ ...kit, client, hear, closed: async () => void (await ended) });
      client.close();
      await ended;
    },
  };
};

const refuse = (name: string, target: string, options = {}, protocols: string[] = []): ApplicationScenario => ({
  name,
  dialogue: async (kit) => void (await nextEvent(dial(kit, target, protocols, options), 'close')),
});

const bytes = (name: string, client: Step[], more: Partial<ApplicationScenario> = {}): ApplicationScenario => ({ name, client, ...more });

const handshakes: ApplicationScenario[] = [
  bytes('handshake, then a close frame', [handshake('/echo'), { await: 1 }, goodbye], { until: ['close '] }),
  bytes('the first frames come with the handshake', [handshake('/echo') + frame(text, 'early') + goodbye], { until: ['close '] }),
  bytes('the handshake byte by byte', [{ drip: handshake('/echo') }, frame(text, 'a'), { await: 'a' }, goodbye], { until: ['close '] }),
  bytes('a handshake that is answered later', [handshake('/late') + frame(text, 'early') + goodbye], { until: ['close '] }),
  bytes('a handshake behind another request', [getMore('/'), { await: 'page' }, handshake('/echo'), { await: 2 }, goodbye], {
    until: ['close '],
  }),
  bytes("fields of 'headers'", [handshake('/fields?x'), { await: 1 }, goodbye], { until: ['close '] }),
  bytes(
    'extensions that are offered',
    [handshake('/deflate', 'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits'), { await: 1 }, goodbye],
    { until: ['close '] },
  ),
  bytes('two protocols offered', [handshake('/protocol', 'Sec-WebSocket-Protocol: a, b'), { await: 1 }, goodbye], { until: ['close '] }),
  bytes('no key', [handshake('/echo').replace(/Sec-WebSocket-Key.*\r\n/, '')], { until: ['client error'] }),
  bytes('a bad version', [handshake('/echo').replace('13', '7')], { until: ['client error'] }),
  bytes('POST', [handshake('/echo').replace('GET', 'POST').replace('\r\n\r\n', '\r\nContent-Length: 0\r\n\r\n')], {
    until: ['client error'],
  }),
  bytes('a bad key', [handshake('/echo').replace('dGhlIHNhbXBsZSBub25jZQ==', 'x')], { until: ['client error'] }),
  bytes('refused with 401', [handshake('/refused')]),
  bytes('refused with 404, destroyed at once', [handshake('/nowhere')]),
  bytes('destroyed without an answer', [handshake('/destroyed')], { anyEnd: true }),
  bytes('another protocol', [head('GET /nowhere', 'Connection: Upgrade', 'Upgrade: other')]),
  bytes('Upgrade without Connection', [head('GET /', 'Upgrade: websocket', 'Connection: close')]),
  bytes('an ordinary request', [get('/')]),
];

const frames: ApplicationScenario[] = [
  bytes(
    'fragments, a ping between them',
    [
      handshake('/echo'),
      frame(0x01, 'frag') + frame(ping, 'p') + frame(0x00, 'men') + frame(0x80, 'ted'),
      { await: 'fragmented' },
      goodbye,
    ],
    { until: ['close '] },
  ),
  bytes('a frame byte by byte', [handshake('/echo'), { drip: frame(text, 'slow') }, { await: 'slow' }, goodbye], { until: ['close '] }),
  ...(
    [
      ['an unmasked frame', frame(text, 'bare', false)],
      ['reserved bits', frame(0xf1, 'x')],
      ['a reserved opcode', frame(0x83, 'x')],
      ['invalid UTF-8', frame(text, '\xff')],
      ['a long ping', frame(ping, 'x'.repeat(126))],
      ['a close code that is none', frame(close, '\x03\xed')],
      ['a close frame of one byte', frame(close, 'x')],
      ['no frame at all', 'GET / HTTP/1.1\r\n\r\n'],
    ] as const
  ).map(([name, sent]) => bytes(name, [handshake('/echo'), { await: 1 }, sent], { until: ['close '], anyEnd: true })),
  bytes('a message that is too long', [handshake('/small'), { await: 1 }, frame(binary, 'x'.repeat(1001))], {
    until: ['close '],
    anyEnd: true,
  }),
  bytes('the client ends its side', [handshake('/echo'), { await: 1 }, frame(text, 'a'), { await: 'a' }, 'FIN'], { until: ['close '] }),
  bytes('the client resets', [handshake('/echo'), { await: 1 }, frame(text, 'a'), { await: 'a' }, 'RST'], { until: ['close '] }),
  bytes('the client ends inside a frame', [handshake('/echo'), { await: 1 }, frame(text, 'abc').slice(0, -1), 'FIN'], {
    until: ['close '],
  }),
];

const messages: ApplicationScenario[] = [
  talk('text', '/echo', async ({ client, hear }) => {
    client.send('täxt');
    await hear();
  }),
  talk('binary', '/echo', async ({ client, hear }) => {
    client.send(Buffer.from([0, 1, 255]));
    await hear();
  }),
  talk('an empty message', '/echo', async ({ client, hear }) => {
    client.send('');
    await hear();
  }),
  talk('a message of 1 MiB', '/echo', async ({ client, hear }) => {
    client.send(Buffer.alloc(1 << 20, 'm'));
    await hear();
  }),
  talk('1,000 messages in order', '/echo', async ({ client, see }) => {
    let expected = 0;
    const all = new Promise<void>((resolve) => {
      client.on('message', (data: Buffer) => {
        if (String(data) !== String(expected++)) see(`out of order: ${String(data)}`);
        if (expected === 1000) resolve();
      });
    });
    client.send('many');
    await all;
    see(`got ${expected}`);
  }),
  talk('fragments of the server', '/echo', async ({ client, hear }) => {
    client.send('fragments');
    await hear();
  }),
  talk('pings of both sides', '/echo', async ({ client, seen }) => {
    const ponged = nextEvent(client, 'pong');
    client.ping('from the client');
    await ponged;
    const pinged = nextEvent(client, 'ping');
    client.send('ping');
    await pinged;
    await seen('pong from the server');
  }),
  talk('the server closes', '/echo', async ({ client, closed }) => {
    client.send('close');
    await closed();
  }),
  talk('the server terminates', '/echo', async ({ client, closed }) => {
    client.send('terminate');
    await closed();
  }),
  ...[1000, 1001, 3000, 4999].map((code) =>
    talk(`the client closes with ${code}`, '/echo', async ({ client, closed }) => {
      client.close(code, 'bye');
      await closed();
    }),
  ),
  talk('the client closes without a code', '/echo', async () => undefined),
  talk('the client terminates', '/echo', async ({ client, closed }) => {
    client.terminate();
    await closed();
  }),
  talk('maxPayload', '/small', async ({ client, hear, closed }) => {
    client.send('x'.repeat(1000));
    await hear();
    client.send('x'.repeat(1001));
    await closed();
  }),
  talk('compressed', '/deflate', async ({ client, hear }) => {
    client.send('again and '.repeat(10_000));
    await hear();
    client.send('short');
    await hear();
  }),
  talk(
    'compression that the client does not want',
    '/deflate',
    async ({ client, hear }) => {
      client.send('again and '.repeat(100));
      await hear();
    },
    { options: { perMessageDeflate: false } },
  ),
  talk('a protocol that is chosen', '/protocol', async () => undefined, { protocols: ['a', 'b'] }),
  talk('an origin that is verified', '/verified', async () => undefined, { options: { origin: 'http://friend' } }),
  refuse('an origin that is not', '/verified', { origin: 'http://foe' }),
  refuse('a protocol that nobody has', '/protocol', {}, ['a']),
  refuse('401', '/refused'),
  refuse('a path that nobody has', '/nowhere'),
  talk(
    'a stream',
    '/stream',
    async ({ client, hear }) => {
      client.send(Buffer.from('streamed'));
      await hear();
    },
    { until: ['close ', 'stream end'], unordered: true },
  ),
  talk('a message to all', '/echo', async (kit) => {
    const other = dial(kit, '/echo');
    await nextEvent(other, 'open');
    const heard = nextEvent(other, 'message');
    kit.client.send('to all');
    await Promise.all([kit.hear(), heard]);
    const closed = nextEvent(other, 'close');
    other.close();
    await closed;
    await kit.seen('close ');
  }),
];

/** `path`: where the program has its WebSockets. */
const shutdown = (path: string): ApplicationScenario => ({
  name: 'SIGTERM with clients',
  lastOfProgram: true,
  dialogue: async (kit) => {
    const client = dial(kit, path);
    const closed = nextEvent(client, 'close');
    await nextEvent(client, 'open');
    await kit.seen('connection');
    kit.stop();
    await closed;
    await kit.seen('closed');
    kit.see(`exit ${await kit.exited()}`);
  },
  unordered: true,
});

export const websockets: Application[] = [
  { name: 'ws 8', uses: 'ws', program: 'ws.cjs', scenarios: [...handshakes, ...frames, ...messages, shutdown('/echo')] },
  {
    name: 'ws 8 with a server of its own',
    uses: 'ws',
    program: 'ws-own-server.cjs',
    scenarios: [
      bytes('an ordinary request', [get('/')]),
      bytes('HEAD', [head('HEAD /', 'Connection: close')]),
      bytes('another path', [handshake('/there')]),
      bytes('handshake, a message and goodbye', [handshake('/here'), frame(text, 'a'), { await: 'a' }, goodbye], { until: ['close '] }),
      talk('a message', '/here', async ({ client, hear }) => {
        client.send('a');
        await hear();
      }),
      talk(
        'a message of 1 MiB and one byte',
        '/here',
        async ({ client, closed }) => {
          client.send(Buffer.alloc((1 << 20) + 1));
          await closed();
        },
        { until: ['close '] },
      ),
      shutdown('/here'),
    ],
  },
];
