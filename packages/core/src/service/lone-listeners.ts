/**
 * Listeners that share their address with nobody, as node:http's do: a port with or without an address, a path of the file system, a
 * descriptor. The system alone decides whether the address is free; what arrives there is routed by a key of the listener's own, so that
 * any Host is served, and equal ports on different addresses do not meet.
 */
import type { AddressInfo } from 'node:net';
import { HttpsysError } from '../errors';
import type { LoneAddress } from '../carriers/native';
import type { LoneBound } from '../carriers/carrier';
import { parsePrefix, type UrlPrefix } from '../prefix';
import type { ControlPlane } from './control-plane';
import { invalid } from './check';
import { MAX_URLS } from './limits';
import { findPortHolder } from './port-holder';
import { privilegeRemedy } from './port-table';
import type { RegisteredUrl, Session } from './registry';

/** Ports end here; the keys of lone listeners follow. */
const FIRST_ROUTE_KEY = 0x10000;
const LAST_ROUTE_KEY = 0xffffffff;

/** How a registration names a path: `unix:/run/app.sock`. */
export const UNIX_SCHEME = 'unix:';

let lastRouteKey = FIRST_ROUTE_KEY - 1;

function nextRouteKey(plane: ControlPlane): number {
  do lastRouteKey = lastRouteKey === LAST_ROUTE_KEY ? FIRST_ROUTE_KEY : lastRouteKey + 1;
  while (plane.registry.urls.has(keyOf(lastRouteKey)));
  return lastRouteKey;
}

function keyOf(routeKey: number): string {
  return `alone ${routeKey}`;
}

/** What the prefix would be if others could join; for people, and for the scheme of the requests. */
function prefixFor(where: LoneAddress, bound: AddressInfo | undefined): UrlPrefix {
  const { host } = where;
  const any = host === undefined || host === '' || host === '::' || host === '0.0.0.0' || host.includes('%');
  const prefix = parsePrefix(`http://${any ? '+' : host.includes(':') ? `[${host}]` : host}:${bound?.port || 80}/`);
  if (where.path !== undefined) return { ...prefix, text: UNIX_SCHEME + where.path };
  if (where.fd !== undefined) return { ...prefix, text: `fd:${where.fd}` };
  return prefix;
}

/**
 * Listens, and routes everything that comes there to the session's queue. On a named queue a path may be joined by those who have the name.
 *
 * @throws the system's error in node:net's form, with `pid` of the process that holds a port where it can be found
 */
export function listenAlone(plane: ControlPlane, session: Session, where: LoneAddress, backlog: number, urlContext: number): LoneBound {
  const queue = plane.queueOf(session);
  const { registry } = plane;
  if (where.path !== undefined && queue.name !== undefined) {
    const text = UNIX_SCHEME + where.path;
    const shared = [...queue.urls].find((url) => url.routeKey !== 0 && url.prefix.text === text && !url.holders.has(session));
    if (shared !== undefined) {
      shared.holders.add(session);
      return boundOf(shared, where.path);
    }
  }
  if (registry.urls.size >= MAX_URLS) throw new HttpsysError('EMFILE', `The engine has ${MAX_URLS} URLs already`);
  if (where.path !== undefined) dropOrphans(plane, UNIX_SCHEME + where.path);
  const routeKey = nextRouteKey(plane);
  let bound: AddressInfo | undefined;
  try {
    bound = plane.engine.listenAlone(routeKey, where, backlog);
  } catch (error) {
    throw explain(error, where);
  }
  const url: RegisteredUrl = {
    key: keyOf(routeKey),
    prefix: prefixFor(where, bound),
    asked: null,
    queue,
    urlContext,
    holders: new Set([session]),
    orphanedUntil: 0,
    routeKey,
  };
  registry.addUrl(url);
  plane.publishUrls();
  return boundOf(url, bound ?? where.path ?? null);
}

function boundOf(url: RegisteredUrl, address: AddressInfo | string | null): LoneBound {
  const { text, host, port } = url.prefix;
  return { prefix: text, urlContext: url.urlContext, host, port, address };
}

/** A path that a dead process left is free for its successor; prefixes are taken over in the same way. */
function dropOrphans(plane: ControlPlane, text: string): void {
  const orphans = [...plane.registry.urls.values()].filter((url) => url.prefix.text === text && url.holders.size === 0);
  if (orphans.length > 0) plane.drop(orphans);
}

/** The form of node:net: message, `code`, `errno`, `syscall`, `address`, `port`. */
function explain(error: unknown, where: LoneAddress): Error {
  const { code, errno, message } = error as NodeJS.ErrnoException;
  if (typeof code !== 'string' || typeof errno !== 'number') return error as Error;
  const { port = 0 } = where;
  const address = where.path ?? (where.fd !== undefined ? null : where.host || '::');
  const at = address === null ? '' : where.path === undefined && port > 0 ? ` ${address}:${port}` : ` ${address}`;
  const told = Object.assign(new Error(message + at), { code, errno, syscall: 'listen', address });
  // node:net's value for a path.
  if (where.path !== undefined) return Object.assign(told, { port: -1 });
  if (port === 0) return told;
  Object.assign(told, { port });
  if (code === 'EACCES') told.message += `. ${privilegeRemedy(port)}`;
  const pid = code === 'EADDRINUSE' ? findPortHolder(port) : undefined;
  return pid === undefined ? told : Object.assign(told, { pid });
}

/** The path of a registration by `unix:`, or null for a URL prefix. */
export function pathOf(registration: string): string | null {
  if (!registration.startsWith(UNIX_SCHEME)) return null;
  const path = registration.slice(UNIX_SCHEME.length);
  if (path === '') throw invalid('unix: needs a path');
  return path;
}
