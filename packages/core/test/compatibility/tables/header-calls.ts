/** Calls on the fields of a response: what they return, what they throw, what goes out. */
import { attempt, type App, type Response, type See, type Table } from '../scenario';

const calls: Record<string, (res: Response, see: See) => void> = {
  'getters before anything': (res, see) => {
    attempt(see, 'getHeader', () => res.getHeader('x'));
    attempt(see, 'getHeaders', () => Object.entries(res.getHeaders()));
    attempt(see, 'getHeaderNames', () => res.getHeaderNames());
    attempt(see, 'getRawHeaderNames', () => (res as unknown as { getRawHeaderNames(): string[] }).getRawHeaderNames());
    attempt(see, 'hasHeader', () => res.hasHeader('x'));
    attempt(see, 'headersSent', () => res.headersSent);
  },
  'setHeader returns the response': (res, see) => see(String(res.setHeader('X-A', '1') === res)),
  'names keep their spelling': (res, see) => {
    res.setHeader('X-OwN', '1');
    res.setHeader('content-type', 'text/plain');
    attempt(see, 'names', () => res.getHeaderNames());
    attempt(see, 'raw', () => (res as unknown as { getRawHeaderNames(): string[] }).getRawHeaderNames());
    attempt(see, 'any case', () => res.getHeader('x-OWN'));
    attempt(see, 'has', () => res.hasHeader('X-own'));
    attempt(see, 'all', () => Object.entries(res.getHeaders()));
  },
  'a second setHeader replaces': (res, see) => {
    res.setHeader('X-A', '1');
    res.setHeader('x-a', '2');
    attempt(see, 'get', () => res.getHeader('X-A'));
  },
  'values of all kinds': (res, see) => {
    res.setHeader('X-Number', 5);
    res.setHeader('X-Array', ['a', 'b']);
    res.setHeader('X-Empty', '');
    res.setHeader('X-None', []);
    res.setHeader('X-Bool', true as never);
    res.setHeader('X-Null', null as never);
    for (const name of res.getHeaderNames()) attempt(see, name, () => res.getHeader(name));
  },
  'values with spaces, tabs and high bytes': (res) => {
    res.setHeader('X-Spaces', '  a  b  ');
    res.setHeader('X-Tab', 'a\tb');
    res.setHeader('X-High', '\xe4\xff');
  },
  appendHeader: (res, see) => {
    res.appendHeader('X-A', '1');
    res.appendHeader('X-A', ['2', '3']);
    res.setHeader('X-B', '1');
    res.appendHeader('x-b', '2');
    see(String(res.appendHeader('X-C', 'c') === res));
    attempt(see, 'get', () => res.getHeader('x-a'));
  },
  'appendHeader behind an array': (res, see) => {
    res.setHeader('Set-Cookie', ['a=1']);
    res.appendHeader('set-cookie', 'b=2');
    attempt(see, 'get', () => res.getHeader('Set-Cookie'));
  },
  'setHeaders with a Map': (res, see) => {
    attempt(see, 'map', () => res.setHeaders(new Map([['X-A', '1']])));
    attempt(see, 'values', () => Object.entries(res.getHeaders()));
  },
  'setHeaders with Headers': (res, see) => {
    const headers = new Headers({ 'X-A': '1' });
    headers.append('set-cookie', 'a=1');
    headers.append('set-cookie', 'b=2');
    attempt(see, 'headers', () => res.setHeaders(headers));
    attempt(see, 'values', () => Object.entries(res.getHeaders()));
  },
  'setHeaders with something else': (res, see) => {
    for (const wrong of [{ a: 'b' }, ['a', 'b'], null, 5]) attempt(see, 'setHeaders', () => res.setHeaders(wrong as never));
  },
  removeHeader: (res, see) => {
    res.setHeader('X-A', '1');
    attempt(see, 'remove', () => res.removeHeader('x-a'));
    attempt(see, 'has', () => res.hasHeader('X-A'));
    attempt(see, 'remove what is not there', () => res.removeHeader('x-b'));
  },
  'names that are no tokens': (res, see) => {
    for (const name of ['', 'a b', 'a:b', 'a\n', 'ä', 'a(b)', 5, null, undefined]) {
      attempt(see, String(name), () => res.setHeader(name as string, '1'));
    }
  },
  'values that may not be': (res, see) => {
    for (const value of [undefined, 'a\nb', 'a\rb', 'a\0b', 'a\x7fb', 'ä€'])
      attempt(see, 'set', () => res.setHeader('X-A', value as string));
    attempt(see, 'array', () => res.setHeader('X-A', ['ok', 'a\nb']));
  },
  'wrong arguments of the getters': (res, see) => {
    for (const name of [undefined, null, 5, {}]) {
      attempt(see, 'get', () => res.getHeader(name as string));
      attempt(see, 'has', () => res.hasHeader(name as string));
      attempt(see, 'remove', () => res.removeHeader(name as string));
    }
    attempt(see, 'append', () => res.appendHeader('a b', '1'));
    attempt(see, 'append nothing', () => res.appendHeader('a', undefined as never));
  },
  'fields named like members of Object': (res, see) => {
    for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) attempt(see, name, () => res.setHeader(name, '1'));
    attempt(see, 'names', () => res.getHeaderNames());
  },
  'after writeHead': (res, see) => {
    res.writeHead(200, { 'X-A': '1' });
    attempt(see, 'sent', () => res.headersSent);
    attempt(see, 'get', () => res.getHeader('X-A'));
    attempt(see, 'set', () => res.setHeader('X-B', '1'));
    attempt(see, 'append', () => res.appendHeader('X-B', '1'));
    attempt(see, 'setHeaders', () => res.setHeaders(new Map([['X-B', '1']])));
    attempt(see, 'remove', () => res.removeHeader('X-A'));
    attempt(see, 'writeHead', () => res.writeHead(201));
    attempt(see, 'status', () => (res.statusCode = 500));
  },
  'after setHeader and writeHead': (res, see) => {
    res.setHeader('X-A', '1');
    res.writeHead(200, { 'X-B': '2' });
    attempt(see, 'get', () => Object.entries(res.getHeaders()));
    attempt(see, 'header', () => typeof (res as unknown as { _header: unknown })._header);
  },
  'after flushHeaders': (res, see) => {
    res.setHeader('X-A', '1');
    res.flushHeaders();
    attempt(see, 'sent', () => res.headersSent);
    attempt(see, 'set', () => res.setHeader('X-B', '1'));
    attempt(see, 'again', () => res.flushHeaders());
  },
  'writeHead: bad status codes': (res, see) => {
    for (const status of [99, 1000, 0, -1, 200.5, NaN, Infinity, '200', '2xx', null, undefined, {}]) {
      res.statusCode = 200;
      attempt(see, String(status), () => {
        // What is accepted would be the answer: only the check is of interest.
        if (status === '200' || status === 200.5) return 'left out';
        return res.writeHead(status as number);
      });
    }
  },
  'statusCode: bad values': (res, see) => {
    for (const status of [99, 1000, 'abc', null]) {
      res.statusCode = status as number;
      attempt(see, String(status), () => res.writeHead(res.statusCode));
    }
    res.statusCode = 200;
  },
  'statusMessage with a line end': (res, see) => {
    attempt(see, 'writeHead', () => res.writeHead(200, 'a\r\nb'));
    res.statusMessage = 'c\nd';
    attempt(see, 'set', () => res.writeHead(200));
    res.statusMessage = 'OK';
  },
  'writeHead: bad fields': (res, see) => {
    attempt(see, 'name', () => res.writeHead(200, { 'a b': '1' }));
    attempt(see, 'value', () => res.writeHead(200, { a: 'x\ny' }));
    attempt(see, 'undefined', () => res.writeHead(200, { a: undefined }));
    attempt(see, 'odd', () => res.writeHead(200, ['a', 'b', 'c']));
    attempt(see, 'header', () => res.headersSent);
  },
  'writeHead: bad fields beside set ones': (res, see) => {
    res.setHeader('X-A', '1');
    attempt(see, 'name', () => res.writeHead(200, { 'a b': '1' }));
    attempt(see, 'value', () => res.writeHead(200, { a: 'x\ny' }));
    attempt(see, 'odd', () => res.writeHead(200, ['a', 'b', 'c']));
  },
  'writeHead returns the response': (res, see) => see(String(res.writeHead(200) === res)),
  'writeHead: status given twice, fields null': (res, see) => attempt(see, 'writeHead', () => res.writeHead(200, null as never) === res),
  'writeHead: reason undefined': (res, see) =>
    attempt(see, 'writeHead', () => res.writeHead(200, undefined as never, { 'X-A': '1' }) === res),
  'Content-Length that is none': (res, see) => {
    attempt(see, 'text', () => res.setHeader('Content-Length', '2'));
  },
  'Trailer with Content-Length': (res, see) => {
    res.setHeader('Trailer', 'X-Sum');
    res.setHeader('Content-Length', 2);
    attempt(see, 'writeHead', () => res.writeHead(200));
    res.removeHeader('Trailer');
  },
  'addTrailers: bad ones': (res, see) => {
    attempt(see, 'name', () => res.addTrailers({ 'a b': '1' }));
    attempt(see, 'value', () => res.addTrailers({ a: 'x\ny' }));
  },
  'early hints: bad ones': (res, see) => {
    for (const hints of [undefined, null, 5, {}, { link: 5 }, { link: 'bad' }, { link: ['</a>; rel=x', 'bad'] }]) {
      attempt(see, JSON.stringify(hints) ?? 'undefined', () => res.writeEarlyHints(hints as never));
    }
  },
  'cookies of all shapes': (res) => {
    res.setHeader('Set-Cookie', ['a=1; Path=/', 'b=2']);
    res.setHeader('Cookie', ['c=1', 'd=2']);
  },
  'many fields': (res) => {
    for (let n = 0; n < 150; n++) res.setHeader(`X-Field-${n}`, `value ${n}`);
  },
  'a long field': (res) => void res.setHeader('X-Long', 'x'.repeat(20_000)),
  'old names of the private parts': (res, see) => {
    for (const name of ['_headers', '_headerNames']) {
      attempt(see, name, () => typeof (res as unknown as Record<string, unknown>)[name]);
    }
  },
};

const app =
  (call: (res: Response, see: See) => void): App =>
  (_req, res, see) => {
    call(res, see);
    res.end('ok');
  };

export const headerCalls: Table = {
  subject: 'fields of a response',
  scenarios: Object.entries(calls).map(([name, call]) => ({ name, app: app(call) })),
};
