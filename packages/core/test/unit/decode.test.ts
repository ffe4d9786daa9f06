import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Channel } from '../../src/carriers/carrier';
import { ChannelLink, type LinkedConnection, type LinkedRequest } from '../../src/queue/channel-link';
import { decodeBatch, ProtocolError, type FrameSink } from '../../src/queue/decode';
import * as frames from '../../src/queue/frames';

type Link = ChannelLink<LinkedRequest, LinkedConnection>;

function makeLink(): Link {
  const channel = { id: 1, minor: 0, pending: 0, send() {}, destroy() {}, ref() {}, unref() {} } as Channel;
  return new ChannelLink<LinkedRequest, LinkedConnection>(channel, 1000, 256);
}

/** Records what is called, and keeps requests and connections as the http layer would. */
function makeSink(calls: unknown[][]): FrameSink<LinkedRequest, LinkedConnection> {
  return {
    onConnection(link, id, flags, address) {
      link.addConnection({ connectionId: id });
      calls.push(['connection', id, flags, address]);
    },
    onRequest(link, id, flags, code, connectionId, urlContext, text, methodBytes, targetBytes, headerCount, body) {
      link.addRequest({ requestId: id });
      calls.push(['request', id, flags, code, connectionId, urlContext, text, methodBytes, targetBytes, headerCount, body?.toString()]);
    },
    onBody: (request, piece, last) => calls.push(['body', request.requestId, piece.toString(), last]),
    onBodyEnd: (request, text, count) => calls.push(['end', request.requestId, text, count]),
    onAborted: (_link, request, reason) => calls.push(['aborted', request.requestId, reason]),
    onDrained: (request, bytes) => calls.push(['drained', request.requestId, bytes]),
    onOpaque: (request, piece, last) => calls.push(['opaque', request.requestId, piece.toString(), last]),
    onConnectionClosed: (_link, connection) => calls.push(['closed', connection.connectionId]),
    onClientError: (_link, connection, reason, understood, packet) =>
      calls.push(['client error', connection.connectionId, reason, understood, packet.toString()]),
    onDropped: (address) => calls.push(['dropped', address]),
    onFragmentUsed: (_link, request, missing) => calls.push(['fragment used', request.requestId, missing]),
  };
}

function frame(type: number, flags: number, aux: number, id: number, body: Uint8Array = new Uint8Array(0)): Buffer {
  const bytes = Buffer.alloc(12 + body.length);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes[4] = type;
  bytes[5] = flags;
  bytes.writeUInt16LE(aux, 6);
  bytes.writeUInt32LE(id, 8);
  bytes.set(body, 12);
  return bytes;
}

function requestBody(method: string, target: string, entries: string, headerCount: number, body: string): Buffer {
  const fixed = Buffer.alloc(20);
  fixed.writeUInt32LE(5, 0);
  fixed.writeUInt32LE(2, 4);
  fixed.writeUInt32LE(target.length, 8);
  fixed.writeUInt32LE(entries.length, 12);
  fixed.writeUInt16LE(headerCount, 16);
  fixed.writeUInt16LE(method.length, 18);
  return Buffer.concat([fixed, Buffer.from(method + target + entries + body, 'latin1')]);
}

function decode(batch: Buffer, calls: unknown[][] = [], link = makeLink()): unknown[][] {
  decodeBatch(link, makeSink(calls), batch, 0, batch.length);
  return calls;
}

test('a batch is read frame by frame', () => {
  const credit = Buffer.alloc(4);
  credit.writeUInt32LE(4096);
  const calls = decode(
    Buffer.concat([
      frame(frames.Request, frames.RequestEnd, 1, 9, requestBody('', '/a', '', 0, 'inline')),
      frame(frames.Body, frames.BodyIsLast, 0, 9, Buffer.from('piece')),
      frame(frames.Credit, 0, 0, 9, credit),
      frame(0x7e, 0, 0, 9, Buffer.from('a type of a later minor version')),
      frame(frames.BodyEnd, 0, 2, 9, Buffer.from('entries')),
      frame(frames.Aborted, 0, frames.AbortClientReset, 9),
    ]),
  );
  assert.deepEqual(calls, [
    ['request', 9, frames.RequestEnd, 1, 5, 2, '/a', 0, 2, 0, 'inline'],
    ['body', 9, 'piece', true],
    ['drained', 9, 4096],
    ['end', 9, 'entries', 2],
    ['aborted', 9, frames.AbortClientReset],
  ]);
});

test('flags in the aux field of REQUEST come above those of its header', () => {
  const calls = decode(frame(frames.Request, frames.RequestEnd, 3 | frames.RequestWideWindow, 9, requestBody('', '/a', '', 0, '')));
  assert.deepEqual(calls, [['request', 9, frames.RequestEnd | frames.RequestWideWindow, 3, 5, 2, '/a', 0, 2, 0, undefined]]);
});

