/** The control socket of the service: who may connect, how many, and when nobody is left. */
import * as net from 'node:net';
import type { NativeBinding } from '../carriers/native';
import type { ControlPlane } from './control-plane';
import { ControlSession } from './control-session';
import { MAX_SESSIONS } from './limits';

export interface ControlServerOptions {
  addon: NativeBinding;
  plane: ControlPlane;
  socketPaths: string[];
  /** How long to stay without applications, milliseconds. */
  lingerMs: number;
  log(event: string): void;
  /** Nobody was there for `lingerMs`. */
  onIdle(): void;
}

export class ControlServer {
  private readonly server: net.Server;
  private readonly sessions = new Set<ControlSession>();
  private lingerTimer: NodeJS.Timeout | null = null;

  constructor(private readonly options: ControlServerOptions) {
    this.server = net.createServer((socket) => this.accept(socket));
    this.server.maxConnections = MAX_SESSIONS;
  }

  listen(path: string, done: () => void): void {
    this.server.on('error', (error) => {
      throw error;
    });
    this.server.listen({ path, backlog: 511 }, () => {
      this.startLinger();
      done();
    });
  }

  /** Ends all control connections; their processes reconnect elsewhere. */
  close(): void {
    if (this.lingerTimer !== null) clearTimeout(this.lingerTimer);
    this.lingerTimer = null;
    this.server.close();
    for (const session of [...this.sessions]) session.drop('the service ends');
  }

  private accept(socket: net.Socket): void {
    const peer = this.identify(socket);
    if (peer === null) {
      socket.destroy();
      return;
    }
    if (this.lingerTimer !== null) clearTimeout(this.lingerTimer);
    this.lingerTimer = null;
    this.sessions.add(
      new ControlSession(socket, peer, {
        plane: this.options.plane,
        socketPaths: this.options.socketPaths,
        log: this.options.log,
        onEnd: (session) => {
          this.sessions.delete(session);
          if (this.sessions.size === 0) this.startLinger();
        },
      }),
    );
  }

  /** The pid of a peer of the same user; the directory's mode keeps others out already, and this holds when that was changed. */
  private identify(socket: net.Socket): number | null {
    try {
      const { pid, uid } = this.options.addon.peerCredentials(descriptorOf(socket));
      if (uid === process.getuid?.()) return pid;
      this.options.log(`refused process ${pid} of user ${uid}`);
    } catch (error) {
      this.options.log(`refused a connection: ${(error as Error).message}`);
    }
    return null;
  }

  private startLinger(): void {
    if (!this.server.listening) return;
    if (this.lingerTimer !== null) clearTimeout(this.lingerTimer);
    this.lingerTimer = setTimeout(() => this.options.onIdle(), this.options.lingerMs);
  }
}

/** The one internal of Node the service relies on: there is no public way from a socket to its descriptor. */
function descriptorOf(socket: net.Socket): number {
  const handle = (socket as unknown as { _handle?: { fd?: unknown } })._handle;
  if (typeof handle?.fd !== 'number' || handle.fd < 0) throw new Error('the connection has no descriptor');
  return handle.fd;
}
