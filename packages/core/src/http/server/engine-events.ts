/** What an engine tells a server's queue: each frame goes to the object it is about, in the async scope of its connection. */
import type { BoundUrl } from '../../carriers/carrier';
import type { ConnectionAddress, TakeRequest } from '../../queue/decode';
import * as frames from '../../queue/frames';
import { readHeaderEntries } from '../../queue/header-entries';
import type { QueueEvents } from '../../queue/request-queue';
import { kResponse } from '../../symbols';
import { emitClientError, receiveClientError } from '../client-error';
import { resetError } from '../client-gone';
import { ConnectionSocket } from '../socket/connection-socket';
import { requestDispatcher, takeBody } from '../dispatch';
import { fragmentUsed } from '../fragment-response';
import type { Link, OwnRequest, OwnServer, OwnSocket, Queue } from '../own';
import { onResponseDrained } from '../response-hooks';
import { SecureConnectionSocket } from '../socket/secure-socket';

const socketOf = (request: OwnRequest): OwnSocket => request.socket as OwnSocket;

export class EngineEvents implements QueueEvents<OwnRequest, OwnSocket> {
  readonly onRequest: TakeRequest<OwnRequest, OwnSocket>;

  constructor(private readonly server: OwnServer) {
    this.onRequest = requestDispatcher(server);
  }

  onConnection(link: Link, id: number, flags: number, address: ConnectionAddress): void {
    const { server } = this;
    const Socket = (flags & frames.ConnectionEncrypted) !== 0 ? SecureConnectionSocket : ConnectionSocket;
    const socket = new Socket(server, link, id, flags, address);
    link.addConnection(socket);
    server.connectionMade();
    if (server.timeout > 0) socket.setTimeout(server.timeout);
    socket.scope.runInAsyncScope(server.emit, server, 'connection', socket);
  }

  onBody(request: OwnRequest, piece: Buffer, last: boolean): void {
    socketOf(request).scope.runInAsyncScope(takeBody, undefined, request, piece, last);
  }

  onBodyEnd(request: OwnRequest, trailerText: string, trailerCount: number): void {
    const trailers = readHeaderEntries(trailerText, 0, trailerCount);
    // Node's own way: what was asked for before is filled in too.
    request.complete = true;
    (request as unknown as { _addHeaderLines(raw: string[], count: number): void })._addHeaderLines(trailers, trailers.length);
    socketOf(request).scope.runInAsyncScope(takeBody, undefined, request, Buffer.alloc(0), true);
  }

  onAborted(_link: Link, request: OwnRequest, reason: number): void {
    const socket = socketOf(request);
    if (socket.opaque !== null) {
      socket.lost();
      return;
    }
    if (reason === frames.AbortMalformedBody || reason === frames.AbortTimeout) emitClientError(this.server, socket, reason);
    socket.closedByEngine(reason === frames.AbortClientReset ? resetError() : undefined);
  }

  onDrained(request: OwnRequest, bytes: number): void {
    const socket = socketOf(request);
    const output = socket.opaque ?? (socket.rawAnswer?.begun === true ? socket.rawAnswer : null);
    if (output !== null) socket.scope.runInAsyncScope(output.onDrained, output, bytes);
    else socket.scope.runInAsyncScope(onResponseDrained, undefined, request[kResponse]!, bytes);
  }

  onOpaque(request: OwnRequest, piece: Buffer, last: boolean): void {
    const socket = socketOf(request);
    const { opaque } = socket;
    if (opaque !== null) socket.scope.runInAsyncScope(opaque.take, opaque, piece, last);
  }

  onFragmentUsed(_link: Link, request: OwnRequest, missing: boolean): void {
    socketOf(request).scope.runInAsyncScope(fragmentUsed, undefined, request[kResponse]!, missing);
  }

  onConnectionClosed(_link: Link, socket: OwnSocket): void {
    socket.closedByEngine();
  }

  onClientError(_link: Link, socket: OwnSocket, reason: number, understood: number, packet: Buffer): void {
    socket.scope.runInAsyncScope(receiveClientError, undefined, this.server, socket, reason, understood, packet);
  }

  onDropped(address: ConnectionAddress): void {
    const { localAddress, localPort, remoteAddress, remotePort, family } = address;
    this.server.emit('drop', { localAddress, localPort, localFamily: family, remoteAddress, remotePort, remoteFamily: family });
  }

  onLinkClosed(link: Link): void {
    for (const socket of link.connections) if (socket !== null && socket !== undefined) socket.closedByEngine();
  }

  /** The carrier brings the service back; requests under way were aborted with their channel. */
  onLost(): void {}

  onRestored(queue: Queue, bound: BoundUrl[]): void {
    this.server.queueRestored(queue, bound);
  }

  onFailed(queue: Queue, error: Error): void {
    this.server.queueFailed(queue, error);
  }
}
