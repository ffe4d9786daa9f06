/** Modules like `require('node:http')` and `require('node:https')`: the entries of the original package. */
import * as nodeHttp from 'node:http';
import * as nodeHttps from 'node:https';
import type { IncomingMessage } from '../http/incoming-message';
import type { createServer, Server } from '../http/server/server';
import type { ServerResponse } from '../http/server-response';
import { IncomingMessageFacade, ServerFacade, ServerResponseFacade } from './facades';

/** What is replaced in node:http; everything else there, the client side above all, stays Node's. */
export interface ServerSide {
  createServer: typeof createServer;
  Server: typeof Server;
  IncomingMessage: typeof IncomingMessage;
  ServerResponse: typeof ServerResponse;
}

/** node:http with its server side replaced. */
export interface HttpModule extends Omit<typeof nodeHttp, keyof ServerSide>, ServerSide {}

export const serverSide: ServerSide = {
  createServer: function createServer(...values: unknown[]): Server {
    return new ServerFacade(...(values as []));
  },
  Server: ServerFacade,
  IncomingMessage: IncomingMessageFacade,
  ServerResponse: ServerResponseFacade,
};

/** A module like `require('node:http')` whose servers are httpsys'; the client side is Node's. */
export function http(): HttpModule {
  return { ...nodeHttp, ...serverSide };
}

/**
 * A module like `require('node:https')`. A server of https has its certificate from the program, and stays Node's own: the engines take
 * certificates from their configuration only.
 */
export function https(): typeof nodeHttps {
  return { ...nodeHttps };
}