test('frames of a finished request are skipped', () => {
  const link = makeLink();
  link.addRequest({ requestId: 3 | (1 << 20) });
  const calls = decode(frame(frames.Body, 0, 0, 3 | (2 << 20), Buffer.from('late')), [], link);
  assert.deepEqual(calls, []);
});

for (const [what, bytes] of [
  ['a header that is cut off', Buffer.alloc(5)],
  ['a length below the header', frame(frames.Body, 0, 0, 1).fill(3, 0, 1)],
  ['a length beyond the batch', frame(frames.Body, 0, 0, 1).fill(200, 0, 1)],
  ['a REQUEST without its fixed part', frame(frames.Request, 0, 1, 1, Buffer.alloc(8))],
  ['a REQUEST whose target runs past its end', frame(frames.Request, 0, 1, 1, requestBody('', '/abc', '', 0, '').subarray(0, 22))],
  ['a CONNECTION whose address runs past its end', frame(frames.Connection, 0, 0, 1, Uint8Array.of(0, 0, 0, 0, 50, 0, 4, 0))],
] as const) {
  test(`malformed: ${what} ends the channel with ERR_HTTPSYS_PROTOCOL`, () => {
    assert.throws(
      () => decode(bytes),
      (error: unknown) => error instanceof ProtocolError && error.code === 'ERR_HTTPSYS_PROTOCOL',
    );
  });
}

test('a CREDIT without its number is malformed', () => {
  const link = makeLink();
  link.addRequest({ requestId: 1 });
  assert.throws(() => decode(frame(frames.Credit, 0, 0, 1), [], link), ProtocolError);
});

test('fuzz: any bytes are either read to their end or refused as malformed', () => {
  const type = fc.constantFrom(1, 2, 3, 4, 5, 6, 7, 8, 9, 0x0a, 0x0b, 0x0c, 0x0d, 0x10, 0x11, 0x55);
  const wellFormed = fc
    .tuple(type, fc.nat(255), fc.nat(65535), fc.nat(3), fc.uint8Array({ maxLength: 60 }))
    .map(([kind, flags, aux, id, body]) => frame(kind, flags, aux, id, body));
  const garbage = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(fc.array(fc.oneof({ weight: 5, arbitrary: wellFormed }, { weight: 1, arbitrary: garbage }), { maxLength: 8 }), (parts) => {
      try {
        decode(Buffer.concat(parts));
      } catch (error) {
        assert.ok(error instanceof ProtocolError, String(error));
      }
    }),
    { numRuns: 5000, seed: 20261123 },
  );
});

test('CLIENT_ERROR and DROPPED', () => {
  const link = makeLink();
  link.addConnection({ connectionId: 9 });
  const packet = Buffer.concat([Buffer.from([3, 0, 0, 0]), Buffer.from('BAD\r\n')]);
  assert.deepEqual(decode(frame(frames.ClientError, 0, frames.ClientErrorMethod, 9, packet), [], link), [
    ['client error', 9, 1, 3, 'BAD\r\n'],
  ]);
  // A connection that the program has destroyed already.
  assert.deepEqual(decode(frame(frames.ClientError, 0, 1, 8, packet), [], link), []);
  assert.throws(() => decode(frame(frames.ClientError, 0, 1, 9, Buffer.alloc(3)), [], link), { code: 'ERR_HTTPSYS_PROTOCOL' });
  const address = Buffer.concat([Buffer.from([0xd2, 0x04, 80, 0, 3, 3, 4, 0]), Buffer.from('1.22.3')]);
  assert.deepEqual(decode(frame(frames.Dropped, 0, 0, 0, address)), [
    ['dropped', { remotePort: 1234, localPort: 80, remoteAddress: '1.2', localAddress: '2.3', family: 'IPv4' }],
  ]);
  assert.throws(() => decode(frame(frames.Dropped, 0, 0, 0, address.subarray(0, 7))), { code: 'ERR_HTTPSYS_PROTOCOL' });
});

test('FRAGMENT_USED and FRAGMENT_ADDED', () => {
  const link = makeLink();
  link.addRequest({ requestId: 7 });
  assert.deepEqual(decode(frame(frames.FragmentUsed, 0, 0, 7), [], link), [['fragment used', 7, false]]);
  assert.deepEqual(decode(frame(frames.FragmentUsed, 0, frames.FragmentMissing, 7), [], link), [['fragment used', 7, true]]);
  assert.deepEqual(decode(frame(frames.FragmentUsed, 0, 0, 8), [], link), [], 'a finished request');

  const told: unknown[] = [];
  link.addFragment('http://a:80/x', new Uint8Array(8), 'bytes', (...all) => told.push(all));
  decode(frame(frames.FragmentAdded, 0, frames.FragmentTooLarge, 99), [], link);
  assert.deepEqual(told, [], 'a token of nobody');
  decode(frame(frames.FragmentAdded, 0, 3, 1, Uint8Array.of(5, 0, 0, 0)), [], link);
  decode(frame(frames.FragmentAdded, 0, frames.FragmentStored, 1), [], link);
  assert.deepEqual(told, [[null, 3, 5]], 'told once');
});
