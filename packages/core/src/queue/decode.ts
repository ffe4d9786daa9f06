/**
 * Reads a batch of frames from an engine and hands each to the sink. Every length is checked: a malformed frame throws
 * `ERR_HTTPSYS_PROTOCOL`, and its channel ends.
 */
import { readLatin1, readU16, readU32 } from './frame-bytes';
import type { ChannelLink, LinkedConnection, LinkedRequest } from './channel-link';
import { readRequestFacts, readTlsFacts, type TlsFacts } from './facts';
import * as frames from './frames';
import { ProtocolError } from './protocol-error';

export { ProtocolError } from './protocol-error';

/**
 * A REQUEST frame in its parts: as arguments, for an object of them would be made for every request. `text` holds method (when written out), target
 * and header entries; `flags` are those of the header and above them those of its aux field; `body` is null when there is none inline.
 */
export type TakeRequest<R extends LinkedRequest, C extends LinkedConnection> = (
  link: ChannelLink<R, C>,
  id: number,
  flags: number,
  methodCode: number,
  connectionId: number,
  urlContext: number,
  text: string,
  methodBytes: number,
  targetBytes: number,
  headerCount: number,
  body: Buffer | null,
) => void;

/** What a channel's frames become; the http layer implements it. Byte views are valid only during the call. */
export interface FrameSink<R extends LinkedRequest, C extends LinkedConnection> {
  onConnection(link: ChannelLink<R, C>, id: number, flags: number, address: ConnectionAddress): void;
  onRequest: TakeRequest<R, C>;
  onBody(request: R, piece: Buffer, last: boolean): void;
  onBodyEnd(request: R, trailerText: string, trailerCount: number): void;
  onAborted(link: ChannelLink<R, C>, request: R, reason: number): void;
  onDrained(request: R, bytes: number): void;
  /** Bytes of a client whose connection has left HTTP; `last`: it sends no more. */
  onOpaque(request: R, piece: Buffer, last: boolean): void;
  /** What became of a response whose body is a fragment. */
  onFragmentUsed(link: ChannelLink<R, C>, request: R, missing: boolean): void;
  onConnectionClosed(link: ChannelLink<R, C>, connection: C): void;
  /** The client's request is malformed, and the client is the program's; `packet` is what it sent, as far as the engine shows it. */
  onClientError(link: ChannelLink<R, C>, connection: C, reason: number, understood: number, packet: Buffer): void;
  /** A client was turned away at the connection limit. */
  onDropped(address: ConnectionAddress): void;
}

export interface ConnectionAddress {
  remoteAddress: string;
  remotePort: number;
  localAddress: string;
  localPort: number;
  family: 'IPv4' | 'IPv6' | undefined;
  /** What the engine told of the TLS handshake. */
  tls?: TlsFacts;
}

function malformed(why: string): Error {
  return new ProtocolError(why);
}

function readAddress(bytes: Buffer, at: number, end: number): ConnectionAddress {
  if (end - at < 8) throw malformed('CONNECTION is too short');
  const remoteBytes = bytes[at + 4];
  const localBytes = bytes[at + 5];
  if (at + 8 + remoteBytes + localBytes > end) throw malformed('CONNECTION addresses run past its end');
  const family = bytes[at + 6];
  const remoteAt = at + 8;
  const blocksAt = remoteAt + remoteBytes + localBytes;
  return {
    remotePort: readU16(bytes, at),
    localPort: readU16(bytes, at + 2),
    remoteAddress: readLatin1(bytes, remoteAt, remoteAt + remoteBytes),
    localAddress: readLatin1(bytes, remoteAt + remoteBytes, remoteAt + remoteBytes + localBytes),
    family: family === 4 ? 'IPv4' : family === 6 ? 'IPv6' : undefined,
    ...(blocksAt < end ? { tls: readTlsFacts(bytes, blocksAt, end) } : {}),
  };
}

