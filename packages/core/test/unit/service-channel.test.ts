import assert from 'node:assert/strict';
import * as net from 'node:net';
import * as path from 'node:path';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { DataChannel, type ChannelHandlers } from '../../src/carriers/service-channel';
import type { Channel } from '../../src/carriers/carrier';
import * as frames from '../../src/queue/frames';
import { makeDir, until } from './service-support';

const key = Buffer.alloc(16, 7);

function frame(type: number, body: Buffer | string, aux = 0): Buffer {
  const bytes = Buffer.from(body);
  const out = Buffer.alloc(frames.HeaderBytes + bytes.length);
  out.writeUInt32LE(out.length, 0);
  out.writeUInt8(type, 4);
  out.writeUInt16LE(aux, 6);
  bytes.copy(out, frames.HeaderBytes);
  return out;
}

/** Records every frame as it was delivered, and how many calls it took. */
class Recorder implements ChannelHandlers {
  readonly received: Buffer[] = [];
  batches = 0;
  closed: Error[] = [];
  onBatch(_channel: Channel, batch: Uint8Array, offset: number, length: number): void {
    this.batches++;
    const data = Buffer.from(batch.buffer, batch.byteOffset + offset, length);
    let at = 0;
    while (at < length) {
      const frameLength = data.readUInt32LE(at);
      assert.ok(at + frameLength <= length, 'only whole frames are delivered');
      this.received.push(Buffer.from(data.subarray(at, at + frameLength)));
      at += frameLength;
    }
    assert.equal(at, length);
  }
  onClosed(_channel: DataChannel, error: Error): void {
    this.closed.push(error);
  }
}

