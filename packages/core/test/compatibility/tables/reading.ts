/** Ways to read a request body: streams, iteration, pauses, and what is left unread. */
import { finished, pipeline, PassThrough, Transform } from 'node:stream';
import { text } from 'node:stream/consumers';
import * as streamPromises from 'node:stream/promises';
import { attempt, chunked, describeError, head, post, type App, type Scenario, type Table } from '../scenario';

const upper = (): Transform =>
  new Transform({
    transform(piece: Buffer, _encoding, callback) {
      callback(null, piece.toString('latin1').toUpperCase());
    },
  });

const readers: Record<string, App> = {
  'data and end': (req, res, see) => {
    const pieces: Buffer[] = [];
    req.on('data', (piece: Buffer) => pieces.push(piece));
    req.on('end', () => {
      see(Buffer.concat(pieces).toString());
      res.end();
    });
  },
  'readable and read': (req, res, see) => {
    const pieces: Buffer[] = [];
    req.on('readable', () => {
      for (let piece = req.read() as Buffer | null; piece !== null; piece = req.read() as Buffer | null) pieces.push(piece);
    });
    req.on('end', () => {
      see(Buffer.concat(pieces).toString());
      res.end();
    });
  },
  'read of a size': (req, res, see) => {
    let got = '';
    req.on('readable', () => {
      for (let piece = req.read(2) as Buffer | null; piece !== null; piece = req.read(2) as Buffer | null) got += `[${piece.toString()}]`;
    });
    req.on('end', () => {
      see(got);
      res.end();
    });
  },
  'async iteration': (req, res, see) => {
    void (async () => {
      let got = '';
      for await (const piece of req) got += String(piece);
      see(`${got} destroyed ${req.destroyed}`);
      res.end('ok');
    })();
  },
  'async iteration, left early': (req, res, see) => {
    void (async () => {
      for await (const piece of req) {
        see(`piece ${String((piece as Buffer).length > 0)}`);
        break;
      }
      see(`destroyed ${req.destroyed}`);
      res.end('ok');
    })();
  },
  'stream/consumers': (req, res, see) => void text(req).then((got) => res.end(got, () => see(got))),
  'pipe into the response': (req, res) => void req.pipe(res),
  'pipe through a transform': (req, res) => void req.pipe(upper()).pipe(res),
  'pipeline into the response': (req, res, see) =>
    void pipeline(req, upper(), res, (error) => see(`pipeline ${error ? describeError(error) : 'well'}`)),
  'pipeline of promises': (req, res, see) => {
    streamPromises.pipeline(req, new PassThrough(), res).then(
      () => see('resolved'),
      (error: unknown) => see(describeError(error)),
    );
  },
  'finished of both': (req, res, see) => {
    finished(req, (error) => see(`req ${error ? describeError(error) : 'well'}`));
    finished(res, (error) => see(`res ${error ? describeError(error) : 'well'}`));
    req.resume();
    req.on('end', () => res.end('ok'));
  },
  'finished of the request, never read': (req, res, see) => {
    finished(req, (error) => see(`req ${error ? describeError(error) : 'well'}`));
    res.end('ok');
  },
  'finished after the end': (req, res, see) => {
    res.on('close', () => {
      finished(res, (error) => see(`res ${error ? describeError(error) : 'well'}`));
      finished(req, (error) => see(`req ${error ? describeError(error) : 'well'}`));
    });
    req.resume().on('end', () => res.end('ok'));
  },
  'pause at once, resume later': (req, res, see) => {
    req.pause();
    see(String(req.isPaused()));
    let got = '';
    req.on('data', (piece: Buffer) => (got += piece.toString()));
    req.on('end', () => {
      see(got);
      res.end();
    });
    setImmediate(() => req.resume());
  },
  'pause after each piece': (req, res, see) => {
    let got = '';
    req.on('data', (piece: Buffer) => {
      got += piece.toString();
      req.pause();
      setImmediate(() => req.resume());
    });
    req.on('end', () => {
      see(got);
      res.end();
    });
  },
  'data listener added later': (req, res, see) => {
    setImmediate(() =>
      setImmediate(() => {
        let got = '';
        req.on('data', (piece: Buffer) => (got += piece.toString()));
        req.on('end', () => {
          see(got);
          res.end();
        });
      }),
    );
  },
  'resume, then answer': (req, res) => {
    req.resume();
    res.end('ok');
  },
  unpipe: (req, res, see) => {
    const target = new PassThrough();
    req.pipe(target);
    req.unpipe(target);
    req.unpipe();
    req.resume();
    req.on('end', () => {
      see(String(target.readableLength));
      res.end();
    });
  },
  'dump by end, listeners of end only': (req, res, see) => {
    req.on('end', () => see('end'));
    req.on('close', () => see('close'));
    res.end('ok');
  },
  unshift: (req, res, see) => {
    let got = '';
    req.once('readable', () => {
      const piece = req.read() as Buffer | null;
      if (piece !== null) req.unshift(piece);
      req.on('data', (more: Buffer) => (got += more.toString()));
      req.on('end', () => {
        see(got);
        res.end();
      });
    });
  },
  'destroy without an error': (req, _res, see) => {
    req.on('close', () => see('close'));
    req.on('error', (error) => see(describeError(error)));
    attempt(see, 'destroy', () => req.destroy() === req);
  },
  'destroy with an error': (req, _res, see) => {
    req.on('close', () => see('close'));
    req.on('error', (error) => see(describeError(error)));
    req.destroy(new Error('mine'));
  },
  'destroy after the answer': (req, res, see) => {
    req.on('close', () => see('close'));
    req.on('error', (error) => see(describeError(error)));
    res.end('ok', () => req.destroy());
  },
  'web stream': (req, res, see) => {
    void (async () => {
      const { Readable } = await import('node:stream');
      let got = '';
      for await (const piece of Readable.toWeb(req)) got += Buffer.from(piece as Uint8Array).toString();
      see(got);
      res.end('ok');
    })();
  },
  'map and toArray': (req, res, see) => {
    void req
      .map((piece: Buffer) => piece.length)
      .toArray()
      .then((sizes) => {
        see(String((sizes as number[]).reduce((sum, size) => sum + size, 0)));
        res.end('ok');
      });
  },
};

const clients: Record<string, (body: string) => (string | { drip: string })[]> = {
  length: (body) => [post(body)],
  chunks: (body) => [chunked([body.slice(0, 2), body.slice(2)])],
  'in two pieces': (body) => [head('POST /', 'Connection: close', `Content-Length: ${body.length}`) + body.slice(0, 2), body.slice(2)],
  'no body': () => [post('')],
};

export const reading: Table = {
  subject: 'reading a body',
  scenarios: Object.entries(clients).flatMap(([how, client]) =>
    Object.entries(readers).map(([name, app]): Scenario => ({
      name: `${name}, ${how}`,
      app,
      client: client('hello world'),
      anyChunks: true,
    })),
  ),
};
