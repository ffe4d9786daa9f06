/**
 * The bytes of a connection that has left HTTP by an upgrade or CONNECT: what makes its socket a true Duplex. Credit in both directions bounds
 * what is under way (docs/frames.md).
 */
import * as frames from '../../queue/frames';
import { nodeError } from '../node-internals';
import type { Link, OwnRequest, OwnSocket } from '../own';
import { isInterim, RawResponse } from './raw-response';
import { toBuffer, WindowedBytes, type WrittenPiece } from './windowed-bytes';

type Callback = (error?: Error | null) => void;

/** Bytes taken in before their credit is given back: half of the engine's window, so that neither side waits for the other. */
const creditStep = frames.BodyWindowBytes / 2;
/** Neither Date nor Connection is added to what the program wrote. */
const responseFlags = frames.ResponseOpaque | frames.ResponseNoDate | frames.ResponseNoConnection;

export class OpaqueStream {
  /** Bytes of the client that came, those behind the head included. */
  bytesRead: number;
  /** Bytes that `_write` was given. */
  bytesTaken = 0;
  /** The client sends no more. */
  inputEnded = false;
  private response: RawResponse | null = new RawResponse();
  private owed: number;
  private readonly output: WindowedBytes;
  private finished = false;
  private readonly socket: OwnSocket;
  private readonly link: Link;
  private readonly request: OwnRequest;

  /** @param ahead bytes that the client had sent behind its head */
  constructor(socket: OwnSocket, link: Link, request: OwnRequest, ahead: number) {
    this.socket = socket;
    this.link = link;
    this.request = request;
    this.bytesRead = ahead;
    this.owed = ahead;
    this.output = new WindowedBytes(link, request.requestId, frames.Opaque);
    link.addUpgraded(request);
    // Takes the connection: from now on the client's bytes come as OPAQUE.
    link.writer.plain(frames.Opaque, 0, request.requestId);
    link.touch();
  }

  /** The part of `bytesTaken` that is counted in `writableLength` still. */
  get inProgress(): number {
    return this.output.inProgress;
  }

  /** Bytes of the client. They are valid only during the call. */
  take(piece: Buffer, last: boolean): void {
    const { socket } = this;
    socket.touch();
    if (last) this.inputEnded = true;
    if (socket.destroyed) return;
    if (piece.length > 0) {
      this.bytesRead += piece.length;
      this.owed += piece.length;
      socket.push(Buffer.from(piece));
    }
    if (last) {
      socket.push(null);
      // With nothing left to read the end is told to a program that never reads, as a socket of node:net tells it.
      socket.read(0);
    }
  }

  /** The reader wants more: what it has taken is given back as credit. */
  read(): void {
    if (this.owed < creditStep || this.finished) return;
    this.link.writer.credit(this.request.requestId, this.owed);
    this.owed = 0;
    this.link.touch();
  }

  write(pieces: readonly WrittenPiece[], callback: Callback): void {
    if (this.finished || !this.link.open) {
      callback(nodeError(Error, 'EPIPE', 'write EPIPE'));
      return;
    }
    this.socket.touch();
    let buffers = pieces.map(toBuffer);
    for (const bytes of buffers) this.bytesTaken += bytes.length;
    if (this.response !== null) {
      try {
        buffers = this.writeHead(this.response, buffers);
      } catch (error) {
        callback(error as Error);
        return;
      }
    }
    this.output.handOver(buffers, callback);
  }

  /** Sends the heads that are whole now; returns the bytes behind the final one. */
  private writeHead(response: RawResponse, buffers: Buffer[]): Buffer[] {
    for (const bytes of buffers) response.add(bytes);
    const { writer } = this.link;
    const id = this.request.requestId;
    for (let head = response.next(); head !== null; head = response.next()) {
      if (isInterim(head.status)) {
        writer.informational(id, head.status, head.block);
        if (response.rest.length === 0) break;
        continue;
      }
      writer.response(id, responseFlags, head.status, head.reason, null, head.block, null);
      this.response = null;
      return response.rest.length === 0 ? [] : [response.rest];
    }
    return [];
  }

  /** The engine has got rid of `bytes`: the window has room again. */
  onDrained(bytes: number): void {
    this.socket.touch();
    if (!this.socket.destroyed) this.output.onDrained(bytes);
  }

  /** The program has written its last byte. */
  end(callback: Callback): void {
    if (this.response !== null && this.response.rest.length > 0) {
      // A head that was cut off: nothing that could be sent.
      this.socket.destroy();
    } else if (!this.finished) {
      this.link.writer.plain(frames.Opaque, frames.OpaqueIsLast, this.request.requestId);
      this.link.touch();
    }
    callback();
  }

  /**
   * The program is done with the connection: what it had written leaves, then it is closed.
   *
   * @param reset it is reset instead
   */
  close(reset: boolean): void {
    if (!this.finished && this.link.open) {
      if (reset) this.link.writer.plain(frames.Cancel, 0, this.request.requestId);
      else this.link.writer.plain(frames.Opaque, frames.OpaqueClose, this.request.requestId);
      this.link.touch();
    }
    this.finish();
  }

  /** The request is over for the engine, or nobody is interested any more. */
  finish(): void {
    if (this.finished) return;
    this.finished = true;
    this.link.removeUpgraded(this.request);
    this.socket.server.requestDone(this.request);
  }
}
