/** Forms of `write` and `end`, what they return, call back and throw, and the properties of a response at each stage. */
import { attempt, chunked, describeError, get, getMore, head, type App, type Response, type See, type Table } from '../scenario';

/** Everything a program may ask a response for. */
export function state(res: Response): string {
  const r = res as Response & { closed?: boolean; errored?: unknown };
  return [
    `sent ${r.headersSent}`,
    `finished ${r.finished}`,
    `writable ${r.writable}`,
    `writableEnded ${r.writableEnded}`,
    `writableFinished ${r.writableFinished}`,
    `writableLength ${r.writableLength}`,
    `needDrain ${r.writableNeedDrain}`,
    `corked ${r.writableCorked}`,
    `objectMode ${r.writableObjectMode}`,
    `destroyed ${r.destroyed}`,
    `closed ${r.closed}`,
    `errored ${String(r.errored)}`,
    `socket ${r.socket === null ? 'null' : 'there'}`,
  ].join(', ');
}

const late =
  (see: See, label: string) =>
  (error?: Error | null): void =>
    see(`${label} called back ${error ? describeError(error) : 'well'}`);

const programs: Record<string, App> = {
  'write returns true, calls back': (_req, res, see) => {
    attempt(see, 'write', () => res.write('a', late(see, 'write')));
    attempt(see, 'end', () => res.end(late(see, 'end')) === res);
  },
  'write with encoding and callback': (_req, res, see) => {
    attempt(see, 'write', () => res.write('6162', 'hex', late(see, 'write')));
    res.end('Yw==', 'base64', late(see, 'end'));
  },
  'end with text and callback': (_req, res, see) => void res.end('x', late(see, 'end')),
  'end with text, encoding, callback': (_req, res, see) => void res.end('x', 'utf8', late(see, 'end')),
  'end with nulls': (_req, res, see) => attempt(see, 'end', () => res.end(null, null as never, null as never) === res),
  'end with undefined': (_req, res) => void res.end(undefined),
  'end with text and nulls': (_req, res) => void res.end('x', null as never, null as never),
  'order of callbacks and events': (_req, res, see) => {
    res.on('finish', () => see('finish'));
    res.on('close', () => see('close'));
    res.on('prefinish', () => see('prefinish'));
    res.write('a', late(see, 'first'));
    res.write('b', late(see, 'second'));
    res.end('c', late(see, 'end'));
    process.nextTick(() => see('tick'));
    void Promise.resolve().then(() => see('promise'));
    see('returned');
  },
  'order for an end alone': (_req, res, see) => {
    res.on('finish', () => see('finish'));
    res.on('close', () => see('close'));
    res.end('c', late(see, 'end'));
    process.nextTick(() => see('tick'));
    see('returned');
  },
  'write: bad chunks': (_req, res, see) => {
    for (const chunk of [null, undefined, 5, true, {}, [], Symbol.iterator]) attempt(see, typeof chunk, () => res.write(chunk as never));
    res.on('error', (error) => see(describeError(error)));
    res.end();
  },
  'end: bad chunks': (_req, res, see) => {
    for (const chunk of [5, true, {}, [], ['a']]) attempt(see, JSON.stringify(chunk), () => res.end(chunk as never));
    res.end('ok');
  },
  'write after end': (_req, res, see) => {
    res.on('error', (error) => see(`error ${describeError(error)}`));
    res.end('x');
    attempt(see, 'write', () => res.write('y', late(see, 'write')));
  },
  'end after end, somebody listens': (_req, res, see) => {
    res.on('error', (error) => see(`error ${describeError(error)}`));
    res.end('x');
    attempt(see, 'end', () => res.end('y', late(see, 'end')) === res);
  },
  'end twice': (_req, res, see) => {
    res.on('error', (error) => see(`error ${describeError(error)}`));
    res.end('x', late(see, 'first'));
    attempt(see, 'end', () => res.end(late(see, 'second')) === res);
    attempt(see, 'end with text', () => res.end('y', late(see, 'third')) === res);
  },
  'end twice, later': (_req, res, see) => {
    res.on('error', (error) => see(`error ${describeError(error)}`));
    res.on('close', () => {
      attempt(see, 'end', () => res.end(late(see, 'second')) === res);
      attempt(see, 'write', () => res.write('y', late(see, 'third')));
      see(state(res));
    });
    res.end('x');
  },
  'state: before anything': (_req, res, see) => {
    see(state(res));
    res.end();
  },
  'state: after writeHead': (_req, res, see) => {
    res.writeHead(200);
    see(state(res));
    res.end();
  },
  'state: after a write': (_req, res, see) => {
    res.write('abc');
    see(state(res));
    res.end();
  },
  'state: corked': (_req, res, see) => {
    res.cork();
    res.cork();
    see(state(res));
    res.uncork();
    see(state(res));
    res.uncork();
    res.end();
  },
  'state: after end': (_req, res, see) => {
    res.end('x');
    see(state(res));
  },
  'state: after a write and an end': (_req, res, see) => {
    res.write('x');
    res.end('x');
    see(state(res));
  },
  'state: at finish': (_req, res, see) => {
    res.on('finish', () => see(state(res)));
    res.end('x');
  },
  'state: at finish of a streamed one': (_req, res, see) => {
    res.on('finish', () => see(state(res)));
    res.write('x');
    res.end('x');
  },
  'state: at close': (_req, res, see) => {
    res.on('close', () => see(state(res)));
    res.end('x');
  },
  'state: a turn later': (_req, res, see) => {
    res.end('x');
    setImmediate(() => setImmediate(() => see(state(res))));
  },
  'setDefaultEncoding is not for responses': (_req, res, see) => {
    attempt(see, 'setDefaultEncoding', () => typeof (res as unknown as { setDefaultEncoding: unknown }).setDefaultEncoding);
    res.end();
  },
  'bad encodings': (_req, res, see) => {
    attempt(see, 'write', () => res.write('a', 'nonsense' as never));
    res.end();
  },
  'pipe from a response': (_req, res, see) => {
    res.on('error', (error) => see(describeError(error)));
    attempt(see, 'pipe', () => (res as unknown as { pipe(): unknown }).pipe());
    setImmediate(() => res.end());
  },
  'strict length: too much in end': (_req, res, see) => {
    res.strictContentLength = true;
    res.setHeader('Content-Length', 2);
    attempt(see, 'end', () => res.end('abc') === res);
    res.socket?.destroy();
  },
  'strict length: too much in write': (_req, res, see) => {
    res.strictContentLength = true;
    res.setHeader('Content-Length', 2);
    attempt(see, 'write', () => res.write('abc'));
    res.socket?.destroy();
  },
  'strict length: too little': (_req, res, see) => {
    res.strictContentLength = true;
    res.setHeader('Content-Length', 2);
    attempt(see, 'end', () => res.end('a') === res);
    res.socket?.destroy();
  },
  'detached: write after the close of the connection': (_req, res, see) => {
    res.on('close', () => {
      attempt(see, 'write', () => res.write('late'));
      attempt(see, 'end', () => res.end() === res);
      attempt(see, 'setHeader', () => res.setHeader('X', '1'));
      see(state(res));
    });
    res.socket?.destroy();
  },
  destroy: (_req, res, see) => {
    res.on('close', () => see('close'));
    res.on('error', (error) => see(describeError(error)));
    attempt(see, 'destroy', () => res.destroy() === res);
    see(state(res));
  },
  'destroy with an error': (_req, res, see) => {
    res.on('close', () => see('close'));
    res.on('error', (error) => see(describeError(error)));
    res.destroy(new Error('mine'));
    see(state(res));
  },
  'destroy, then write and end': (_req, res, see) => {
    res.on('close', () => see('close'));
    res.on('error', (error) => see(`error ${describeError(error)}`));
    res.destroy();
    attempt(see, 'write', () => res.write('a', late(see, 'write')));
    attempt(see, 'end', () => res.end('b', late(see, 'end')) === res);
  },
  'destroy after a write': (_req, res, see) => {
    res.on('close', () => see('close'));
    res.write('a');
    setImmediate(() => {
      res.destroy();
      see(state(res));
    });
  },
  'destroy after end': (_req, res, see) => {
    res.on('close', () => see('close'));
    res.on('finish', () => see('finish'));
    res.end('a');
    setImmediate(() => {
      res.destroy();
      see(state(res));
    });
  },
  'a large body in one end': (_req, res) => void res.end('x'.repeat(300_000)),
  'a large body in one write': (_req, res, see) => {
    attempt(see, 'write', () => res.write(Buffer.alloc(300_000, 'y')));
    res.end();
  },
  'many small writes': (_req, res) => {
    for (let n = 0; n < 300; n++) res.write(`${n},`);
    res.end();
  },
  'drain after a large write': (_req, res, see) => {
    res.on('drain', () => {
      see('drain');
      see(String(res.writableNeedDrain));
      res.end('done');
    });
    attempt(see, 'write', () => res.write(Buffer.alloc(3_000_000, 'z')));
    attempt(see, 'needs', () => res.writableNeedDrain);
  },
  'cork around a head and pieces': (_req, res) => {
    res.cork();
    res.writeHead(200, { 'X-A': '1' });
    res.write('a');
    process.nextTick(() => {
      res.uncork();
      res.end('b');
    });
  },
  'properties one may set': (req, res, see) => {
    for (const [name, value] of Object.entries({
      locals: {},
      statusCode: 203,
      statusMessage: 'x',
      sendDate: true,
      shouldKeepAlive: true,
    })) {
      attempt(see, name, () => ((res as unknown as Record<string, unknown>)[name] = value));
    }
    res.end(() => req.socket.destroySoon());
  },
  'req and res know each other': (req, res, see) => {
    see(String(res.req === req));
    see(String(res.socket === req.socket));
    see(String(res.connection === req.connection));
    res.end();
  },
};

