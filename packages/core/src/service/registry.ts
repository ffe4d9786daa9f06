/** Who has registered what: sessions, queues and URLs of one engine as plain data. The rules are in control-plane.ts. */
import type { NativeQueueOptions } from '../carriers/native';
import type { UrlPrefix } from '../prefix';

/** One control connection, or one carrier of this process: a process's part in one request queue. */
export interface Session {
  readonly id: number;
  readonly pid: number;
  readonly version: string;
  queue: Queue | null;
  /** Proof for data channels; null where channels are attached by call. */
  key: Uint8Array | null;
}

export interface Queue {
  /** The engine's id. It outlives a process that died, and with it the queue's cache entries. */
  nativeId: number;
  readonly name: string | undefined;
  options: NativeQueueOptions;
  /** In order of arrival; the first is the creator, who alone sets options (QUEUE-5). */
  readonly members: Set<Session>;
  readonly urls: Set<RegisteredUrl>;
}

export interface RegisteredUrl {
  /** In the registry: the canonical text of a prefix. */
  readonly key: string;
  readonly prefix: UrlPrefix;
  /** The prefix with port 0 that this came from; others of a named queue who ask the same get the same port. */
  readonly asked: string | null;
  readonly queue: Queue;
  urlContext: number;
  /** Sessions that registered it; several only on a named queue. */
  readonly holders: Set<Session>;
  /** Set when the last holder died: the time (performance.now) at which it is dropped. */
  orphanedUntil: number;
  /** Of a lone listener: only what comes there is routed to this URL. 0: a prefix, which shares its port. */
  readonly routeKey: number;
}

export class Registry {
  readonly sessions = new Set<Session>();
  readonly queues = new Set<Queue>();
  readonly names = new Map<string, Queue>();
  /** By key: equal prefixes are the same registration (URL-20). */
  readonly urls = new Map<string, RegisteredUrl>();
  private lastSessionId = 0;
  private lastQueueId = 0;

  addSession(pid: number, version: string): Session {
    const session: Session = { id: ++this.lastSessionId, pid, version, queue: null, key: null };
    this.sessions.add(session);
    return session;
  }

  addQueue(name: string | undefined, options: NativeQueueOptions): Queue {
    const queue: Queue = { nativeId: ++this.lastQueueId, name, options, members: new Set(), urls: new Set() };
    this.queues.add(queue);
    if (name !== undefined) this.names.set(foldName(name), queue);
    return queue;
  }

  removeQueue(queue: Queue): void {
    this.queues.delete(queue);
    if (queue.name !== undefined) this.names.delete(foldName(queue.name));
  }

  findQueue(name: string): Queue | undefined {
    return this.names.get(foldName(name));
  }

  addUrl(url: RegisteredUrl): void {
    this.urls.set(url.key, url);
    url.queue.urls.add(url);
  }

  removeUrl(url: RegisteredUrl): void {
    this.urls.delete(url.key);
    url.queue.urls.delete(url);
  }

  /** The prefixes that share a port. */
  *urlsOfPort(port: number): Generator<RegisteredUrl> {
    for (const url of this.urls.values()) if (url.routeKey === 0 && url.prefix.port === port) yield url;
  }
}

/** Names of Windows objects compare without case. */
function foldName(name: string): string {
  return name.toLowerCase();
}
