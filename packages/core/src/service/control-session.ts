/** One control connection at the service: HELLO, then requests of one application about its request queue. */
import type * as net from 'node:net';
import { HttpsysError, makeError } from '../errors';
import * as frames from '../queue/frames';
import { checkBacklog, checkQueueMode, checkQueueName, checkQueueOptions, checkRegistrations, checkUrl, invalid } from './check';
import { checkHello, ControlDecoder, encodeControl, helloText, ownHello, type ControlFrame } from './control-frames';
import type { ControlPlane, Session } from './control-plane';
import { DEFAULT_BACKLOG, HELLO_TIMEOUT_MS, MAX_CONTROL_BACKLOG_BYTES } from './limits';
import { packageVersion } from './version';

export interface SessionContext {
  plane: ControlPlane;
  /** Data sockets, one per I/O thread. */
  socketPaths: string[];
  log(event: string): void;
  /** The session is over. */
  onEnd(session: ControlSession): void;
}

type Body = Record<string, unknown>;

export class ControlSession {
  private readonly decoder = new ControlDecoder();
  private session: Session | null = null;
  private helloTimer: NodeJS.Timeout | null;
  private ended = false;

  constructor(
    private readonly socket: net.Socket,
    /** From the kernel, not from HELLO: the pid that others are told. */
    private readonly pid: number,
    private readonly context: SessionContext,
  ) {
    this.helloTimer = setTimeout(() => this.drop('no HELLO in time'), HELLO_TIMEOUT_MS);
    socket.on('data', (chunk: Buffer) => this.onData(chunk));
    socket.on('error', (error) => this.context.log(`process ${this.pid}: ${error.message}`));
    socket.on('close', () => this.finish());
    this.send(frames.Hello, 0, ownHello(packageVersion));
  }

  drop(why: string): void {
    if (this.ended) return;
    this.context.log(`process ${this.pid}: connection ended: ${why}`);
    this.socket.destroy();
    this.finish();
  }

  private onData(chunk: Buffer): void {
    try {
      for (const frame of this.decoder.push(chunk)) {
        if (this.ended) return;
        this.onFrame(frame);
      }
    } catch (error) {
      this.drop((error as Error).message);
    }
  }

  private onFrame(frame: ControlFrame): void {
    let reply: Body;
    try {
      reply = { code: 'OK', ...this.answer(frame) };
    } catch (error) {
      reply = describe(error);
      this.context.log(`process ${this.pid}: ${String(reply.code)} ${String(reply.message)}`);
    }
    this.send(frames.Reply, frame.id, reply);
    if (this.session === null) this.socket.end();
  }

  private answer(frame: ControlFrame): Body {
    const { plane } = this.context;
    if (frame.type === frames.Hello) return this.hello(frame.body);
    if (this.session === null) throw makeError('ERR_HTTPSYS_PROTOCOL', 'HELLO must come first');
    switch (frame.type) {
      case frames.OpenQueue:
        return this.openQueue(this.session, frame.body);
      case frames.AddUrl:
        return this.addUrls(this.session, frame.body);
      case frames.RemoveUrl:
        return { others: plane.removeUrls(this.session) };
      case frames.SetProperty:
        return { applied: plane.setOptions(this.session, checkQueueOptions(frame.body.options)) };
      case frames.FlushCache:
        return { count: plane.flushCache(this.session, checkUrl(frame.body.url), frame.body.recursive === true) };
      case frames.QueryState:
        return { state: plane.queryState() };
      case frames.CloseQueue:
        plane.closeQueue(this.session);
        this.context.log(`process ${this.pid}: queue closed`);
        return {};
      default:
        throw invalid(`unknown request ${frame.type}`);
    }
  }

  private hello(body: Body): Body {
    if (this.session !== null) throw invalid('HELLO came already');
    const theirs = checkHello(body);
    const ours = ownHello(packageVersion);
    if (theirs.protocolMajor !== ours.protocolMajor) throw makeError('ERR_HTTPSYS_VERSION', helloText(theirs), helloText(ours));
    this.session = this.context.plane.openSession(this.pid || theirs.pid, theirs.version);
    if (this.helloTimer !== null) clearTimeout(this.helloTimer);
    this.helloTimer = null;
    return { ...ours };
  }

  private openQueue(session: Session, body: Body): Body {
    const name = checkQueueName(body.name);
    const mode = checkQueueMode(body.mode);
    const opened = this.context.plane.openQueue(session, { name, mode, options: checkQueueOptions(body.options) });
    this.context.log(`process ${this.pid} (${session.version}): queue ${name ?? 'without a name'} ${opened.created ? 'opened' : 'joined'}`);
    return { created: opened.created, sockets: this.context.socketPaths, key: hex(opened.key) };
  }

  private addUrls(session: Session, body: Body): Body {
    const registrations = checkRegistrations(body.urls);
    const added = this.context.plane.addUrls(session, registrations, { backlog: checkBacklog(body.backlog, DEFAULT_BACKLOG) });
    for (const url of added.bound) this.context.log(`process ${this.pid}: serves ${url.prefix}`);
    return added.key === null ? { bound: added.bound } : { bound: added.bound, key: hex(added.key) };
  }

  private send(type: number, id: number, body: object): void {
    if (this.ended) return;
    let frame: Buffer;
    try {
      frame = encodeControl(type, id, body);
    } catch (error) {
      frame = encodeControl(type, id, describe(error));
    }
    this.socket.write(frame);
    if (this.socket.writableLength > MAX_CONTROL_BACKLOG_BYTES) this.drop('it does not read its replies');
  }

  private finish(): void {
    if (this.ended) return;
    this.ended = true;
    if (this.helloTimer !== null) clearTimeout(this.helloTimer);
    this.helloTimer = null;
    const { session } = this;
    if (session !== null) {
      if (session.queue !== null) this.context.log(`process ${this.pid}: gone without closing its queue`);
      this.context.plane.sessionLost(session);
    }
    this.context.onEnd(this);
  }
}

/** Errors as they travel: code, message and the properties that callers of `listen` test for. */
function describe(error: unknown): Body {
  const { code, message, errno, prefix, address, port, pid, syscall } = error as NodeJS.ErrnoException & Body;
  const known = error instanceof HttpsysError || typeof code === 'string';
  return { code: known ? code : 'EIO', message: message ?? String(error), errno, syscall, prefix, address, port, pid };
}

function hex(key: Uint8Array | null): string {
  return key === null ? '' : Buffer.from(key).toString('hex');
}
