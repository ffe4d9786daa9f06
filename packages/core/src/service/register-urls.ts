/** Registration of URL prefixes on a queue as one transaction: checks first, then ports, then the table (URL-20 to URL-23). */
import { HttpsysError, listenError, makeError } from '../errors';
import type { BoundUrl, UrlRegistration } from '../carriers/carrier';
import { parsePrefix, type UrlPrefix } from '../prefix';
import type { ControlPlane } from './control-plane';
import { invalid } from './check';
import { MAX_URLS, MAX_URLS_PER_QUEUE } from './limits';
import { listenAlone, pathOf } from './lone-listeners';
import { planAddresses, usersOf } from './port-table';
import type { Queue, RegisteredUrl, Session } from './registry';

export interface RegisterOptions {
  backlog: number;
}

interface Wanted {
  prefix: UrlPrefix;
  urlContext: number;
}

/** Stands for "any free port" until the port is known; the grammar has no 0 (URL-2). */
const FREE_PORT = /^([A-Za-z]+:\/\/[^/]*):0(\/.*)?$/;

export function registerUrls(plane: ControlPlane, session: Session, given: UrlRegistration[], options: RegisterOptions): BoundUrl[] {
  const queue = plane.queueOf(session);
  const { registry } = plane;
  const path = given.length === 1 ? pathOf(given[0].prefix) : null;
  if (path !== null) return [listenAlone(plane, session, { path }, options.backlog, given[0].urlContext)];
  const registrations = given.map((url) => joinedFreePort(queue, session, url));
  if (queue.urls.size + registrations.length > MAX_URLS_PER_QUEUE || registry.urls.size + registrations.length > MAX_URLS) {
    throw new HttpsysError('EMFILE', `Too many URL prefixes: at most ${MAX_URLS_PER_QUEUE} on one queue`);
  }
  const free = registrations.filter((url) => FREE_PORT.test(url.prefix));
  const known = registrations
    .filter((url) => !FREE_PORT.test(url.prefix))
    .map((url) => ({ prefix: parsePrefix(url.prefix), urlContext: url.urlContext }));
  // Parsed before anything is bound, so that a malformed one costs nothing.
  const floating = free.map((url) => ({ prefix: parsePrefix(withPort(url.prefix, 1)), urlContext: url.urlContext }));
  checkSchemes(plane, known, floating);

  const seen = new Set<string>();
  const fresh: Wanted[] = [];
  const shared: RegisteredUrl[] = [];
  const orphans: RegisteredUrl[] = [];
  for (const wanted of known) {
    const key = wanted.prefix.text;
    if (seen.has(key)) throw taken(wanted.prefix, [session], 'this process registers it twice');
    seen.add(key);
    const existing = registry.urls.get(key);
    if (existing === undefined) fresh.push(wanted);
    else if (existing.queue === queue && queue.name !== undefined && !existing.holders.has(session)) shared.push(existing);
    else if (existing.holders.size === 0) orphans.push(existing);
    else throw taken(wanted.prefix, existing.holders, undefined);
  }

  const inherited = successorOf(session, queue, orphans, registrations.length);
  if (inherited !== null) {
    plane.takeOver(session, inherited);
    for (const url of orphans) shared.push(url);
    orphans.length = 0;
  }

  const target = plane.queueOf(session);
  const lost = new Set(orphans);
  const asked = new Map<Wanted, string>();
  const added: Wanted[] = [...fresh, ...orphans.map((url) => known.find((wanted) => wanted.prefix.text === url.prefix.text) as Wanted)];
  const freePort = bindPorts(plane, added, floating, lost, options.backlog);
  for (const [index, url] of free.entries()) {
    const found = { prefix: parsePrefix(withPort(url.prefix, freePort)), urlContext: floating[index].urlContext };
    asked.set(found, floating[index].prefix.text);
    added.push(found);
  }

  for (const url of lost) registry.removeUrl(url);
  for (const wanted of added) {
    const { prefix } = wanted;
    registry.addUrl({
      key: prefix.text,
      prefix,
      asked: asked.get(wanted) ?? null,
      queue: target,
      urlContext: freeContext(target, wanted.urlContext),
      holders: new Set([session]),
      orphanedUntil: 0,
      routeKey: 0,
    });
  }
  // On a shared queue the first process' contexts stand for all; a successor of a dead process brings its own, whatever the old ones were.
  const inheritedUrls = shared.filter((url) => url.holders.size === 0);
  for (const url of inheritedUrls) url.urlContext = -1;
  for (const url of inheritedUrls) {
    const mine = known.find((wanted) => wanted.prefix.text === url.prefix.text) as Wanted;
    url.urlContext = freeContext(target, mine.urlContext);
    url.orphanedUntil = 0;
  }
  for (const url of shared) url.holders.add(session);
  plane.publishUrls();
  for (const url of lost) plane.closeIfUnused(url.queue);
  return inOrder(registrations, free, target, known, added);
}

