/**
 * Forms of answering, each to GET, HEAD and HTTP/1.0, on connections that stay and that end: status line, fields, framing.
 */
import { attempt, get, getMore, head, type App, type Scenario, type Step, type Table } from '../scenario';

const programs: Record<string, App> = {
  'end with nothing': (_req, res) => void res.end(),
  'end with text': (_req, res) => void res.end('hello'),
  'end with an empty text': (_req, res) => void res.end(''),
  'end with bytes': (_req, res) => void res.end(Buffer.from([0, 1, 2, 255])),
  'end in latin1': (_req, res) => void res.end('\xe4\xf6', 'latin1'),
  'end in UTF-8 beyond ASCII': (_req, res) => void res.end('äöü€𝄞'),
  'end in hex': (_req, res) => void res.end('00ff41', 'hex'),
  'write, end': (_req, res) => {
    res.write('one');
    res.end();
  },
  'write, end with text': (_req, res) => {
    res.write('one');
    res.end('two');
  },
  'write three times, end': (_req, res) => {
    res.write('a');
    res.write(Buffer.from('b'));
    res.write('63', 'hex');
    res.end();
  },
  'write later, end later': (_req, res) => {
    res.write('a');
    setImmediate(() => {
      res.write('b');
      setImmediate(() => res.end('c'));
    });
  },
  'end later': (_req, res) => void setImmediate(() => res.end('later')),
  'flushHeaders, end with text': (_req, res) => {
    res.flushHeaders();
    res.end('x');
  },
  'flushHeaders, then nothing': (_req, res) => {
    res.flushHeaders();
    res.end();
  },
  'Content-Length set, end with text': (_req, res) => {
    res.setHeader('Content-Length', 5);
    res.end('hello');
  },
  'Content-Length set, two writes': (_req, res) => {
    res.setHeader('Content-Length', '6');
    res.write('one');
    res.end('two');
  },
  'Content-Length in writeHead': (_req, res) => {
    res.writeHead(200, { 'Content-Length': 2, 'Content-Type': 'text/plain' });
    res.end('ok');
  },
  'Content-Length 0': (_req, res) => {
    res.setHeader('Content-Length', 0);
    res.end();
  },
  'status 201': (_req, res) => {
    res.statusCode = 201;
    res.end('made');
  },
  'status 204': (_req, res) => {
    res.statusCode = 204;
    res.end();
  },
  'status 204 with text': (_req, res) => {
    res.statusCode = 204;
    res.end('not to be sent');
  },
  'status 204 with Content-Length': (_req, res) => {
    res.writeHead(204, { 'Content-Length': 0 });
    res.end();
  },
  'status 205': (_req, res) => {
    res.writeHead(205);
    res.end();
  },
  'status 304': (_req, res) => {
    res.statusCode = 304;
    res.end();
  },
  'status 304 with fields and Content-Length': (_req, res) => {
    res.writeHead(304, { ETag: '"a"', 'Content-Length': 10 });
    res.end();
  },
  'status 304 with text': (_req, res) => {
    res.statusCode = 304;
    res.end('not to be sent');
  },
  'status 304 and Transfer-Encoding': (_req, res) => {
    res.statusCode = 304;
    res.setHeader('Transfer-Encoding', 'chunked');
    res.end();
  },
  'status 404 in writeHead': (_req, res) => void res.writeHead(404).end('no'),
  'status 500 with fields': (_req, res) => {
    res.writeHead(500, { 'X-A': 'b' });
    res.end('oh');
  },
  'a status without a name': (_req, res) => void res.writeHead(299).end('x'),
  'status 999': (_req, res) => void res.writeHead(999).end('x'),
  'statusMessage set': (_req, res) => {
    res.statusMessage = 'Fine with me';
    res.end('x');
  },
  'statusMessage empty': (_req, res) => {
    res.statusMessage = '';
    res.end('x');
  },
  'statusMessage beyond ASCII': (_req, res) => {
    res.statusMessage = 'gr\xfcn';
    res.end('x');
  },
  'reason in writeHead': (_req, res) => void res.writeHead(200, 'Very OK').end('x'),
  'reason and fields in writeHead': (_req, res) => void res.writeHead(202, 'Later', { 'X-A': '1' }).end('x'),
  'writeHead with an object': (_req, res) =>
    void res.writeHead(200, { 'X-A': 1, 'x-b': ['2', '3'], 'Set-Cookie': ['a=1', 'b=2'] }).end('x'),
  'writeHead with a flat array': (_req, res) => void res.writeHead(200, ['X-A', '1', 'x-b', '2', 'X-A', '3']).end('x'),
  'writeHead with pairs': (_req, res) =>
    void res
      .writeHead(200, [
        ['X-A', '1'],
        ['X-B', '2'],
      ] as never)
      .end('x'),
  'setHeader and writeHead together': (_req, res) => {
    res.setHeader('X-A', 'set');
    res.setHeader('X-B', 'set');
    res.writeHead(200, { 'x-b': 'head', 'X-C': 'head' }).end('x');
  },
  'setHeader and a flat array in writeHead': (_req, res) => {
    res.setHeader('X-A', 'set');
    res.setHeader('X-B', 'set');
    res.writeHead(200, ['x-b', 'one', 'X-C', 'head', 'x-b', 'two']).end('x');
  },
  'Connection: close set': (_req, res) => {
    res.setHeader('Connection', 'close');
    res.end('x');
  },
  'Connection: keep-alive set': (_req, res) => {
    res.setHeader('Connection', 'keep-alive');
    res.end('x');
  },
  'Connection: close in writeHead, in pieces': (_req, res) => {
    res.writeHead(200, { Connection: 'close' });
    res.write('a');
    res.end('b');
  },
  'Connection: Upgrade set': (_req, res) => {
    res.setHeader('Connection', 'Upgrade');
    res.setHeader('Upgrade', 'h2c');
    res.end('x');
  },
  'Keep-Alive set': (_req, res) => {
    res.setHeader('Keep-Alive', 'timeout=77');
    res.end('x');
  },
  'shouldKeepAlive false': (_req, res) => {
    res.shouldKeepAlive = false;
    res.end('x');
  },
  'Transfer-Encoding: chunked set': (_req, res) => {
    res.setHeader('Transfer-Encoding', 'chunked');
    res.end('x');
  },
  'Content-Length removed': (_req, res) => {
    res.removeHeader('Content-Length');
    res.end('x');
  },
  'Date set': (_req, res) => {
    res.setHeader('Date', 'Thu, 01 Jan 1970 00:00:00 GMT');
    res.end('x');
  },
  'Date removed': (_req, res) => {
    res.removeHeader('Date');
    res.end('x');
  },
  'sendDate false': (_req, res) => {
    res.sendDate = false;
    res.end('x');
  },
  'trailers announced and added': (_req, res) => {
    res.setHeader('Trailer', 'X-Sum');
    res.write('a');
    res.addTrailers({ 'X-Sum': '1' });
    res.end();
  },
  'trailers added, not announced': (_req, res) => {
    res.write('a');
    res.addTrailers([
      ['X-Sum', '1'],
      ['X-More', '2'],
    ] as never);
    res.end('b');
  },
  'trailers added, text in end': (_req, res) => {
    res.addTrailers({ 'X-Sum': '1' });
    res.end('b');
  },
  'writeProcessing first': (_req, res) => {
    res.writeProcessing();
    res.end('x');
  },
  'writeContinue first': (_req, res) => {
    res.writeContinue();
    res.end('x');
  },
  'early hints first': (_req, res) => {
    res.writeEarlyHints({ link: '</a.css>; rel=preload; as=style' });
    res.end('x');
  },
  'corked writes': (_req, res) => {
    res.cork();
    res.write('a');
    res.write('b');
    res.uncork();
    res.end('c');
  },
  'corked until end': (_req, res) => {
    res.cork();
    res.write('a');
    res.write('b');
    res.end('c');
  },
  'an empty write first': (_req, res, see) => {
    attempt(see, 'write', () => res.write(''));
    res.end('x');
  },
  'strict length that fits': (_req, res) => {
    res.strictContentLength = true;
    res.setHeader('Content-Length', 4);
    res.write('ab');
    res.end('cd');
  },
};

