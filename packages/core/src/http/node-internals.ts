/**
 * The few private slots of Node's own message classes that a subclass has to fill: found by their description once, at load.
 * `test/unit/node-internals.test.ts` checks them on every Node version of the CI.
 */
import http from 'node:http';
import * as net from 'node:net';
import { PerformanceObserver } from 'node:perf_hooks';

function symbolOf(object: object, description: string): symbol {
  const found = Object.getOwnPropertySymbols(object).find((symbol) => symbol.description === description);
  // A slot that a later Node has dropped gets a symbol of ours: writing it is then without effect there.
  return found ?? Symbol(description);
}

/** Where `slipstream` keeps, on node:http's module object, what was there before; known to every copy of this package in the process. */
export const slipstreamKey = Symbol.for('httpsys.slipstream');

/** node:http's own classes, also when another copy of this package has put its own into the module. */
export const node: Pick<typeof http, 'Server' | 'IncomingMessage' | 'ServerResponse' | 'createServer'> = (
  http as unknown as Record<symbol, { before: typeof http } | undefined>
)[slipstreamKey]?.before ?? {
  Server: http.Server,
  IncomingMessage: http.IncomingMessage,
  ServerResponse: http.ServerResponse,
  createServer: http.createServer,
};

const incoming = new node.IncomingMessage(null as never);
const outgoing = new http.OutgoingMessage();

/** IncomingMessage: how many entries of `rawHeaders` its `headers` getter reads. */
export const kHeadersCount = symbolOf(incoming, 'kHeadersCount');
/** IncomingMessage: the object its `headers` getter has made. */
export const kHeaders = symbolOf(incoming, 'kHeaders');
/** OutgoingMessage: header fields by lower-case name, each `[name, value]`. */
export const kOutHeaders = symbolOf(outgoing, 'kOutHeaders');
/** OutgoingMessage: a `write` has returned false and `'drain'` is due. */
export const kNeedDrain = symbolOf(outgoing, 'kNeedDrain');
/** ServerResponse: the measurement that `_finish` reports, when a PerformanceObserver listens to 'http' while the response is made. */
export const kStatistics = statisticsSymbol();

function statisticsSymbol(): symbol {
  const observer = new PerformanceObserver(() => undefined);
  observer.observe({ entryTypes: ['http'] });
  const response = new http.ServerResponse(incoming);
  observer.disconnect();
  return symbolOf(response, 'ServerResponseStatistics');
}

/** net.Socket: the timer of `setTimeout`. */
export const kTimeout = symbolOf(new net.Socket(), 'timeout');

/** Node's constructors of errors with its own codes are not public; these carry the same `code` and message. */
export function nodeError(Base: ErrorConstructor | TypeErrorConstructor, code: string, message: string): NodeJS.ErrnoException {
  const error: NodeJS.ErrnoException = new Base(message);
  error.code = code;
  return error;
}

function sourceOf(method: unknown): string {
  return typeof method === 'function' ? Function.prototype.toString.call(method) : '';
}

/**
 * Node's own methods, or null when an agent had replaced them before this module was loaded. The short cut of `end` is taken only while
 * the prototypes still hold these; otherwise the call goes through whatever was put there.
 */
export const nativeWriteHead = sourceOf(node.ServerResponse.prototype.writeHead).includes('ERR_HTTP_INVALID_STATUS_CODE')
  ? node.ServerResponse.prototype.writeHead
  : null;
export const nativeEnd = sourceOf(node.ServerResponse.prototype.end).includes('strictContentLength')
  ? node.ServerResponse.prototype.end
  : null;
export const nativeSetHeader = sourceOf(node.ServerResponse.prototype.setHeader).includes('ERR_HTTP_HEADERS_SENT')
  ? node.ServerResponse.prototype.setHeader
  : null;