function readRequest<R extends LinkedRequest, C extends LinkedConnection>(
  link: ChannelLink<R, C>,
  sink: FrameSink<R, C>,
  bytes: Buffer,
  start: number,
  end: number,
  flags: number,
  id: number,
): void {
  if (end - start < 32) throw malformed('REQUEST is too short');
  const targetBytes = readU32(bytes, start + 20);
  const headerBytes = readU32(bytes, start + 24);
  const methodBytes = readU16(bytes, start + 30);
  const textAt = start + 32;
  const bodyAt = textAt + methodBytes + targetBytes + headerBytes;
  if (bodyAt > end) throw malformed('REQUEST parts run past its end');
  sink.onRequest(
    link,
    id,
    flags | (bytes[start + 7] << 8),
    bytes[start + 6],
    readU32(bytes, start + 12),
    readU32(bytes, start + 16),
    readLatin1(bytes, textAt, bodyAt),
    methodBytes,
    targetBytes,
    readU16(bytes, start + 28),
    bodyAt === end ? null : bytes.subarray(bodyAt, end),
  );
}

/** Handles the whole frames in `bytes[offset .. offset + length)`. */
export function decodeBatch<R extends LinkedRequest, C extends LinkedConnection>(
  link: ChannelLink<R, C>,
  sink: FrameSink<R, C>,
  bytes: Buffer,
  offset: number,
  length: number,
): void {
  const batchEnd = offset + length;
  let start = offset;
  while (start < batchEnd) {
    if (batchEnd - start < frames.HeaderBytes) throw malformed('a header is cut off');
    const frameBytes = readU32(bytes, start);
    const end = start + frameBytes;
    if (frameBytes < frames.HeaderBytes || end > batchEnd) throw malformed(`a length of ${frameBytes} bytes`);
    const type = bytes[start + 4];
    const flags = bytes[start + 5];
    const id = readU32(bytes, start + 8);
    link.resumeAt = end;
    switch (type) {
      case frames.Request:
        readRequest(link, sink, bytes, start, end, flags, id);
        break;
      case frames.Body: {
        const request = link.findRequest(id);
        if (request !== null) sink.onBody(request, bytes.subarray(start + 12, end), (flags & frames.BodyIsLast) !== 0);
        break;
      }
      case frames.BodyEnd: {
        const request = link.findRequest(id);
        if (request !== null) sink.onBodyEnd(request, readLatin1(bytes, start + 12, end), readU16(bytes, start + 6));
        break;
      }
      case frames.Aborted: {
        const request = link.findRequest(id);
        if (request !== null) sink.onAborted(link, request, readU16(bytes, start + 6));
        break;
      }
      case frames.Credit: {
        if (frameBytes < 16) throw malformed('CREDIT is too short');
        const request = link.findRequest(id);
        link.relieve();
        if (request !== null) sink.onDrained(request, readU32(bytes, start + 12));
        break;
      }
      case frames.Opaque: {
        const request = link.findRequest(id);
        if (request !== null) sink.onOpaque(request, bytes.subarray(start + 12, end), (flags & frames.OpaqueIsLast) !== 0);
        break;
      }
      case frames.Connection:
        sink.onConnection(link, id, flags, readAddress(bytes, start + 12, end));
        break;
      case frames.RequestFacts:
        link.facts = readRequestFacts(id, bytes, start + 12, end);
        break;
      case frames.ConnectionClosed: {
        const connection = link.findConnection(id);
        if (connection !== null) sink.onConnectionClosed(link, connection);
        break;
      }
      case frames.ClientError: {
        if (frameBytes < 16) throw malformed('CLIENT_ERROR is too short');
        const connection = link.findConnection(id);
        if (connection !== null) {
          sink.onClientError(link, connection, readU16(bytes, start + 6), readU32(bytes, start + 12), bytes.subarray(start + 16, end));
        } else {
          // The program destroyed the connection meanwhile, and the engine waits for an answer to the client.
          link.writer.plain(frames.CloseConnections, frames.CloseAll, id);
          link.touch();
        }
        break;
      }
      case frames.FragmentUsed: {
        const request = link.findRequest(id);
        if (request !== null) sink.onFragmentUsed(link, request, readU16(bytes, start + 6) === frames.FragmentMissing);
        break;
      }
      case frames.FragmentAdded:
        link.onFragmentAdded(id, readU16(bytes, start + 6), frameBytes >= 16 ? readU32(bytes, start + 12) : 0);
        break;
      case frames.Detached:
        link.onDetached();
        break;
      case frames.Dropped:
        sink.onDropped(readAddress(bytes, start + 12, end));
        break;
      default:
        // A later minor version may add frame types; they are skipped.
        break;
    }
    start = end;
  }
}
