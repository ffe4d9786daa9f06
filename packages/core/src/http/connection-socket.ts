/**
 * The client's connection as a program sees it: a facade, one per connection and channel, that lives as long as the engine reports the
 * connection. It is a `net.Socket` to whoever asks, without a handle: the bytes are the engine's.
 */
import { AsyncResource } from 'node:async_hooks';
import * as net from 'node:net';
import * as stream from 'node:stream';
import type { ConnectionAddress } from '../queue/decode';
import * as frames from '../queue/frames';
import { defineAccessors } from './accessors';
import { kEnded, kFragment, kLink, kResponse } from '../symbols';
import { abortExchange, announceEnd } from './abort';
import { resetError } from './client-gone';
import { kTimeout, nodeError } from './node-internals';
import { OpaqueStream } from './opaque-stream';
import type { Link, OwnRequest, OwnResponse, OwnServer, OwnSocket } from './own';
import { RawAnswer } from './raw-answer';
import { toBuffer, type WrittenPiece } from './windowed-bytes';

function ignoreError(): void {}

/** Errors of a connection are the server's 'clientError', as with node:http; nobody has to listen for them. */
function onSocketError(this: ConnectionSocket, error: Error): void {
  this.stopErrors();
  if (!this.server.emit('clientError', error, this)) this.destroy(error);
}

/** Who wants to know of a silent connection decides about it; else it is closed. */
function onSocketTimeout(this: ConnectionSocket): void {
  const { currentRequest, _httpMessage: response, server } = this;
  const heard = [
    currentRequest !== null && !currentRequest.complete && currentRequest.emit('timeout', this),
    response !== null && response.emit('timeout', this),
    server.emit('timeout', this),
  ];
  if (!heard.includes(true)) this.destroy();
}

/** Bytes a response may be ahead of its client before `write` returns false. */
export const socketHighWaterMark = 64 * 1024;

interface Address {
  address?: string;
  port?: number;
  family?: string | undefined;
}

