import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server, type ServerOptions } from '@httpsys/core';
import { mount } from './mount';

/** Core's server options; what Fastify was given (`keepAliveTimeout`, `requestTimeout`, ...) is taken over beside them. */
export type HttpsysServerFactoryOptions = ServerOptions;

/** What Fastify passes to a factory, as far as it concerns a server. It applies none of it itself. */
interface FastifyServerOptions {
  connectionTimeout?: number;
  keepAliveTimeout?: number;
  requestTimeout?: number;
  maxRequestsPerSocket?: number;
  http?: object | null;
  https?: unknown;
  http2?: boolean;
}

/** The type of Fastify's option `serverFactory`. */
export type HttpsysServerFactory = (
  handler: (req: IncomingMessage, res: ServerResponse) => void,
  options: Record<string, unknown>,
) => Server;

/**
 * For `Fastify({ serverFactory: httpsysServerFactory() })`: `app.listen({ port })` and `app.listen({ prefix })` then run on httpsys, with all that
 * Fastify does around them.
 *
 * @throws TypeError when Fastify was given `https` or `http2`: certificates are bound to host:port outside the app
 */
export function httpsysServerFactory(options: HttpsysServerFactoryOptions = {}): HttpsysServerFactory {
  return function serverFactory(handler, fastifyOptions) {
    const given = fastifyOptions as FastifyServerOptions;
    if (given.https || given.http2) {
      throw new TypeError(
        'httpsysServerFactory: leave out https and http2; a listener of httpsys is told its certificates outside the app',
      );
    }
    const server = createServer({ ...given.http, ...options }, (req, res) => {
      mount(req);
      handler(req, res);
    });
    if (options.keepAliveTimeout === undefined && given.keepAliveTimeout !== undefined) server.keepAliveTimeout = given.keepAliveTimeout;
    if (options.requestTimeout === undefined && given.requestTimeout !== undefined) server.requestTimeout = given.requestTimeout;
    if (given.connectionTimeout !== undefined) server.setTimeout(given.connectionTimeout);
    // Fastify's 0 means node:http's default.
    if (given.maxRequestsPerSocket) server.maxRequestsPerSocket = given.maxRequestsPerSocket;
    return server;
  };
}
