/**
 * A responder that speaks frames with a native engine, in either mode, and knows nothing of the layers above: what it sees and sends is
 * what travels. Its codec is written out here on purpose, so that an error of the package's codec cannot hide one of the engine.
 */
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { randomBytes } from 'node:crypto';
import type { TestContext } from 'node:test';
import { loadAddon } from '../../src/carriers/load-addon';
import type { NativeEngine, NativeEngineOptions, NativeQueueOptions } from '../../src/carriers/native';
import * as frames from '../../src/queue/frames';
import { eventually } from '../support/poll';

export type Mode = 'loop' | 'threads';

export interface Frame {
  type: number;
  flags: number;
  aux: number;
  id: number;
  body: Buffer;
}

export function makeFrame(type: number, flags: number, aux: number, id: number, body: Uint8Array | string = ''): Buffer {
  const bytes = typeof body === 'string' ? Buffer.from(body, 'latin1') : body;
  const frame = Buffer.alloc(12 + bytes.length);
  frame.writeUInt32LE(frame.length, 0);
  frame[4] = type;
  frame[5] = flags;
  frame.writeUInt16LE(aux, 6);
  frame.writeUInt32LE(id, 8);
  frame.set(bytes, 12);
  return frame;
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export interface ResponseParts {
  status?: number;
  reason?: string;
  head?: string;
  body?: string | Uint8Array;
  /** Seconds; Infinity = until flushed. */
  ttl?: number;
  flags?: number;
  /** Optional blocks. */
  blocks?: Buffer;
}

/** An optional block. */
export function makeBlock(tag: number, content: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(tag, 0);
  head.writeUInt16LE(content.length, 2);
  return Buffer.concat([head, content]);
}

/** The block FILE. */
export function makeFileBlock(file: string | Buffer, offset: number, length: number): Buffer {
  const range = Buffer.alloc(16);
  range.writeBigUInt64LE(BigInt(offset), 0);
  range.writeBigUInt64LE(BigInt(length), 8);
  return makeBlock(frames.BlockFile, Buffer.concat([range, Buffer.from(file)]));
}

export function makeResponse(id: number, parts: ResponseParts = {}): Buffer {
  const reason = Buffer.from(parts.reason ?? '', 'latin1');
  const head = Buffer.from(parts.head ?? 'Content-Type: text/plain\r\n', 'latin1');
  const life =
    parts.ttl === undefined
      ? Buffer.alloc(parts.blocks === undefined ? 0 : 8)
      : Buffer.concat([Buffer.from([parts.ttl === Infinity ? 2 : 1, 0, 0, 0]), u32(parts.ttl === Infinity ? 0 : parts.ttl)]);
  const policy = parts.blocks === undefined ? life : Buffer.concat([life, parts.blocks]);
  const sizes = Buffer.alloc(8);
  sizes.writeUInt16LE(reason.length, 0);
  sizes.writeUInt16LE(policy.length, 2);
  sizes.writeUInt32LE(head.length, 4);
  const body = typeof parts.body === 'string' ? Buffer.from(parts.body, 'latin1') : (parts.body ?? Buffer.alloc(0));
  const flags = (parts.flags ?? frames.ResponseEnd) | (parts.ttl === undefined ? 0 : frames.ResponsePolicy);
  return makeFrame(frames.Response, flags, parts.status ?? 200, id, Buffer.concat([sizes, reason, policy, head, body]));
}

/** A REQUEST frame taken apart. */
export interface Asked {
  id: number;
  flags: number;
  /** Its response has a wide window. */
  wide: boolean;
  connection: number;
  urlContext: number;
  method: number | string;
  target: string;
  headers: string[];
  body: Buffer;
  peer: Peer;
}

function readRequest(frame: Frame, peer: Peer): Asked {
  const { body } = frame;
  const targetBytes = body.readUInt32LE(8);
  const entryBytes = body.readUInt32LE(12);
  const count = body.readUInt16LE(16);
  const methodBytes = body.readUInt16LE(18);
  let at = 20;
  const take = (bytes: number): string => body.toString('latin1', at, (at += bytes));
  const method = methodBytes > 0 ? take(methodBytes) : frame.aux & 0xff;
  const target = take(targetBytes);
  const end = at + entryBytes;
  const names = loadAddon().frameTable();
  const headers: string[] = [];
  for (let n = 0; n < count; n++) {
    const id = body[at++]!;
    const valueBytes = body.readUInt16LE(at);
    at += 2;
    let name: string;
    if (id === 0) {
      const nameBytes = body.readUInt16LE(at);
      at += 2;
      name = take(nameBytes);
    } else {
      name = (names[id & 0x80 ? 'headerNamesLower' : 'headerNames'] as string[])[id & 0x7f]!;
    }
    headers.push(`${name}: ${take(valueBytes)}`);
  }
  if (at !== end) throw new Error(`header entries end at ${at} instead of ${end}`);
  return {
    id: frame.id,
    flags: frame.flags,
    wide: (frame.aux & frames.RequestWideWindow) !== 0,
    connection: body.readUInt32LE(0),
    urlContext: body.readUInt32LE(4),
    method,
    target,
    headers,
    body: Buffer.from(body.subarray(end)),
    peer,
  };
}

/** One channel: what came, in order, and what to do with requests. */
export class Peer {
  readonly frames: Frame[] = [];
  readonly requests: Asked[] = [];
  closed = false;
  onRequest: (asked: Asked) => void = () => undefined;
  onFrame: (frame: Frame) => void = () => undefined;
  transport: { write(bytes: Buffer): void; end(): void } = { write: () => undefined, end: () => undefined };
  private rest = Buffer.alloc(0);

  send(...batch: Buffer[]): void {
    this.transport.write(Buffer.concat(batch));
  }

  answer(asked: Asked, parts: ResponseParts = {}): void {
    this.send(makeResponse(asked.id, parts));
  }

  accept(bytes: Buffer): void {
    this.rest = Buffer.concat([this.rest, bytes]);
    while (this.rest.length >= 12 && this.rest.length >= this.rest.readUInt32LE(0)) {
      const length = this.rest.readUInt32LE(0);
      const frame: Frame = {
        type: this.rest[4]!,
        flags: this.rest[5]!,
        aux: this.rest.readUInt16LE(6),
        id: this.rest.readUInt32LE(8),
        body: Buffer.from(this.rest.subarray(12, length)),
      };
      this.rest = this.rest.subarray(length);
      this.frames.push(frame);
      this.onFrame(frame);
      if (frame.type === frames.Request) {
        const asked = readRequest(frame, this);
        this.requests.push(asked);
        this.onRequest(asked);
      }
    }
  }

  /** Frames of a type, for one id. */
  of(type: number, id?: number): Frame[] {
    return this.frames.filter((frame) => frame.type === type && (id === undefined || frame.id === id));
  }

  /** The request body that came, BODY frames and inline together. */
  bodyOf(asked: Asked): Buffer {
    return Buffer.concat([asked.body, ...this.of(frames.Body, asked.id).map((frame) => frame.body)]);
  }

  request(count = 1): Promise<Asked> {
    return eventually(`request ${count}`, () => this.requests[count - 1]);
  }

  aborted(asked: Asked): Promise<Frame> {
    return eventually('ABORTED', () => this.of(frames.Aborted, asked.id)[0]);
  }
}

export interface AttachOptions {
  queueId?: number;
  credit?: number;
  /** Of the protocol, in mode `threads`. */
  minor?: number;
}

export interface World {
  engine: NativeEngine;
  port: number;
  queueId: number;
  attach(options?: AttachOptions): Promise<Peer>;
  /** The private directory of the data sockets. */
  socketPath: string;
  allow(queueId?: number): Buffer;
}

export interface WorldOptions {
  engine?: Partial<NativeEngineOptions>;
  queue?: NativeQueueOptions;
  path?: string;
  threads?: number;
}

/** An engine on a free port with one queue, 1, behind the prefix http://*:port/. It is closed with the test. */
export function open(t: TestContext, mode: Mode, options: WorldOptions = {}): World {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hs-native-'));
  const threads = options.threads ?? 1;
  const socketPaths = Array.from({ length: threads }, (_unused, n) => path.join(folder, `data-${n}.sock`));
  const engine = new (loadAddon().Engine)(
    mode === 'loop' ? { mode, ...options.engine } : { mode, threads, socketPaths, ...options.engine },
  );
  const sockets: net.Socket[] = [];
  t.after(() => {
    sockets.forEach((socket) => socket.destroy());
    engine.close();
    fs.rmSync(folder, { recursive: true, force: true });
  });
  const port = engine.listen('127.0.0.1', 0, 128);
  engine.openQueue(1, options.queue ?? {});
  engine.setUrls([{ https: false, hostKind: 3, host: '', port, path: options.path ?? '/', queueId: 1, urlContext: 7 }]);

  const allow = (queueId = 1): Buffer => {
    const key = randomBytes(16);
    engine.allowAttach(key, queueId, 1);
    return key;
  };
  const attach = async ({ queueId = 1, credit = 1000, minor = frames.ProtocolMinor }: AttachOptions = {}): Promise<Peer> => {
    const peer = new Peer();
    if (mode === 'loop') {
      const channel = engine.attach(queueId, credit, (batch, length) => peer.accept(Buffer.from(batch.subarray(0, length))));
      peer.transport = {
        write: (bytes) => engine.submit(channel, bytes, bytes.length),
        end: () => {
          engine.detach(channel);
          peer.closed = true;
        },
      };
      return peer;
    }
    const key = allow(queueId);
    for (const socketPath of socketPaths) {
      const socket = net.connect(socketPath);
      sockets.push(socket);
      socket.on('data', (bytes) => peer.accept(bytes));
      socket.on('error', () => undefined);
      socket.on('close', () => (peer.closed = true));
      peer.transport = { write: (bytes) => void socket.write(bytes), end: () => socket.destroy() };
      peer.send(makeFrame(frames.Attach, 0, frames.ProtocolMajor | (minor << 8), 0, Buffer.concat([key, u32(credit)])));
    }
    await eventually('ATTACHED', () => peer.of(frames.Attached).length === threads);
    return peer;
  };
  return { engine, port, queueId: 1, attach, socketPath: socketPaths[0]!, allow };
}

export const GET = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';
export const get = (target: string, fields = ''): string => `GET ${target} HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`;
export const post = (length: number, fields = ''): string =>
  `POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${length}\r\n${fields}\r\n`;
export const hello = (asked: Asked): void => asked.peer.answer(asked, { body: 'hello' });

/** Of `queryState`, what tests look at. */
export interface State {
  connections: number;
  requests: number;
  cache: { hits: number; misses: number; stores: number; entries: number };
  rejections: Record<string, number>;
  queues: { id: number; depth: number; attached: number; inFlight: number; connections: number }[];
  urls: { queueId: number; urlContext: number; requests: number; hits: number }[];
}
export const stateOf = (engine: { queryState(): unknown }): State => engine.queryState() as State;