describe('data channel', () => {
  const socketPath = path.join(makeDir(), 'io-0.sock');
  let onPeer: (socket: net.Socket) => void = () => undefined;
  const peers = new Set<net.Socket>();
  const server = net.createServer({ noDelay: true }, (socket) => {
    peers.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => peers.delete(socket));
    onPeer(socket);
  });
  before(() => new Promise<void>((resolve) => server.listen(socketPath, resolve)));
  after(() => {
    for (const peer of peers) peer.destroy();
    server.close();
  });

  /** An attached channel and the other end of it. */
  async function open(recorder: Recorder): Promise<{ channel: DataChannel; peer: net.Socket; first: Buffer }> {
    const connected = new Promise<net.Socket>((resolve) => (onPeer = resolve));
    const attaching = DataChannel.attach(socketPath, key, recorder);
    const peer = await connected;
    const first = await new Promise<Buffer>((resolve) => peer.once('data', resolve));
    peer.write(frame(frames.Attached, ''));
    return { channel: await attaching, peer, first };
  }

  test('the first frame is ATTACH with version, key and no credit', async () => {
    const { channel, first } = await open(new Recorder());
    assert.equal(first.readUInt32LE(0), first.length);
    assert.equal(first[4], frames.Attach);
    assert.equal(first.readUInt16LE(6), frames.ProtocolMajor | (frames.ProtocolMinor << 8));
    assert.deepEqual(first.subarray(12, 28), key);
    assert.equal(first.readUInt32LE(28), 0);
    channel.destroy(new Error('done'));
  });

  test('a refused key rejects with the text of the service', async () => {
    onPeer = (peer) => peer.once('data', () => peer.end(frame(frames.Attached, 'unknown key', 3)));
    await assert.rejects(DataChannel.attach(socketPath, key, new Recorder()), { code: 'ERR_HTTPSYS_SERVICE_LOST', message: /unknown key/ });
  });

  test('a socket that does not exist rejects with ENOENT', async () => {
    await assert.rejects(DataChannel.attach(`${socketPath}.none`, key, new Recorder()), { code: 'ENOENT' });
  });

  test('frames that follow ATTACHED in the same write are delivered', async () => {
    const recorder = new Recorder();
    onPeer = (peer) => peer.once('data', () => peer.write(Buffer.concat([frame(frames.Attached, ''), frame(frames.Body, 'abc')])));
    const channel = await DataChannel.attach(socketPath, key, recorder);
    await until('the frame', () => recorder.received.length === 1);
    assert.equal(recorder.received[0].toString('latin1', 12), 'abc');
    channel.destroy(new Error('done'));
  });

  test('frames arrive whole and in order however the stream is cut', async () => {
    const recorder = new Recorder();
    const { channel, peer } = await open(recorder);
    peer.setNoDelay();
    let sent = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat({ max: 300 }), { minLength: 1, maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 12 }),
        async (sizes, cuts) => {
          const originals = sizes.map((size, index) => frame(frames.Body, Buffer.alloc(size, index + 1), index));
          const stream = Buffer.concat(originals);
          const start = recorder.received.length;
          for (let at = 0, cut = 0; at < stream.length; cut++) {
            const piece = stream.subarray(at, at + cuts[cut % cuts.length]);
            await new Promise((resolve) => peer.write(piece, resolve));
            // Lets the other end read this piece on its own.
            await new Promise((resolve) => setImmediate(resolve));
            at += piece.length;
          }
          sent += originals.length;
          await until('all frames', () => recorder.received.length === sent);
          assert.deepEqual(recorder.received.slice(start), originals);
        },
      ),
      { numRuns: 40 },
    );
    channel.destroy(new Error('done'));
  });

  test('many frames of one read are one batch', async () => {
    const recorder = new Recorder();
    const { channel, peer } = await open(recorder);
    peer.write(Buffer.concat(Array.from({ length: 100 }, (_, index) => frame(frames.Body, `frame ${index}`))));
    await until('all frames', () => recorder.received.length === 100);
    assert.equal(recorder.batches, 1);
    channel.destroy(new Error('done'));
  });

  test('a frame larger than the read buffer is delivered whole, and small ones after it', async () => {
    const recorder = new Recorder();
    const { channel, peer } = await open(recorder);
    const large = frame(frames.Body, Buffer.alloc(3_000_000, 'x'));
    peer.write(Buffer.concat([frame(frames.Body, 'before'), large, frame(frames.Body, 'after')]));
    await until('three frames', () => recorder.received.length === 3);
    assert.ok(recorder.received[1].equals(large));
    assert.equal(recorder.received[2].toString('latin1', 12), 'after');
    channel.destroy(new Error('done'));
  });

  for (const length of [0, 11, frames.FrameBytesMax + 1, 0xffffffff]) {
    test(`a frame length of ${length} ends the channel with ERR_HTTPSYS_PROTOCOL`, async () => {
      const recorder = new Recorder();
      const { peer } = await open(recorder);
      const bad = Buffer.alloc(16);
      bad.writeUInt32LE(length, 0);
      peer.write(bad);
      await until('the end', () => recorder.closed.length === 1);
      assert.equal((recorder.closed[0] as NodeJS.ErrnoException).code, 'ERR_HTTPSYS_PROTOCOL');
      assert.equal(recorder.received.length, 0);
    });
  }

  test('an exception of the receiver loses nothing that came behind it', async () => {
    const recorder = new Recorder();
    const thrown: unknown[] = [];
    let bombs = 1;
    const deliver = recorder.onBatch.bind(recorder);
    recorder.onBatch = (...args) => {
      deliver(...args);
      if (bombs-- > 0) throw new Error('application');
    };
    const { channel, peer } = await open(recorder);
    const others = process.rawListeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => thrown.push(error));
    try {
      const [one, two, three] = ['one', 'two', 'three'].map((text) => frame(frames.Body, text));
      peer.write(Buffer.concat([one, two.subarray(0, 5)]));
      await until('the first', () => recorder.received.length === 1);
      peer.write(Buffer.concat([two.subarray(5), three]));
      await until('the rest', () => recorder.received.length === 3);
      assert.deepEqual(recorder.received, [one, two, three]);
      assert.equal(thrown.length, 1);
    } finally {
      process.removeAllListeners('uncaughtException');
      for (const listener of others) process.on('uncaughtException', listener as NodeJS.UncaughtExceptionListener);
    }
    channel.destroy(new Error('done'));
  });

  test('the caller may reuse its buffer although the service does not read', async () => {
    const { channel, peer } = await open(new Recorder());
    peer.pause();
    const batch = Buffer.alloc(64 * 1024);
    let sent = 0;
    while (channel.pending === 0 || sent < 8) {
      batch.fill(sent);
      channel.send(batch, batch.length);
      batch.fill(0xee);
      sent++;
      assert.ok(sent < 1000, 'the socket takes only so much');
    }
    assert.ok(channel.pending > 0);
    const pieces: Buffer[] = [];
    peer.on('data', (piece) => pieces.push(piece));
    peer.resume();
    const total = sent * batch.length;
    await until('all bytes', () => pieces.reduce((sum, piece) => sum + piece.length, 0) === total);
    const all = Buffer.concat(pieces);
    for (let index = 0; index < sent; index++) {
      const piece = all.subarray(index * batch.length, (index + 1) * batch.length);
      assert.ok(piece.equals(Buffer.alloc(batch.length, index)), `batch ${index}`);
    }
    await until('nothing is pending', () => channel.pending === 0);
    channel.destroy(new Error('done'));
  });

  test('only `length` bytes of a batch are sent', async () => {
    const { channel, peer } = await open(new Recorder());
    const came = new Promise<Buffer>((resolve) => peer.once('data', resolve));
    channel.send(Buffer.from('abcdef'), 3);
    assert.equal((await came).toString(), 'abc');
    channel.destroy(new Error('done'));
  });

  test('end delivers what was sent, and resolves when the service has closed', async () => {
    const recorder = new Recorder();
    const { channel, peer } = await open(recorder);
    const pieces: Buffer[] = [];
    peer.on('data', (piece) => pieces.push(piece));
    channel.send(Buffer.alloc(500_000, 1), 500_000);
    await channel.end();
    assert.equal(
      pieces.reduce((sum, piece) => sum + piece.length, 0),
      500_000,
    );
    assert.equal(recorder.closed.length, 1);
    assert.equal(channel.hasEnded, true);
    channel.send(Buffer.from('late'), 4);
  });

  test('the end of the service is reported once', async () => {
    const recorder = new Recorder();
    const { peer } = await open(recorder);
    peer.destroy();
    await until('the end', () => recorder.closed.length > 0);
    assert.equal(recorder.closed.length, 1);
  });
});