/** On a named queue the one who asks for any port first decides; the others who ask the same get that port too, as in a cluster of node's. */
function joinedFreePort(queue: Queue, session: Session, url: UrlRegistration): UrlRegistration {
  if (queue.name === undefined || !FREE_PORT.test(url.prefix)) return url;
  const asked = parsePrefix(withPort(url.prefix, 1)).text;
  const existing = [...queue.urls].find((one) => one.asked === asked && !one.holders.has(session));
  return existing === undefined ? url : { prefix: existing.prefix.text, urlContext: url.urlContext };
}

/** URL-21, and what this engine cannot do yet. */
function checkSchemes(plane: ControlPlane, known: Wanted[], floating: Wanted[]): void {
  const schemes = new Map<number, UrlPrefix>();
  for (const url of plane.registry.urls.values()) if (url.routeKey === 0) schemes.set(url.prefix.port, url.prefix);
  for (const { prefix } of known) {
    const other = schemes.get(prefix.port);
    if (other !== undefined && other.scheme !== prefix.scheme) {
      throw listenError('EADDRINUSE', `http and https cannot share a port, and ${other.text} is registered (URL-21)`, {
        prefix: prefix.text,
        port: prefix.port,
      });
    }
    schemes.set(prefix.port, prefix);
  }
  for (const { prefix } of [...known, ...floating]) {
    if (prefix.scheme === 'https') throw makeError('ERR_HTTPSYS_TLS_UNSUPPORTED', prefix.text);
  }
}

/** The queue of a dead process whose URLs are exactly those asked for: its cached responses go on under the new owner. */
function successorOf(session: Session, queue: Queue, orphans: RegisteredUrl[], asked: number): Queue | null {
  if (orphans.length === 0 || orphans.length !== asked) return null;
  const old = orphans[0].queue;
  if (old === queue || old.name !== undefined || queue.name !== undefined) return null;
  if (old.members.size > 0 || old.urls.size !== asked || orphans.some((url) => url.queue !== old)) return null;
  if (queue.urls.size > 0 || queue.members.size !== 1 || !queue.members.has(session)) return null;
  return old;
}

/** Binds what the new URLs need, on all ports or on none; returns the port of those that take any. */
function bindPorts(plane: ControlPlane, added: Wanted[], floating: Wanted[], lost: Set<RegisteredUrl>, backlog: number): number {
  const done: number[] = [];
  const current = (port: number): RegisteredUrl[] => [...plane.registry.urlsOfPort(port)];
  try {
    for (const port of new Set(added.map((url) => url.prefix.port))) {
      const others = current(port).filter((url) => !lost.has(url));
      const mine = added.filter((url) => url.prefix.port === port);
      plane.ports.apply(port, planAddresses([...usersOf(others), ...usersOf(mine)]), backlog);
      done.push(port);
    }
    if (floating.length === 0) return 0;
    return plane.ports.applyFree(planAddresses(usersOf(floating)), backlog);
  } catch (error) {
    for (const port of done) plane.ports.apply(port, planAddresses(usersOf(current(port))), backlog);
    throw withPrefix(error, added);
  }
}

/** Names the prefix that needed the port, as listen errors of a prefix do. */
function withPrefix(error: unknown, added: Wanted[]): unknown {
  if (!(error instanceof HttpsysError)) return error;
  const port = (error as { port?: number }).port;
  const prefix = added.find((url) => url.prefix.port === port)?.prefix.text;
  return prefix === undefined ? error : Object.assign(error, { prefix });
}

/** Contexts are told apart on one queue; processes that share a queue may have numbered differently. */
function freeContext(queue: Queue, wanted: number): number {
  const used = new Set([...queue.urls].map((url) => url.urlContext));
  let context = wanted;
  while (used.has(context)) context = (context + 1) >>> 0;
  return context;
}

function inOrder(registrations: UrlRegistration[], free: UrlRegistration[], queue: Queue, known: Wanted[], added: Wanted[]): BoundUrl[] {
  const byKey = new Map([...queue.urls].map((url) => [url.prefix.text, url]));
  let nextKnown = 0;
  let nextFree = added.length - free.length;
  return registrations.map((registration) => {
    const { prefix } = FREE_PORT.test(registration.prefix) ? added[nextFree++] : known[nextKnown++];
    const url = byKey.get(prefix.text);
    if (url === undefined) throw invalid(`${prefix.text} was not registered`);
    const [address] = planAddresses([prefix]);
    return { prefix: prefix.text, urlContext: url.urlContext, host: address, port: prefix.port };
  });
}

function withPort(prefix: string, port: number): string {
  return prefix.replace(FREE_PORT, (_, head: string, rest: string | undefined) => `${head}:${port}${rest ?? ''}`);
}

function taken(prefix: UrlPrefix, holders: Iterable<Session>, why: string | undefined): HttpsysError {
  const pids = [...new Set([...holders].map((holder) => holder.pid))];
  const text = why ?? `the prefix is registered by ${pids.length === 1 ? 'process' : 'processes'} ${pids.join(', ')}`;
  return listenError('EADDRINUSE', text, { prefix: prefix.text, port: prefix.port, pid: pids[0] });
}
