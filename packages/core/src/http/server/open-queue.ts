/** Opens a server's queue on its carrier, by prefixes or by port. */
import * as cluster from 'node:cluster';
import * as dns from 'node:dns';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as path from 'node:path';
import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';
import type { AddressInfo } from 'node:net';
import { makeError } from '../../errors';
import type { BoundUrl, Carrier, LoneAddress, LoneBound, OpenQueueOptions } from '../../carriers/carrier';
import { clusterQueue, defaultQueueMode } from '../../carriers/cluster-queue';
import { httpSysSettings, maxConcurrentRequestsDefault, type NativeQueueOptions, type ServerOptions } from '../../options';
import { initialCredit } from '../../queue/channel-link';
import type { ListenRequest } from './listen-arguments';

/** How a queue is listening; `release` is due when the server closes. */
export interface OpenedQueue {
  bound: BoundUrl[];
  address: AddressInfo | string | null;
}

type Opened = (error: Error | null, opened: OpenedQueue | null) => void;

/** What the server keeps of the call until it is closed. */
export interface Opening {
  release(): void;
}

const nothingToRelease: Opening = { release: () => undefined };

function queueOptions(kind: Carrier['kind'], options: ServerOptions, native: NativeQueueOptions): OpenQueueOptions {
  // A program that counts on knowing its users must not be reached by anybody.
  if (options.authentication !== undefined && kind !== 'httpsys') throw makeError('ERR_HTTPSYS_AUTHENTICATION');
  const credit = initialCredit(options.maxConcurrentRequests ?? maxConcurrentRequestsDefault, kind);
  return { ...native, credit, ...(kind === 'httpsys' ? { httpsys: httpSysSettings(options) } : {}) };
}

function addressOf(host: string, port: number): AddressInfo {
  const address = host === '' ? '::' : host;
  return { address, family: net.isIPv4(address) ? 'IPv4' : 'IPv6', port };
}

/** What node:net says of an address, where the service has found words for a prefix; who holds a port stays in `pid`. */
function inNodesWords(error: Error, address: string, port: number): Error {
  const { code = '', pid } = error as NodeJS.ErrnoException & { pid?: number };
  const errno = -(constants.errno as Partial<Record<string, number>>)[code]!;
  const known = getSystemErrorMap().get(errno);
  // A right that is missing is explained with what can be done about it.
  if (known === undefined || (code === 'EACCES' && port > 0)) return error;
  const told = new Error(`listen ${code}: ${known[1]} ${port > 0 ? `${address}:${port}` : address}`);
  Object.assign(told, { code, errno, syscall: 'listen', address }, port === 0 ? {} : { port }, pid === undefined ? {} : { pid });
  return told;
}

/** One `listen` on one carrier. */
class Listening implements Opening {
  private readonly queue: OpenQueueOptions;
  private shared: Opening = nothingToRelease;

  constructor(
    private readonly carrier: Carrier,
    options: ServerOptions,
    native: NativeQueueOptions,
    private readonly request: ListenRequest,
    private readonly done: Opened,
  ) {
    this.queue = queueOptions(carrier.kind, options, native);
    const name = request.options.queueName ?? options.queueName;
    if (name !== undefined) this.queue.name = name;
    const mode = request.options.queueMode ?? options.queueMode ?? (name === undefined ? undefined : defaultQueueMode());
    if (mode !== undefined) this.queue.mode = mode;
  }

  release(): void {
    this.shared.release();
  }

  start(): void {
    const { request, carrier } = this;
    if (request.prefixes !== null) {
      this.openUrls(request.prefixes.map((prefix) => prefix.text));
    } else if (carrier.openAlone === undefined) {
      if (request.descriptor !== null) this.refuse('EINVAL', 'a descriptor can be listened on by the embedded engine only', 'fd');
      else if (request.path !== null) this.openPathByUrl(path.resolve(request.path), request.path);
      else this.resolve((host) => this.openPortByUrl(host));
    } else if (request.descriptor !== null) {
      const { fd, handle } = request.descriptor;
      this.openAlone({ fd, duplicate: handle !== null }, () => handle?.close());
    } else if (request.path !== null) {
      const where = request.path;
      this.openAlone({ path: where }, () => this.setMode(where));
    } else {
      const { ipv6Only = false, reusePort = false } = request.options;
      this.resolve((host) => this.openAlone({ host, port: request.port, ipv6Only, reusePort }));
    }
  }

