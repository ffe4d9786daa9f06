/** An engine in memory: keeps what the control plane told it, with the operating system's rules for listening sockets. */
import * as net from 'node:net';
import type { AddressInfo } from 'node:net';
import type { LoneAddress, NativeEngine, NativeQueueOptions, NativeUrl } from '../../src/carriers/native';

function osError(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`listen ${code}`), { code, errno: -1, syscall: 'listen' });
}

export class FakeEngine implements NativeEngine {
  /** `host:port` of our own sockets. */
  readonly listening = new Set<string>();
  /** Lone listeners: route key and address. */
  readonly lone = new Map<number, string>();
  /** Sockets of other programs. */
  readonly foreign = new Set<string>();
  /** Ports that take a right this process does not have. */
  readonly forbidden = new Set<number>();
  hasIPv6 = true;
  urls: NativeUrl[] = [];
  readonly queues = new Map<number, NativeQueueOptions>();
  /** Hex keys and their queues. */
  readonly keys = new Map<string, number>();
  readonly flushed: { queueId: number; url: string; recursive: boolean }[] = [];
  state: unknown = {};
  closed = false;
  /** Calls of listen and unlisten in order. */
  readonly log: string[] = [];
  private nextPort = 40_000;

  listen(host: string, port: number): number {
    if (port === 0) port = this.nextPort++;
    if (this.forbidden.has(port)) throw osError('EACCES');
    if (!this.hasIPv6 && net.isIPv6(host)) throw osError('EADDRNOTAVAIL');
    for (const taken of [...this.listening, ...this.lone.values(), ...this.foreign])
      if (overlap(taken, host, port)) throw osError('EADDRINUSE');
    this.log.push(`+${host}:${port}`);
    this.listening.add(`${host}:${port}`);
    return port;
  }
  listenAlone(routeKey: number, where: LoneAddress): AddressInfo | undefined {
    const host = where.host ?? '';
    const port = this.listen(host, where.port ?? 0);
    this.listening.delete(`${host}:${port}`);
    this.lone.set(routeKey, `${host}:${port}`);
    return { address: host || '::', family: net.isIPv4(host) ? 'IPv4' : 'IPv6', port };
  }
  unlisten(host: string, port: number): void {
    if (host === '' && this.lone.delete(port)) return;

    if (!this.listening.delete(`${host}:${port}`)) throw new Error(`not listening on ${host}:${port}`);
    this.log.push(`-${host}:${port}`);
  }
  setUrls(urls: NativeUrl[]): void {
    for (const url of urls) if (!this.queues.has(url.queueId)) throw new Error(`a URL of queue ${url.queueId}, which does not exist`);
    this.urls = urls;
  }
  openQueue(queueId: number, options: NativeQueueOptions): void {
    if (this.queues.has(queueId)) throw new Error('queue id used twice');
    this.queues.set(queueId, { ...options });
  }
  setQueueOptions(queueId: number, options: NativeQueueOptions): void {
    Object.assign(this.queue(queueId), options);
  }
  closeQueue(queueId: number): void {
    this.queue(queueId);
    if (this.urls.some((url) => url.queueId === queueId)) throw new Error('the table still names the queue');
    this.queues.delete(queueId);
  }
  allowAttach(key: Uint8Array, queueId: number): void {
    this.queue(queueId);
    this.keys.set(Buffer.from(key).toString('hex'), queueId);
  }
  revokeAttach(key: Uint8Array): void {
    if (!this.keys.delete(Buffer.from(key).toString('hex'))) throw new Error('unknown key');
  }
  attach(): number {
    return 1;
  }
  submit(): void {}
  detach(): void {}
  flushCache(queueId: number, url: string, recursive: boolean): number {
    this.queue(queueId);
    this.flushed.push({ queueId, url, recursive });
    return 1;
  }
  queryState(): unknown {
    return this.state;
  }
  ref(): void {}
  unref(): void {}
  close(): void {
    this.closed = true;
  }

  private queue(queueId: number): NativeQueueOptions {
    const queue = this.queues.get(queueId);
    if (queue === undefined) throw new Error(`queue ${queueId} does not exist`);
    return queue;
  }
}

/** A wildcard address and any other of the port exclude each other. */
function overlap(taken: string, host: string, port: number): boolean {
  const colon = taken.lastIndexOf(':');
  if (taken.slice(colon + 1) !== String(port)) return false;
  const other = taken.slice(0, colon);
  const any = (address: string): boolean => address === '' || address === '::' || address === '0.0.0.0';
  return other === host || any(other) || any(host);
}
