/**
 * node:http's server properties that the engine acts on. They are accessors: a program may change them at any time, as with node:http, and
 * the queue is told.
 */
import * as http from 'node:http';

import { nativeQueueOptions, type NativeQueueOptions, type ServerOptions } from '../../options';
import { kNodeOptions } from '../../symbols';
import { defineAccessors } from '../accessors';
import { isHeard } from './foreign-connection';

/** Milliseconds and counts, as programs set them. */
interface NodeOptions {
  keepAliveTimeout: number;
  keepAliveTimeoutBuffer: number;
  headersTimeout: number;
  requestTimeout: number;
  maxConnections: number | undefined;
  /** node:http's own, which nothing documents. */
  httpAllowHalfOpen: boolean;
}

/** What a server is for this file. */
export interface TunedServer extends NodeOptions {
  [kNodeOptions]?: NodeOptions;
  /** A property was set. */
  optionsChanged?(): void;
}

/** node:http's defaults; a value that a program left alone gives way to the engine's. */
const defaults: Readonly<NodeOptions> = {
  keepAliveTimeout: 5_000,
  keepAliveTimeoutBuffer: 1_000,
  headersTimeout: 60_000,
  requestTimeout: 300_000,
  maxConnections: undefined,
  httpAllowHalfOpen: false,
};

/** Longest head of a request that travels in a frame (docs/frames.md). */
const headBytesMax = 65_535;
const secondsMax = 65_535;
/** Node's own limit, which the engine's equals; `--max-http-header-size` changes it. */
const headBytesDefault = 16_384;

/** 0 means none to node:http. */
function seconds(milliseconds: number): number {
  return milliseconds > 0 ? Math.min(milliseconds / 1000, secondsMax) : -1;
}

/** The shorter of two timeouts, of which 0 is none. */
function shorter(a: number, b: number): number {
  return a === 0 || b === 0 ? Math.max(a, b) : Math.min(a, b);
}

/**
 * The queue options of a server: its own in HTTP.SYS' words first, then node:http's where a program has changed them.
 *
 * @param nodeDefaults node:http's hold too where it has not
 */
export function engineOptions(server: TunedServer, given: ServerOptions, nodeDefaults: boolean): NativeQueueOptions {
  const native = nativeQueueOptions(given);
  const { keepAliveTimeout, headersTimeout, requestTimeout, maxConnections } = server;
  const isSet = (name: 'keepAliveTimeout' | 'headersTimeout' | 'requestTimeout'): boolean =>
    nodeDefaults || given[name] !== undefined || server[name] !== defaults[name];
  if (native.idleConnection === undefined && isSet('keepAliveTimeout')) {
    native.idleConnection = seconds(keepAliveTimeout);
    native.idleGrace = Math.min(Math.max(server.keepAliveTimeoutBuffer / 1000, 0), secondsMax) || 0;
  }
  const requestTimed = isSet('requestTimeout');
  if (native.headerWait === undefined && (requestTimed || isSet('headersTimeout'))) {
    native.headerWait = seconds(shorter(headersTimeout, requestTimeout));
  }
  if (requestTimed) native.wholeRequest = seconds(requestTimeout);
  if (typeof maxConnections === 'number' && maxConnections > 0) native.maxConnections = Math.min(Math.floor(maxConnections), 1_000_000);
  const headBytes = given.maxHeaderSize ?? http.maxHeaderSize;
  if (headBytes !== headBytesDefault && headBytes > 0) native.headBytes = Math.min(headBytes, headBytesMax);
  if (given.requireHostHeader === false) native.requireHost = false;
  native.connections = isHeard(server as unknown as http.Server, 'connection');
  // A program that has the sockets hears there what is wrong with their bytes.
  // node:http answers malformed requests in the program, where nobody listens as well (client-error.ts).
  native.clientErrors = nodeDefaults || native.connections || isHeard(server as unknown as http.Server, 'clientError');
  if (nodeDefaults) {
    native.emptyHost = true;
    native.requireLength = false;
    native.halfClose = server.httpAllowHalfOpen;
    native.entityBody ??= -1;
    native.minSendRate ??= -1;
  }
  return native;
}

/** Puts the accessors on the class. */
export function defineNodeOptions(prototype: TunedServer): void {
  for (const name of Object.keys(defaults) as (keyof NodeOptions)[]) {
    defineAccessors(prototype, {
      [name]: {
        get(): number | boolean | undefined {
          return (this[kNodeOptions] ?? defaults)[name];
        },
        set(value: never): void {
          // The constructor of http.Server assigns them before ours has run.
          const options = (this[kNodeOptions] ??= { ...defaults });
          if (options[name] === value) return;
          options[name] = value;
          this.optionsChanged?.();
        },
      },
    });
  }
}
