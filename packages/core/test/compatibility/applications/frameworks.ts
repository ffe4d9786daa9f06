/** Express, Koa, Fastify and hapi: each has the same routes, written its own way, and some of its own. */
import { get, getMore, head, post, type Step } from '../scenario';
import type { Application, ApplicationScenario } from './application';
import { shutdown } from './shutdown';

const closing = 'Connection: close';
const ask = (name: string, ...fields: string[]): ApplicationScenario => ({ name, client: [get(name.replace(/ .*$/, ''), ...fields)] });
const send = (name: string, bytes: string | Step[], more: Partial<ApplicationScenario> = {}): ApplicationScenario => ({
  name,
  client: typeof bytes === 'string' ? [bytes] : bytes,
  ...more,
});
const form = (type: string, body: string, target: string, ...fields: string[]): string =>
  head(`POST ${target}`, closing, `Content-Type: ${type}`, `Content-Length: ${Buffer.byteLength(body)}`, ...fields) +
  Buffer.from(body).toString('latin1');
const json = (body: string, ...fields: string[]): string => form('application/json', body, '/json', ...fields);
const chunks = (type: string, target: string, ...pieces: string[]): string =>
  head(`POST ${target}`, closing, `Content-Type: ${type}`, 'Transfer-Encoding: chunked') +
  pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`).join('') +
  '0\r\n\r\n';

const boundary = 'multipart/form-data; boundary=edge';
const parts = [
  '--edge\r\nContent-Disposition: form-data; name="field"\r\n\r\nvalue\r\n',
  '--edge\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\nof a file\r\n',
  '--edge--\r\n',
];

const answers: ApplicationScenario[] = [
  ...['/text', '/json', '/buffer', '/empty', '/fields', '/redirect', '/moved', '/error', '/error-later', '/nowhere'].map((at) => ask(at)),
  ...['/status/200', '/status/204', '/status/304', '/status/404', '/status/503', '/facts?a=1&a=2', '/large'].map((at) => ask(at)),
  ask('/params/1?x=1&y=%C3%A4&z'),
  ask('/facts behind a proxy', 'X-Forwarded-For: 10.0.0.1', 'X-Forwarded-Proto: https', 'X-Forwarded-Host: other'),
  ask('/fields asked for', 'X-Asked: yes'),
  ask('/cookies', 'Cookie: asked=1; other=2'),
  send('/stream', [get('/stream')], { anyChunks: true }),
  send('/file-stream', [get('/file-stream')], { anyChunks: true }),
  send('/stream-fails', [get('/stream-fails')], { anyEnd: true }),
  ...['/text', '/json', '/large', '/empty', '/nowhere', '/error', '/redirect'].map((at) => send(`HEAD ${at}`, head(`HEAD ${at}`, closing))),
  send('HEAD /stream', head('HEAD /stream', closing)),
  send('HEAD /file-stream', head('HEAD /file-stream', closing)),
  send('OPTIONS /text', head('OPTIONS /text', closing)),
  send('DELETE /text', head('DELETE /text', closing)),
  send('PUT /text', head('PUT /text', closing, 'Content-Length: 1') + 'x'),
  send('HTTP/1.0', 'GET /text HTTP/1.0\r\nHost: a\r\n\r\n'),
  send('HTTP/1.0 with a stream', 'GET /stream HTTP/1.0\r\nHost: a\r\n\r\n'),
  send('byte by byte', [{ drip: get('/text', 'Accept: */*') }]),
  send('one after the other', [getMore('/text'), { await: 'text' }, getMore('/json'), { await: 'world' }, get('/nowhere')]),
  send('HEAD before GET', [head('HEAD /text'), { await: 1 }, get('/json')]),
  send('/events', [get('/events')], { until: ['req close', 'res close'] }),
];

const bodies: ApplicationScenario[] = [
  send('JSON', json('{"a":[1,"ä"]}')),
  send('JSON of a client that wants an answer', json('[]', 'Accept: application/json', 'User-Agent: a')),
  send('malformed JSON', json('{"a":')),
  send('empty JSON', json('')),
  send('JSON in chunks', chunks('application/json', '/json', '{"a"', ':1}')),
  send('JSON in pieces', [json('{"a":1}').slice(0, -4), json('{"a":1}').slice(-4)]),
  send('JSON that is too long', json(JSON.stringify('x'.repeat(2000))), { anyEnd: true }),
  send('JSON that is too long, in chunks', chunks('application/json', '/json', '"', 'x'.repeat(2000), '"'), { anyEnd: true }),
  send('another type than JSON', form('application/xml', '<a/>', '/json')),
  send('no type', post('{}').replace('POST / ', 'POST /json ')),
  send('JSON, compressed', json('not gzip', 'Content-Encoding: gzip'), { anyEnd: true }),
  send('urlencoded', form('application/x-www-form-urlencoded', 'a=1&b=x+y%C3%A4', '/urlencoded')),
  send('text', form('text/plain', 'täxt', '/text')),
  send('multipart', form(boundary, parts.join(''), '/multipart')),
  send('multipart in chunks', chunks(boundary, '/multipart', ...parts)),
  send('piped through', form('application/octet-stream', 'through', '/pipe'), { anyChunks: true }),
  send('piped through, in chunks', chunks('application/octet-stream', '/pipe', 'thr', 'ough'), { anyChunks: true }),
  send('piped through, large', form('application/octet-stream', 'x'.repeat(300_000), '/pipe'), { anyChunks: true }),
  send('unread', [form('text/plain', 'nobody reads', '/unread')]),
  send('unread, then another request', [
    form('text/plain', 'nobody reads', '/unread').replace(`${closing}\r\n`, ''),
    { await: 'unread' },
    get('/text'),
  ]),
  send('refused before it came', [head('POST /refused', 'Content-Type: text/plain', 'Content-Length: 5'), { await: 'no' }, 'FIN'], {
    anyEnd: true,
  }),
  send('Expect: 100-continue', [
    head('POST /json', closing, 'Content-Type: application/json', 'Content-Length: 2', 'Expect: 100-continue'),
    { await: '100 Continue' },
    '{}',
  ]),
];

/** What differs by default only; the process of each application is one with `nodeDefaults` where the engine is embedded. */
const defaults: ApplicationScenario[] = [
  send('a field name with a space', 'GET /text HTTP/1.1\r\nHost: a\r\nBad Name: 1\r\n\r\n'),
  send('no request line', 'garbage\r\n\r\n'),
  send('a head that is too long', head('GET /text', `X-A: ${'x'.repeat(20_000)}`)),
  send('a length and chunks', head('POST /text', 'Content-Length: 1', 'Transfer-Encoding: chunked')),
  send('POST without a length', head('POST /text', closing, 'Content-Type: text/plain')),
  send('an empty Host', 'GET /text HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n'),
  send('a connection that stays', [getMore('/text'), { await: 'text' }, get('/text')]),
];

const begun = 'Content-Type: application/octet-stream\r\nContent-Length: 100\r\n\r\nhalf';
const waiting = (request: string, how: Step): Step[] => [request, { seen: 'waiting' }, how];
const ends = ['req close', 'res close'];

const aborts: ApplicationScenario[] = [
  send('a client resets before the answer', waiting(getMore('/wait'), 'RST'), { until: ends, unordered: true }),
  send('a client leaves before the answer', waiting(getMore('/wait'), 'LEAVE'), { until: ends, unordered: true }),
  send('a client resets in its body', waiting(`POST /wait HTTP/1.1\r\nHost: a\r\n${begun}`, 'RST'), { until: ends, unordered: true }),
  send('a client ends in its body', waiting(`POST /wait HTTP/1.1\r\nHost: a\r\n${begun}`, 'FIN'), { until: ends, unordered: true }),
  {
    name: 'a client leaves an endless answer',
    dialogue: async ({ connect, see, seen }) => {
      const socket = await connect();
      socket.write(getMore('/endless'));
      await new Promise((resolve) => socket.once('data', resolve));
      socket.resetAndDestroy();
      await seen('res close');
      await seen('req close');
      see('left');
    },
    unordered: true,
  },
  send('a client that ended its side, and an answer 50 ms later', [getMore('/later/50'), 'FIN'], {
    until: ends,
    unordered: true,
    anyEnd: true,
  }),
  send('a client that ended its side, and an answer 1,500 ms later', [getMore('/later/1500'), 'FIN'], {
    until: ends,
    unordered: true,
    anyEnd: true,
  }),
];

const common = [...answers, ...bodies, ...defaults, ...aborts, ...shutdown('/later/300', '/text')];

const express: ApplicationScenario[] = [
  ask('/params/a%20b%2Fc'),
  ask('/admin/where?q'),
  ask('/negotiate', 'Accept: application/json'),
  ask('/negotiate without a choice', 'Accept: image/png'),
  ask('/text as it was', 'If-None-Match: W/"4-RPPnKzcFxkuZZ7WFhVG8+5T4S4U"'),
  ask('/error-in-body'),
  ask('/early-hints'),
  ask('/file'),
  ask('/no-file'),
  ask('/download'),
  ask('/file of which a part', 'Range: bytes=10-19'),
  ...['page.html', 'digits.txt', 'empty.txt', 'nowhere.txt', '', '../express.cjs'].map((file) => ask(`/static/${file}`)),
  ask('/static as a folder'),
  ...['bytes=0-9', 'bytes=-5', 'bytes=990-', 'bytes=0-1,5-6', 'bytes=2000-', 'bytes=9-1', 'lines=1-2', 'bytes=0-0,-1'].map((range) =>
    send(`/static with Range: ${range}`, [get('/static/digits.txt', `Range: ${range}`)]),
  ),
  send('/static with If-Range of another', [get('/static/digits.txt', 'Range: bytes=0-1', 'If-Range: "other"')]),
  send('/static with If-None-Match: *', [get('/static/digits.txt', 'If-None-Match: *')]),
  send('/static with If-Match of another', [get('/static/digits.txt', 'If-Match: "other"')]),
  send('HEAD /static', [head('HEAD /static/digits.txt', closing)]),
  send('HEAD /static with Range', [head('HEAD /static/digits.txt', closing, 'Range: bytes=0-9')]),
  send('POST /static', [form('text/plain', 'x', '/static/digits.txt')]),
];
const koa = ['/web-stream', '/blob', '/response', '/own-answer', '/etag', '/no-file'].map((at) => ask(at));
const fastify = ['/web-stream', '/response', '/hijacked', '/hijacked-socket', '/early-hints', '/text/', '//text', '/Text'].map((at) =>
  ask(at),
);
const hapi = ['/etag', '/cached', '/abandoned', '/closed'].map((at) => ask(at));

export const frameworks: Application[] = [
  { name: 'Express 5', uses: 'express', program: 'express.cjs', scenarios: [...common, ...express] },
  {
    name: 'Koa 3',
    uses: 'koa',
    program: 'koa.cjs',
    scenarios: [
      ...common,
      ...koa,
      ask('/etag as it was', 'If-None-Match: "same"'),
      send('/flushed', [get('/flushed')], { anyChunks: true }),
    ],
  },
  {
    name: 'Fastify 5',
    uses: 'fastify',
    program: 'fastify.cjs',
    scenarios: [
      ...common,
      ...fastify,
      ask('/trailers', 'TE: trailers'),
      send('a body that its schema takes', [form('application/json', '{"a":"1"}', '/schema')]),
      send('a body that its schema refuses', [form('application/json', '{"a":"x"}', '/schema')]),
    ],
  },
  {
    name: 'hapi 21',
    uses: '@hapi/hapi',
    program: 'hapi.cjs',
    scenarios: [
      ...common,
      ...hapi,
      ask('/etag as it was', 'If-None-Match: "same"'),
      ask('/ranges', 'Range: bytes=2-4'),
      ask('/ranges beyond the end', 'Range: bytes=20-'),
      ask('/text, compressed', 'Accept-Encoding: gzip'),
      ask('/large, compressed', 'Accept-Encoding: gzip'),
    ],
  },
];