  /** An address at once, so that it can be bound before `listen` returns; a name as node:net looks it up. */
  private resolve(next: (host: string | undefined) => void): void {
    const { host } = this.request;
    if (host === undefined || net.isIP(host) !== 0 || this.carrier.namesHosts === true) {
      next(host);
    } else if (host === 'localhost') {
      // Every machine has it; tests read `address()` on the line after `listen(0, 'localhost')`.
      next('127.0.0.1');
    } else {
      dns.lookup(host, (error, address) => {
        if (error === null) next(address);
        else this.done(error, null);
      });
    }
  }

  private openUrls(prefixes: string[], address?: (bound: BoundUrl) => AddressInfo | string, explain?: (error: Error) => Error): void {
    if (cluster.default.isWorker && this.queue.name === undefined && this.carrier.kind === 'service') {
      const { name, mode, release } = clusterQueue(prefixes);
      Object.assign(this.queue, { name, mode });
      this.shared = { release };
    }
    const urls = prefixes.map((prefix, urlContext) => ({ prefix, urlContext }));
    this.carrier.open(this.queue, urls, (error, bound) => {
      const first = bound[0];
      if (error !== null || first === undefined) {
        this.release();
        this.done(error !== null && explain !== undefined && this.carrier.kind === 'service' ? explain(error) : error, null);
        return;
      }
      this.done(null, { bound, address: address === undefined ? addressOf(first.host, first.port) : address(first) });
    });
  }

  /** On an engine that several processes share a port is a prefix too; it finds a free one for 0. */
  private openPortByUrl(host: string | undefined): void {
    const named = host === undefined || host === '::' || host === '0.0.0.0' ? '+' : net.isIPv6(host) ? `[${host}]` : host;
    const { port } = this.request;
    this.openUrls(
      [`http://${named}:${port}/`],
      (bound) => addressOf(host ?? '', bound.port),
      (error) => inNodesWords(error, host ?? '::', port),
    );
  }

  private openPathByUrl(resolved: string, written: string): void {
    const listened = (): string => {
      this.setMode(resolved);
      return written;
    };
    this.openUrls([`unix:${resolved}`], listened, (error) => inNodesWords(error, written, -1));
  }

  /** `listened` runs before the server is told. */
  private openAlone(where: LoneAddress, listened?: () => void): void {
    let bound: LoneBound;
    try {
      bound = this.carrier.openAlone!(this.queue, where, this.request.backlog, 0);
      listened?.();
    } catch (error) {
      this.done(error as Error, null);
      return;
    }
    this.done(null, { bound: [bound], address: bound.address });
  }

  /** `readableAll` and `writableAll`: who beside the owner may connect. */
  private setMode(file: string): void {
    const { readableAll, writableAll } = this.request.options;
    const more = (readableAll === true ? 0o444 : 0) | (writableAll === true ? 0o222 : 0);
    if (more !== 0) fs.chmodSync(file, (fs.statSync(file).mode & 0o777) | more);
  }

  private refuse(code: string, why: string, argument: string): void {
    this.done(Object.assign(new Error(`listen ${code}: ${why} (${argument})`), { code, syscall: 'listen' }), null);
  }
}

/**
 * Opens the queue. The embedded engine listens before this returns (supertest reads `address()` on the next line), except on a name;
 * everything else answers later.
 *
 * @param native the engine's part of the options
 */
export function openQueue(
  carrier: Carrier,
  options: ServerOptions,
  native: NativeQueueOptions,
  request: ListenRequest,
  done: Opened,
): Opening {
  let listening: Listening;
  try {
    listening = new Listening(carrier, options, native, request, done);
  } catch (error) {
    done(error as Error, null);
    return nothingToRelease;
  }
  listening.start();
  return listening;
}
