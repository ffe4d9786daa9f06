/** The forms `server.listen` takes: URL prefixes, and everything node:http takes. */
import * as net from 'node:net';
import { makeError } from '../../errors';
import type { EngineName, ServerOptions } from '../../options';
import { parsePrefix, type UrlPrefix } from '../../prefix';
import { nodeError } from '../node-internals';

/** `server.listen(options)`: what node:net takes, or prefixes; foreign keys are ignored, as there. */
export interface ListenOptions extends Pick<ServerOptions, 'queueName' | 'queueMode'> {
  port?: number | string | undefined;
  host?: string | undefined;
  backlog?: number | undefined;
  /** Path of a Unix socket. Not on Windows. */
  path?: string | undefined;
  /** A descriptor that is bound already; it becomes the server's. Embedded engine only. */
  fd?: number | undefined;
  /** In a cluster: this worker alone, on its own event loop. Default false. */
  exclusive?: boolean | undefined;
  /** Several processes bind the port, and the kernel spreads the connections (Linux, FreeBSD; else ENOTSUP). Embedded engine. Default false. */
  reusePort?: boolean | undefined;
  /** No IPv4 clients on `::`. Embedded engine. Default false. */
  ipv6Only?: boolean | undefined;
  /** Everybody may read from, or write to, the socket at `path`. Default false: as the umask has it. */
  readableAll?: boolean | undefined;
  writableAll?: boolean | undefined;
  /** One URL prefix, `http://*:8080/shop/`. */
  prefix?: string;
  /** Several of them. */
  prefixes?: readonly string[];
  engine?: EngineName;
  /** Closes the server. */
  signal?: AbortSignal | undefined;
}

/** A descriptor, and the object of Node's it was found in. */
export interface GivenDescriptor {
  fd: number;
  /** Closed once the engine has a copy of the descriptor. */
  handle: { close(): void } | null;
}

/** What a call of `listen` asks for: prefixes, a descriptor, a path, or else host and port. */
export interface ListenRequest {
  prefixes: UrlPrefix[] | null;
  descriptor: GivenDescriptor | null;
  path: string | null;
  port: number;
  host: string | undefined;
  backlog: number;
  options: ListenOptions;
  callback: (() => void) | null;
}

const backlogDefault = 511;
/** Prefixes of one server. */
const prefixesMax = 1000;
const portMax = 65535;

/** What is no path: a string with a scheme, right or wrong. */
const hasScheme = /^[a-z][a-z0-9+.-]*:\/\//i;

/** node:net's rule for strings: those that are numbers are ports. */
function isPath(value: unknown): value is string {
  return typeof value === 'string' && !(Number(value) >= 0);
}

function isPort(value: unknown): boolean {
  if (typeof value === 'string' ? value.trim() === '' : typeof value !== 'number') return false;
  const port = Number(value);
  return Number.isInteger(port) && port >= 0 && port <= portMax;
}

/** Arguments that node:net refuses are refused by node:net, in its own words. */
function refuse(args: readonly unknown[]): never {
  const server = new net.Server();
  server.on('error', () => undefined);
  Reflect.apply(server.listen as (...values: unknown[]) => unknown, server, args);
  server.close();
  throw nodeError(TypeError, 'ERR_INVALID_ARG_VALUE', 'listen takes URL prefixes, a port, a path, a descriptor, or options');
}

function parsePrefixes(texts: readonly string[]): UrlPrefix[] {
  if (texts.length === 0 || texts.length > prefixesMax) {
    throw nodeError(TypeError, 'ERR_INVALID_ARG_VALUE', `listen takes 1 to ${prefixesMax} URL prefixes. Received ${texts.length}`);
  }
  return texts.map((text) => {
    const prefix = parsePrefix(text);
    // On Windows the certificate is bound with netsh.
    if (prefix.scheme === 'https' && process.platform !== 'win32') throw makeError('ERR_HTTPSYS_TLS_UNSUPPORTED', text);
    return prefix;
  });
}

/** A descriptor in the options, in a handle of Node's (a TCP or pipe wrap), or in a net.Server or net.Socket. */
function descriptorOf(options: object): GivenDescriptor | null {
  const given = options as { _handle?: object | null; handle?: object | null };
  const holder = given._handle ?? given.handle ?? options;
  const { fd, close } = holder as { fd?: unknown; close?: unknown };
  if (typeof fd !== 'number' || !(fd >= 0)) return null;
  return { fd, handle: typeof close === 'function' ? (holder as { close(): void }) : null };
}

function backlogOf(options: ListenOptions, args: readonly unknown[]): number {
  for (const value of [options.backlog, args[1], args[2]]) {
    const backlog = Number(value);
    if (backlog >= 1) return Math.floor(backlog);
  }
  return backlogDefault;
}

/**
 * @throws ERR_HTTPSYS_PREFIX_INVALID, ERR_HTTPSYS_TLS_UNSUPPORTED, and what node:net throws: ERR_SOCKET_BAD_PORT, ERR_INVALID_ARG_VALUE,
 * ERR_INVALID_ARG_TYPE
 */
export function parseListenArguments(args: readonly unknown[]): ListenRequest {
  const last = args[args.length - 1];
  const callback = typeof last === 'function' ? (last as () => void) : null;
  const first = args[0];
  const byObject = typeof first === 'object' && first !== null;
  const options = byObject && !Array.isArray(first) ? (first as ListenOptions) : {};
  const request: ListenRequest = {
    prefixes: null,
    descriptor: null,
    path: null,
    port: 0,
    host: undefined,
    backlog: backlogOf(options, args),
    options,
    callback,
  };
  if (options.signal !== undefined && !(options.signal instanceof AbortSignal)) return refuse(args);
  const texts = Array.isArray(first) ? (first as string[]) : (options.prefixes ?? (options.prefix === undefined ? null : [options.prefix]));
  if (texts !== null || (typeof first === 'string' && hasScheme.test(first))) {
    request.prefixes = parsePrefixes(texts ?? [first as string]);
    return request;
  }
  if (first === undefined || first === null || typeof first === 'function') return request;
  if (byObject) {
    request.descriptor = descriptorOf(first);
    if (request.descriptor !== null) return request;
  }
  const port = byObject ? options.port : isPath(first) ? undefined : first;
  if (byObject && 'port' in options && (port === undefined || port === null)) {
    request.host = options.host || undefined;
    return request;
  }
  if (typeof port === 'number' || typeof port === 'string') {
    if (!isPort(port)) return refuse(args);
    request.port = Number(port);
    const host = byObject ? options.host : args[1];
    request.host = typeof host === 'string' && host !== '' ? host : undefined;
    return request;
  }
  const path = byObject ? options.path : first;
  if (!isPath(path) || path === '') return refuse(args);
  request.path = path;
  return request;
}
