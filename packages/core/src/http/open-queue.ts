/** Opens a server's queue on its carrier, by prefixes or by port. */
import * as dns from 'node:dns';
import * as net from 'node:net';
import type { AddressInfo } from 'node:net';
import { makeError } from '../errors';
import type { BoundUrl, Carrier, OpenQueueOptions } from '../carriers/carrier';
import { httpSysSettings, maxConcurrentRequestsDefault, nativeQueueOptions, type ServerOptions } from '../options';
import { initialCredit } from '../queue/channel-link';
import type { ListenRequest } from './listen-arguments';

type Opened = (error: Error | null, bound: BoundUrl[], address: AddressInfo | null) => void;

/** node:http's timeouts, when a program has changed them, in the engine's terms. */
interface NodeTimeouts {
  keepAliveTimeout: number;
  headersTimeout: number;
  maxConnections: number;
}

const nodeKeepAliveDefault = 5_000;
const nodeHeadersDefault = 60_000;

function queueOptions(kind: Carrier['kind'], options: ServerOptions, server: NodeTimeouts, request: ListenRequest): OpenQueueOptions {
  const native = nativeQueueOptions(options);
  // 0 means none to node:http.
  const seconds = (milliseconds: number): number => (milliseconds === 0 ? -1 : Math.min(Math.ceil(milliseconds / 1000), 65534));
  if (native.idleConnection === undefined && server.keepAliveTimeout !== nodeKeepAliveDefault) {
    native.idleConnection = seconds(server.keepAliveTimeout);
  }
  if (native.headerWait === undefined && server.headersTimeout !== nodeHeadersDefault) native.headerWait = seconds(server.headersTimeout);
  if (Number.isInteger(server.maxConnections) && server.maxConnections > 0) native.maxConnections = server.maxConnections;
  // A program that counts on knowing its users must not be reached by anybody.
  if (options.authentication !== undefined && kind !== 'httpsys') throw makeError('ERR_HTTPSYS_AUTHENTICATION');
  const name = request.options.queueName ?? options.queueName;
  const mode = request.options.queueMode ?? options.queueMode;
  const credit = initialCredit(options.maxConcurrentRequests ?? maxConcurrentRequestsDefault, kind);
  const special = httpSysSettings(options);
  return {
    ...native,
    ...(name === undefined ? {} : { name }),
    ...(mode === undefined ? {} : { mode }),
    credit,
    ...(kind === 'httpsys' ? { httpsys: special } : {}),
  };
}

function addressOf(host: string, port: number): AddressInfo {
  const address = host === '' ? '::' : host;
  return { address, family: net.isIPv4(address) ? 'IPv4' : 'IPv6', port };
}

function openPrefixes(carrier: Carrier, options: OpenQueueOptions, prefixes: string[], done: Opened): void {
  const urls = prefixes.map((prefix, urlContext) => ({ prefix, urlContext }));
  carrier.open(options, urls, (error, bound) => {
    const first = bound[0];
    done(error, bound, first === undefined ? null : addressOf(first.host, first.port));
  });
}

/** On an engine that several processes share a port is a prefix too; it finds a free one for 0. */
function openPortByPrefix(carrier: Carrier, options: OpenQueueOptions, host: string | undefined, port: number, done: Opened): void {
  const named = host === undefined || host === '::' || host === '0.0.0.0' ? '+' : net.isIPv6(host) ? `[${host}]` : host;
  openPrefixes(carrier, options, [`http://${named}:${port}/`], done);
}

function openPort(carrier: Carrier, options: OpenQueueOptions, host: string | undefined, request: ListenRequest, done: Opened): void {
  let bound: ReturnType<NonNullable<Carrier['openPort']>>;
  try {
    bound = carrier.openPort!(options, host, request.port, request.backlog, 0);
  } catch (error) {
    done(error as Error, [], null);
    return;
  }
  done(null, [bound], addressOf(bound.address, bound.port));
}

/**
 * Opens the queue. The embedded engine binds a port before this returns (supertest reads `address()` on the next line); everything else
 * answers later.
 */
export function openQueue(carrier: Carrier, options: ServerOptions, server: NodeTimeouts, request: ListenRequest, done: Opened): void {
  let queue: OpenQueueOptions;
  try {
    queue = queueOptions(carrier.kind, options, server, request);
  } catch (error) {
    done(error as Error, [], null);
    return;
  }
  if (request.prefixes !== null) {
    openPrefixes(
      carrier,
      queue,
      request.prefixes.map((prefix) => prefix.text),
      done,
    );
    return;
  }
  const { host } = request;
  if (carrier.openPort === undefined) {
    openPortByPrefix(carrier, queue, host, request.port, done);
    return;
  }
  if (host === undefined || host === 'localhost' || net.isIP(host) !== 0 || carrier.namesHosts === true) {
    openPort(carrier, queue, host, request, done);
    return;
  }
  dns.lookup(host, (error, address) => {
    if (error !== null) done(error, [], null);
    else openPort(carrier, queue, address, request, done);
  });
}