const toHead: Record<string, App> = {
  'HEAD: writes report their bytes': (_req, res, see) => {
    attempt(see, 'write', () => res.write('abc', late(see, 'write')));
    res.end('def', late(see, 'end'));
  },
  'HEAD: standard bodies only': (_req, res, see) => {
    attempt(see, 'write', () => res.write('abc'));
    attempt(see, 'end', () => res.end('abc') === res);
    attempt(see, 'end', () => res.end() === res);
  },
};

export const writeCalls: Table = {
  subject: 'write and end',
  scenarios: [
    ...Object.entries(programs).map(([name, app]) => ({ name, app })),
    ...Object.entries(programs)
      .filter(([name]) => name.startsWith('state') || name.startsWith('order') || name.startsWith('destroy'))
      .flatMap(([name, app]) => [
        { name: `after a body in chunks: ${name}`, app, client: [chunked(['abc'])] },
        {
          name: `on a connection that stays: ${name}`,
          app: answerLast(app),
          client: [getMore(), { seen: '' }, get('/last')],
          anyEnd: true,
        },
      ]),
    ...Object.entries(toHead).map(([name, app]) => ({ name, app, client: [head('HEAD /', 'Connection: close')] })),
    ...Object.entries(toHead).map(([name, app]) => ({
      name: `${name}, rejectNonStandardBodyWrites`,
      app,
      options: { rejectNonStandardBodyWrites: true },
      client: [head('HEAD /', 'Connection: close')],
    })),
    ...[204, 304].map((status) => ({
      name: `${status} with a body, rejectNonStandardBodyWrites`,
      options: { rejectNonStandardBodyWrites: true },
      app: ((_req, res, see) => {
        res.statusCode = status;
        attempt(see, 'end', () => res.end('abc') === res);
        attempt(see, 'write', () => res.write('abc'));
        attempt(see, 'end', () => res.end() === res);
      }) as App,
    })),
  ],
};

function answerLast(app: App): App {
  return (req, res, see) => {
    if (req.url === '/last') res.end('last');
    else app(req, res, see);
  };
}
