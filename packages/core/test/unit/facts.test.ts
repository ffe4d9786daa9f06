/** Optional blocks of CONNECTION and REQUEST_FACTS (docs/frames.md). */
import { describe, test } from 'node:test';
import * as assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { readRequestFacts, readTlsFacts } from '../../src/queue/facts';
import * as frames from '../../src/queue/frames';
import { ProtocolError } from '../../src/queue/protocol-error';

function block(tag: number, content: Uint8Array): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(tag, 0);
  head.writeUInt16LE(content.length, 2);
  return Buffer.concat([head, content]);
}

function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, n) => bytes.writeUInt32LE(value, n * 4));
  return bytes;
}

const user = (status: number, scheme: number, sid: string, name: string): Buffer => {
  const head = Buffer.from([status, scheme, 0, 0]);
  head.writeUInt16LE(sid.length, 2);
  return block(frames.BlockUser, Buffer.concat([head, Buffer.from(sid, 'latin1'), Buffer.from(name, 'utf8')]));
};

const requestFacts = (bytes: Buffer) => readRequestFacts(5, bytes, 0, bytes.length);
const tlsFacts = (bytes: Buffer) => readTlsFacts(bytes, 0, bytes.length);

describe('of a request', () => {
  test('version and user', () => {
    const bytes = Buffer.concat([block(frames.BlockVersion, Buffer.from([2, 0])), user(0, 4, 'S-1-5-21-7', 'SHOP\\Zoë')]);
    assert.deepEqual(requestFacts(bytes), {
      requestId: 5,
      versionMajor: 2,
      versionMinor: 0,
      user: { status: 'authenticated', scheme: 'Negotiate', sid: 'S-1-5-21-7', name: 'SHOP\\Zoë' },
    });
  });

  test('AUTH-2: a client that was not asked is anonymous', () => {
    assert.deepEqual(requestFacts(user(1, 0, '', '')).user, { status: 'anonymous', scheme: null, sid: '', name: '' });
  });

  test('a status that is in no table is no authentication', () => {
    assert.equal(requestFacts(user(9, 1, '', 'x')).user?.status, 'failed');
  });

  test('a SID that runs past its block is malformed', () => {
    const bytes = user(0, 1, 'S-1', '');
    bytes.writeUInt16LE(99, 6);
    assert.throws(() => requestFacts(bytes), ProtocolError);
  });
});

describe('of a connection', () => {
  test('handshake, server name and certificate', () => {
    const bytes = Buffer.concat([
      block(frames.BlockTls, words(0x400, 0x6610, 256, 0, 0, 0, 0)),
      block(frames.BlockServerName, Buffer.from('shop.example')),
      block(frames.BlockClientCertificate, Buffer.concat([words(0x800b0101), Buffer.from('der')])),
    ]);
    const facts = tlsFacts(bytes);
    bytes.fill(0);
    assert.deepEqual(facts, {
      protocol: [0x400, 0x6610, 256, 0, 0, 0, 0],
      serverName: 'shop.example',
      clientCertificate: { error: 0x800b0101, der: Buffer.from('der') },
    });
  });
});

test('unknown tags are skipped', () => {
  assert.deepEqual(tlsFacts(block(999, Buffer.alloc(10))), {});
  assert.deepEqual(requestFacts(block(999, Buffer.alloc(10))), { requestId: 5 });
});

test('a block that is cut off anywhere is malformed', () => {
  const bytes = block(frames.BlockServerName, Buffer.from('name'));
  for (let length = 1; length < bytes.length; length++) {
    assert.throws(() => tlsFacts(bytes.subarray(0, length)), ProtocolError, `${length} bytes`);
  }
});

test('whatever the bytes, reading them ends with facts or a protocol error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      for (const read of [requestFacts, tlsFacts]) {
        try {
          read(Buffer.from(bytes));
        } catch (error) {
          assert.ok(error instanceof ProtocolError);
        }
      }
    }),
  );
});
