import assert from 'node:assert/strict';
import * as http from 'node:http';
import * as net from 'node:net';
import { test } from 'node:test';
import * as internals from '../../src/http/node-internals';

const own = (object: object): symbol[] => Object.getOwnPropertySymbols(object);

test('the private slots of IncomingMessage are where they are looked for', () => {
  const message = new http.IncomingMessage(new net.Socket());
  assert.ok(own(message).includes(internals.kHeaders));
  assert.ok(own(message).includes(internals.kHeadersCount));
  message.rawHeaders = ['A', 'b'];
  (message as unknown as Record<symbol, number>)[internals.kHeadersCount] = 2;
  assert.deepEqual({ ...message.headers }, { a: 'b' }, "Node's own getter reads what we fill in");
});

test('the private slots of OutgoingMessage are where they are looked for', () => {
  const response = new http.ServerResponse(new http.IncomingMessage(new net.Socket()));
  for (const slot of [internals.kOutHeaders, internals.kNeedDrain]) assert.ok(own(response).includes(slot), String(slot));
  response.setHeader('A-b', 'c');
  const stored = (response as unknown as Record<symbol, Record<string, unknown>>)[internals.kOutHeaders];
  assert.deepEqual(stored?.['a-b'], ['A-b', 'c']);
});

test('the timer slot of net.Socket is where it is looked for', () => {
  const socket = new net.Socket();
  socket.setTimeout(60_000);
  const timer = (socket as unknown as Record<symbol, unknown>)[internals.kTimeout];
  assert.equal(typeof timer, 'object');
  assert.notEqual(timer, null);
  socket.setTimeout(0);
});

test('the methods that the short cuts stand for are recognised', () => {
  assert.equal(internals.nativeWriteHead, http.ServerResponse.prototype.writeHead);
  assert.equal(internals.nativeEnd, http.ServerResponse.prototype.end);
  assert.equal(internals.nativeSetHeader, http.ServerResponse.prototype.setHeader);
});