const requests: Record<string, string> = {
  GET: get(),
  'GET keep-alive': getMore(),
  HEAD: head('HEAD /', 'Connection: close'),
  'HEAD keep-alive': head('HEAD /'),
  'HTTP/1.0': 'GET / HTTP/1.0\r\n\r\n',
  'HTTP/1.0 keep-alive': 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n',
};

/** Behind each, a last request shows that both sides agree where the answer ended. */
const last = head('GET /last', 'Connection: close');

/** Where the program's `Connection` keeps what the client wanted to end. */
const overruled = (name: string): Step[] => (/^Connection: (?:keep-alive|Upgrade) set$/.test(name) ? [{ seen: 'answered' }, 'LEAVE'] : []);

function scenario(request: string, name: string): Scenario {
  const app = programs[name]!;
  return {
    name: `${request}: ${name}`,
    anyEnd: request.includes('keep-alive'),
    app: (req, res, see) => {
      if (req.url === '/last') res.end('last');
      else app(req, res, see);
    },
    // The second one follows when the first answer is there, or the connection has ended.
    client: request.includes('keep-alive') ? [requests[request]!, { seen: 'answered' }, last] : [requests[request]!, ...overruled(name)],
    setup: (server, see) =>
      server.on('request', (req, res) => {
        if (req.url !== '/last') res.on('close', () => see('answered'));
      }),
  };
}

export const responseHeads: Table = {
  subject: 'response heads',
  scenarios: Object.keys(requests).flatMap((request) => Object.keys(programs).map((name) => scenario(request, name))),
};
