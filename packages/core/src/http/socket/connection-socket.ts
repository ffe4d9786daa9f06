/**
 * The client's connection as a program sees it: a facade, one per connection and channel, that lives as long as the engine reports the
 * connection. It is a `net.Socket` to whoever asks, without a handle: the bytes are the engine's.
 */
import { AsyncResource } from 'node:async_hooks';
import * as net from 'node:net';
import type { ConnectionAddress } from '../../queue/decode';
import * as frames from '../../queue/frames';
import { nodeError } from '../node-internals';
import type { Link, OwnRequest, OwnResponse, OwnServer } from '../own';
import { closedByEngine, destroyConnection, giveUp, lost, tellEnd } from './ending';
import { OpaqueStream } from './opaque-stream';
import { addOwnListeners, removeOwnListeners, stopErrors } from './own-listeners';
import type { RawAnswer } from './raw-answer';
import { defineSocketProperties } from './socket-properties';
import type { SocketState } from './socket-state';
import type { WrittenPiece } from './windowed-bytes';
import { answerAndDestroy, endWriting, handOver, writePieces } from './writing';

/** Bytes a response may be ahead of its client before `write` returns false. */
export const socketHighWaterMark = 64 * 1024;

interface Address {
  address?: string;
  port?: number;
  family?: string | undefined;
}

export class ConnectionSocket extends net.Socket implements SocketState {
  readonly connectionId: number;
  /** The server that was told of the connection; http-terminator and Next look for it here. */
  readonly server: OwnServer;
  /** True over TLS, else undefined, as a socket of node:net has it. */
  readonly encrypted: true | undefined;
  /** Response under way, or null while idle (http-terminator destroys idle sockets at once). */
  _httpMessage: OwnResponse | null = null;
  /** Request under way. */
  currentRequest: OwnRequest | null = null;
  /**
   * Listeners of a connection run in a scope of its own, as with node:http's parser: what one does with `AsyncLocalStorage.enterWith` must
   * not be seen by the next request of the same batch, which belongs to another client. Its type is the one that async_hooks users know.
   */
  readonly scope = new AsyncResource('HTTPINCOMINGMESSAGE', { requireManualDestroy: true });
  /** The program has ended it while a response is under way, behind which it closes. */
  ending = false;
  /** A response has said that the connection closes behind it: its end is no news of the client. */
  answeredLast = false;
  /** Requests that came on it, for `maxRequestsPerSocket`. */
  requestCount = 0;
  /** What carries the bytes after an upgrade or CONNECT. */
  opaque: OpaqueStream | null = null;
  /** What the program writes past the response of the request under way. */
  rawAnswer: RawAnswer | null = null;
  readonly link: Link;
  private readonly addresses: ConnectionAddress;
  /** The engine has reported the end: there is nothing left to tell it. */
  gone = false;
  resets = false;
  endTold = false;
  /** The client's request was malformed, and the program may answer it. */
  handed = false;

  constructor(server: OwnServer, link: Link, connectionId: number, flags: number, addresses: ConnectionAddress) {
    super({
      allowHalfOpen: true,
      highWaterMark: server.responseOptions.highWaterMark ?? socketHighWaterMark,
    } as net.SocketConstructorOpts);
    this.server = server;
    this.link = link;
    this.connectionId = connectionId;
    this.encrypted = (flags & frames.ConnectionEncrypted) !== 0 ? true : undefined;
    this.addresses = addresses;
    addOwnListeners(this);
  }

  /** Node's getters `remoteAddress`, `remotePort`, `remoteFamily` read this. */
  _getpeername(): Address {
    const { remoteAddress, remotePort, family } = this.addresses;
    // On a path there is no address, as with node:net.
    if (family === undefined) return {};
    return { address: remoteAddress, port: remotePort, family };
  }

  /** Node's `localAddress`, `localPort`, `localFamily` and `address()` read this. */
  _getsockname(): Address {
    const { localAddress, localPort, family } = this.addresses;
    if (family === undefined) return {};
    return { address: localAddress, family, port: localPort };
  }

  /** Body bytes the program gave; the engine frames them. */
  written = 0;

  /** A response has handed over body bytes. */
  countWritten(bytes: number): void {
    this.written += bytes;
  }

  override setNoDelay(_noDelay?: boolean): this {
    return this;
  }

  override setKeepAlive(_enable?: boolean, _initialDelay?: number): this {
    return this;
  }

  override ref(): this {
    return this;
  }

  override unref(): this {
    return this;
  }

  override _read(): void {
    // Until an upgrade the engine reads; a body comes through its request.
    if (this.opaque !== null) this.opaque.read();
  }

  override _write(chunk: Uint8Array | string, encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this._writev([{ chunk, encoding }], callback);
  }

  override _writev(pieces: WrittenPiece[], callback: (error?: Error | null) => void): void {
    writePieces(this, pieces, callback);
  }

  stopErrors(): void {
    stopErrors(this);
  }

  answerAndDestroy(answer: string, error: Error): void {
    answerAndDestroy(this, answer, error);
  }

  override setEncoding(encoding?: BufferEncoding): this {
    if (this.opaque !== null) return super.setEncoding(encoding);
    throw nodeError(Error, 'ERR_HTTP_SOCKET_ENCODING', 'Changing the socket encoding is not allowed per RFC7230 Section 3.');
  }

  handOver(): void {
    handOver(this);
  }

  override _final(callback: (error?: Error | null) => void): void {
    endWriting(this, callback);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    destroyConnection(this, error, callback);
  }

  /** Without a handle net.Socket would take the connection for closed already. */
  override resetAndDestroy(): this {
    this.resets = true;
    return this.destroy();
  }

  /**
   * The connection becomes a stream of bytes: from now on it is the program's alone, and so are its errors, as with node:http.
   *
   * @param ahead bytes that the client had sent behind the request
   */
  leaveHttp(request: OwnRequest, ahead: number): void {
    removeOwnListeners(this);
    this.opaque = new OpaqueStream(this, this.link, request, ahead);
    // A listener of 'connection' may have read: what comes now is somebody else's, who shall find it unread.
    (this as { readableFlowing: boolean | null }).readableFlowing = null;
  }

  /** A request begins: the timeout of the server holds again, whatever the last one had set; what 'connection' has set holds for the first. */
  beginRequest(): void {
    const { timeout } = this.server;
    if (this.requestCount++ > 0 && (timeout > 0 || (this.timeout !== undefined && this.timeout > 0))) this.setTimeout(timeout);
    else this.touch();
  }

  /** Bytes moved. */
  touch(): void {
    if (this.timeout !== undefined && this.timeout > 0) (this as unknown as { _unrefTimer(): void })._unrefTimer();
  }

  closedByEngine(error?: Error): void {
    closedByEngine(this, error);
  }

  tellEnd(): void {
    tellEnd(this);
  }

  lost(): void {
    lost(this);
  }

  giveUp(): void {
    giveUp(this);
  }
}

// Programs print it, and warnings name it.
Object.defineProperty(ConnectionSocket, 'name', { value: 'Socket' });
defineSocketProperties(ConnectionSocket.prototype);
