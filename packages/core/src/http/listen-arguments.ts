/** The forms `server.listen` takes: URL prefixes, and everything node:http takes for a port. */
import { makeError } from '../errors';
import type { EngineName, ServerOptions } from '../options';
import { parsePrefix, type UrlPrefix } from '../prefix';
import { nodeError } from './node-internals';

/** `server.listen(options)`: what node:net takes for a port, or prefixes; foreign keys are ignored, as there. */
export interface ListenOptions extends Pick<ServerOptions, 'queueName' | 'queueMode'> {
  port?: number | string | undefined;
  host?: string | undefined;
  backlog?: number | undefined;
  /** One URL prefix, `http://*:8080/shop/`. */
  prefix?: string;
  /** Several of them. */
  prefixes?: readonly string[];
  engine?: EngineName;
  signal?: AbortSignal | undefined;
}

/** What a call of `listen` asks for. */
export interface ListenRequest {
  prefixes: UrlPrefix[] | null;
  port: number;
  host: string | undefined;
  backlog: number;
  options: ListenOptions;
  callback: (() => void) | null;
}

const backlogDefault = 511;
/** Prefixes of one server. */
const prefixesMax = 1000;

function portNumber(value: unknown): number {
  const port = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 0 || port > 65535) {
    throw nodeError(RangeError, 'ERR_SOCKET_BAD_PORT', `options.port should be >= 0 and < 65536. Received ${String(value)}.`);
  }
  return port;
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

/**
 * @throws ERR_HTTPSYS_PREFIX_INVALID, ERR_HTTPSYS_TLS_UNSUPPORTED, ERR_SOCKET_BAD_PORT, ERR_INVALID_ARG_VALUE
 */
export function parseListenArguments(args: readonly unknown[]): ListenRequest {
  const last = args.length > 0 ? args[args.length - 1] : undefined;
  const callback = typeof last === 'function' ? (last as () => void) : null;
  const request: ListenRequest = { prefixes: null, port: 0, host: undefined, backlog: backlogDefault, options: {}, callback };
  const first = args[0];
  if (first === undefined || first === null || typeof first === 'function') return request;
  if (Array.isArray(first)) {
    request.prefixes = parsePrefixes(first as string[]);
    return request;
  }
  if (typeof first === 'object') {
    const options = first as ListenOptions;
    request.options = options;
    const texts = options.prefixes ?? (options.prefix === undefined ? null : [options.prefix]);
    if (texts !== null) request.prefixes = parsePrefixes(texts);
    else if (options.port === undefined || options.port === null) {
      const why = `The argument 'options' must have the property "port", "prefix" or "prefixes". Received ${JSON.stringify(options)}`;
      throw nodeError(TypeError, 'ERR_INVALID_ARG_VALUE', why);
    } else request.port = portNumber(options.port);
    request.host = options.host;
    if (typeof options.backlog === 'number' && options.backlog > 0) request.backlog = options.backlog;
    return request;
  }
  if (typeof first === 'string' && !/^\d+$/.test(first)) {
    request.prefixes = parsePrefixes([first]);
    return request;
  }
  request.port = portNumber(first);
  for (const argument of args.slice(1)) {
    if (typeof argument === 'string' && argument !== '') request.host = argument;
    else if (typeof argument === 'number' && argument > 0) request.backlog = argument;
  }
  return request;
}
