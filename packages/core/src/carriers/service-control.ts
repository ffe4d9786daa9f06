/** An application's end of one control connection to the service. */
import * as net from 'node:net';
import { HttpsysError, makeError } from '../errors';
import * as frames from '../queue/frames';
import { checkHello, ControlDecoder, encodeControl, helloText, ownHello, type ControlFrame, type Hello } from '../service/control-frames';
import { packageVersion } from '../service/version';
import { loopTimeout } from './loop-timeout';

/** The fields of a reply, without code and message. */
export type Reply = Record<string, unknown>;

interface Waiting {
  resolve(reply: Reply): void;
  reject(error: Error): void;
}

/** A service that takes longer for its HELLO is not there, milliseconds. */
const CONNECT_TIMEOUT_MS = 3000;

export class ControlConnection {
  /** The service's HELLO. */
  peer!: Hello;
  /** Called once when the connection ends without `end` or `destroy`. */
  onLost: ((error: Error) => void) | null = null;
  private readonly waiting = new Map<number, Waiting>();
  private readonly decoder = new ControlDecoder();
  private lastId = 0;
  private ended = false;
  private gotHello = false;

  private constructor(private readonly socket: net.Socket) {
    socket.on('data', (chunk: Buffer) => this.onData(chunk));
    socket.on('error', (error) => this.finish(error));
    socket.on('close', () => this.finish(makeError('ERR_HTTPSYS_SERVICE_LOST', 'the control connection ended')));
  }

  /**
   * Connects and exchanges HELLO.
   *
   * @throws the socket's error (`ENOENT`, `ECONNREFUSED`: no service), ERR_HTTPSYS_SERVICE_LOST, ERR_HTTPSYS_VERSION
   */
  static async open(path: string): Promise<ControlConnection> {
    const socket = net.connect(path);
    const connection = new ControlConnection(socket);
    const cancel = loopTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy(makeError('ERR_HTTPSYS_SERVICE_LOST', 'it does not answer')));
    try {
      connection.peer = checkHello(await connection.request(frames.Hello, ownHello(packageVersion)));
      return connection;
    } catch (error) {
      connection.destroy();
      throw error;
    } finally {
      cancel();
    }
  }

  /** @throws what the service answered, with its code and properties, or ERR_HTTPSYS_SERVICE_LOST */
  request(type: number, body: object): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.ended) {
        reject(makeError('ERR_HTTPSYS_SERVICE_LOST', 'the control connection has ended'));
        return;
      }
      this.lastId = (this.lastId + 1) & 0x7fffffff;
      this.socket.write(encodeControl(type, this.lastId, body));
      this.waiting.set(this.lastId, { resolve, reject });
    });
  }

  get hasEnded(): boolean {
    return this.ended;
  }

  /** Ends without the alarm of `onLost`. */
  destroy(): void {
    this.onLost = null;
    this.socket.destroy();
    this.finish(makeError('ERR_HTTPSYS_SERVICE_LOST', 'the control connection was closed'));
  }

  ref(): void {
    this.socket.ref();
  }

  unref(): void {
    this.socket.unref();
  }

  private onData(chunk: Buffer): void {
    try {
      for (const frame of this.decoder.push(chunk)) this.onFrame(frame);
    } catch (error) {
      this.socket.destroy();
      this.finish(error as Error);
    }
  }

  private onFrame(frame: ControlFrame): void {
    if (frame.type === frames.Hello && !this.gotHello) {
      this.gotHello = true;
      const theirs = checkHello(frame.body);
      if (theirs.protocolMajor !== frames.ProtocolMajor) {
        throw makeError('ERR_HTTPSYS_VERSION', helloText(ownHello(packageVersion)), helloText(theirs));
      }
      return;
    }
    // Types of a later minor version are skipped.
    if (frame.type !== frames.Reply) return;
    const waiting = this.waiting.get(frame.id);
    if (waiting === undefined) return;
    this.waiting.delete(frame.id);
    const { code, message, ...rest } = frame.body;
    if (code === 'OK') waiting.resolve(rest);
    else waiting.reject(new HttpsysError(String(code), String(message), rest));
  }

  private finish(error: Error): void {
    if (this.ended) return;
    this.ended = true;
    for (const waiting of this.waiting.values()) waiting.reject(error);
    this.waiting.clear();
    this.onLost?.(error);
    this.onLost = null;
  }
}