export class ConnectionSocket extends net.Socket implements OwnSocket {
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
  private readonly link: Link;
  private readonly addresses: ConnectionAddress;
  /** The engine has reported the end: there is nothing left to tell it. */
  private gone = false;
  private resets = false;
  private endTold = false;
  /** The client's request was malformed, and the program may answer it. */
  private handed = false;

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
    this.on('error', onSocketError);
    this.on('timeout', onSocketTimeout);
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
    if (this.opaque !== null) {
      this.opaque.write(pieces, callback);
      return;
    }
    if (this.handed) {
      for (const piece of pieces) this.sendRaw(toBuffer(piece), false);
      callback();
      return;
    }
    const answer = this.pastResponse();
    if (answer === null) callback();
    else answer.write(pieces, callback);
  }

  /** What takes bytes that are written past the response under way. Null: behind it, or in front of the first request, nobody waits for any. */
  private pastResponse(): RawAnswer | null {
    if (this.rawAnswer?.begun === true) return this.rawAnswer;
    const response = this._httpMessage;
    if (response === null || response[kEnded]) this.rawAnswer = null;
    else if (this.rawAnswer?.response !== response) this.rawAnswer = new RawAnswer(this, this.link, response);
    return this.rawAnswer;
  }

  /** The program's own listeners hear an error from now on, and it is no second 'clientError'. */
  stopErrors(): void {
    this.removeListener('error', onSocketError);
    if (this.listenerCount('error') === 0) this.on('error', ignoreError);
  }

  /** Nobody wanted the client of a malformed request: it is answered as node:http does, and the connection ends with the error. */
  answerAndDestroy(answer: string, error: Error): void {
    this.sendRaw(Buffer.from(answer, 'latin1'), true);
    // The engine lets the client read it, and closes.
    this.gone = true;
    this.destroy(error);
  }

  override setEncoding(encoding?: BufferEncoding): this {
    if (this.opaque !== null) return super.setEncoding(encoding);
    throw nodeError(Error, 'ERR_HTTP_SOCKET_ENCODING', 'Changing the socket encoding is not allowed per RFC7230 Section 3.');
  }

  /** The engine has left the client of a malformed request to the program: what it writes goes out as it is. */
  handOver(): void {
    this.handed = true;
    // Its id may be given to another request from now on.
    if (this.currentRequest !== null) this.link.removeRequest(this.currentRequest);
  }

  private sendRaw(bytes: Uint8Array, last: boolean): void {
    if (this.gone || !this.link.open) return;
    this.link.writer.raw(this.connectionId, bytes, last);
    this.link.touch();
  }

  override _final(callback: (error?: Error | null) => void): void {
    if (this.opaque !== null) {
      this.opaque.end(callback);
      return;
    }
    callback();
    if (this.handed) {
      // The engine lets the client read the answer, closes, and says so.
      this.sendRaw(new Uint8Array(0), true);
      return;
    }
    if (this.pastResponse()?.end() === true) return;
    // `end` on a connection: no more requests; a response under way is finished first.
    if (this.destroyed) return;
    if (this._httpMessage === null) this.destroy();
    else this.ending = this.answeredLast = true;
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    const { link, currentRequest, opaque } = this;
    const told = this.gone;
    if (opaque !== null) {
      if (this.gone) opaque.finish();
      else opaque.close(this.resets);
    } else if (!this.gone && link.open) {
      const isRequest = currentRequest !== null && !this.handed;
      if (isRequest) link.writer.plain(frames.Cancel, 0, currentRequest.requestId);
      // Of a request whose response is or may be complete the engine may know nothing any more: the end of its body, or word of its fragment, is on its way.
      const response = currentRequest?.[kResponse];
      if (!isRequest || response?.[kLink] === null || (response?.[kFragment] ?? null) !== null)
        link.writer.plain(frames.CloseConnections, frames.CloseAll, this.connectionId);
      link.touch();
    }
    this.gone = true;
    link.removeConnection(this);
    this.server.connectionDone();
    let request = currentRequest !== null && currentRequest[kLink] !== null ? currentRequest : null;
    this.currentRequest = null;
    clearTimeout((this as unknown as Record<symbol, NodeJS.Timeout | undefined>)[kTimeout]);
    callback(error);
    if (request !== null) abortExchange(link, request);
    // One that was answered past its response has not heard of an end.
    else if (this.rawAnswer !== null && this.rawAnswer.ended) request = this.rawAnswer.request;
    if (told) announceEnd(this, request, error !== null);
    // A program that destroys a connection hears of its end in a later turn, as with a handle that has to be closed first.
    else setImmediate(announceEnd, this, request, error !== null);
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
    this.removeListener('error', onSocketError);
    this.removeListener('timeout', onSocketTimeout);
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

  /** The engine reports that the client is gone. */
  closedByEngine(error?: Error): void {
    this.gone = true;
    const { opaque } = this;
    if (opaque !== null) {
      opaque.finish();
      // What has come is still read; otherwise nobody said goodbye.
      if (!opaque.inputEnded) this.lost();
      return;
    }
    if (error === undefined) this.tellEnd();
    this.destroy(error);
  }

  /** The client sends no more. */
  tellEnd(): void {
    if (this.destroyed || this.answeredLast || this.endTold) return;
    this.endTold = true;
    // The constructor of net.Socket listens to 'end' itself; others want to know.
    if (this.listenerCount('end') > 1) this.emit('end');
  }

  /** The client has reset the connection, or the engine is gone. */
  lost(): void {
    this.gone = true;
    this.destroy(resetError());
  }

  /** The server gives the connection up and has told the engine, or leaves it to others on the port. */
  giveUp(): void {
    this.gone = true;
    this.destroy();
  }
}

// Programs print it, and warnings name it.
Object.defineProperty(ConnectionSocket, 'name', { value: 'Socket' });

const writableEnded = Object.getOwnPropertyDescriptor(stream.Writable.prototype, 'writableEnded')!;

defineAccessors(ConnectionSocket.prototype, {
  // Behind the last response nothing is written any more; the engine ends the connection itself.
  writableEnded: {
    get(): boolean {
      return (this.answeredLast && this._httpMessage === null && this.opaque === null) || (writableEnded.get!.call(this) as boolean);
    },
  },
  pending: { get: () => false },
  bufferSize: {
    get(): number {
      return this.writableLength;
    },
  },
  // node:http has its parser here, and null behind an upgrade; the engine parses.
  parser: { get: () => null, set(): void {} },
  readyState: {
    get(): string {
      if (this.opaque === null) return this.destroyed ? 'closed' : 'open';
      if (this.readable) return this.writable ? 'open' : 'readOnly';
      return this.writable ? 'writeOnly' : 'closed';
    },
  },
  bytesRead: {
    get(): number {
      return this.opaque === null ? 0 : this.opaque.bytesRead;
    },
  },
  bytesWritten: {
    get(): number {
      const { opaque } = this;
      return opaque === null ? this.written : this.written + opaque.bytesTaken + this.writableLength - opaque.inProgress;
    },
    set(): void {
      // Some constructors of net.Socket assign it.
    },
  },
});
