/**
 * The listening sockets of an engine: one set of addresses per port, planned from the prefixes that need the port and bound again
 * when the plan changes.
 */
import * as net from 'node:net';
import { listenError } from '../errors';
import type { NativeEngine } from '../carriers/native';
import { findPortHolder } from './port-holder';

/** What the plan must know of a registered URL. */
export interface PortUser {
  /** As in NativeUrl: 2 is an IP literal. */
  hostKind: number;
  host: string;
}

/** Tries to find a port that is free on both loopback addresses. */
const FREE_PORT_ATTEMPTS = 20;

/**
 * The addresses that serve these URLs. Wildcards and names take any address, since a name may stand for each of them; a port that only
 * `localhost` uses is not shown to the network; an IP literal is reached on its own address (URL-6).
 */
export function planAddresses(users: Iterable<PortUser>): string[] {
  const wanted = new Set<string>();
  for (const user of users) {
    if (user.hostKind === 2) wanted.add(user.host.replace(/^\[|\]$/g, ''));
    else if (user.host === 'localhost') wanted.add('127.0.0.1').add('::1');
    else wanted.add('');
  }
  // A wider socket takes what a narrower one would, and the two cannot be bound together.
  if (wanted.has('')) return [''];
  if (wanted.has('::')) return ['::'];
  if (wanted.has('0.0.0.0')) return [...wanted].filter((host) => host === '0.0.0.0' || !net.isIPv4(host));
  return [...wanted];
}

export function usersOf(urls: Iterable<{ prefix: PortUser }>): PortUser[] {
  return [...urls].map((url) => url.prefix);
}

export class PortTable {
  private readonly bound = new Map<number, Set<string>>();

  constructor(
    private readonly engine: NativeEngine,
    private readonly lookupHolder: (port: number) => number | undefined = findPortHolder,
  ) {}

  /** Binds and unbinds until `port` has exactly `addresses`. Throws a listen error with everything as it was before. */
  apply(port: number, addresses: string[], backlog: number): void {
    const current = this.bound.get(port) ?? new Set<string>();
    const added = addresses.filter((host) => !current.has(host));
    const dropped = [...current].filter((host) => !addresses.includes(host));
    const done: string[] = [];
    let released = false;
    try {
      for (const host of added) {
        if (!this.listenOne(host, port, backlog, dropped.length === 0 || released, done, current)) {
          // The new address overlaps with our own old one: only now let go of it, so that a rebind that needs no gap has none.
          released = true;
          for (const old of dropped) this.engine.unlisten(old, port);
          this.listenOne(host, port, backlog, true, done, current);
        }
      }
    } catch (error) {
      for (const host of done) this.engine.unlisten(host, port);
      if (released) for (const old of dropped) this.relisten(old, port, backlog);
      throw error;
    }
    if (!released) for (const old of dropped) this.engine.unlisten(old, port);
    this.remember(port, [...current].filter((host) => !dropped.includes(host)).concat(done));
  }

  /** Binds a free port on all of `addresses` and returns it. */
  applyFree(addresses: string[], backlog: number): number {
    for (let attempt = 1; ; attempt++) {
      const port = this.wrap(addresses[0], 0, () => this.engine.listen(addresses[0], 0, backlog));
      this.remember(port, [addresses[0]]);
      try {
        this.apply(port, addresses, backlog);
        return port;
      } catch (error) {
        this.apply(port, [], backlog);
        if (attempt === FREE_PORT_ATTEMPTS || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      }
    }
  }

  /** Ports and their addresses, for `QUERY_STATE`. */
  list(): { port: number; addresses: string[] }[] {
    return [...this.bound].map(([port, hosts]) => ({ port, addresses: [...hosts].map((host) => host || '*') }));
  }

  /** False: the address is taken and the caller has something of its own to give up first. */
  private listenOne(host: string, port: number, backlog: number, isLast: boolean, done: string[], current: Set<string>): boolean {
    try {
      this.engine.listen(host, port, backlog);
      done.push(host);
      return true;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      // A machine without IPv6 still has a localhost.
      const missing = code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT';
      if (missing && host === '::1' && (done.includes('127.0.0.1') || current.has('127.0.0.1'))) return true;
      if (code === 'EADDRINUSE' && !isLast) return false;
      throw this.explain(error, host, port);
    }
  }

  private relisten(host: string, port: number, backlog: number): void {
    try {
      this.engine.listen(host, port, backlog);
    } catch {
      // Somebody took it in between: the caller's error already says so, and the next change of the plan tries again.
      this.bound.get(port)?.delete(host);
    }
  }

  private remember(port: number, hosts: string[]): void {
    if (hosts.length > 0) this.bound.set(port, new Set(hosts));
    else this.bound.delete(port);
  }

  private wrap<T>(host: string, port: number, call: () => T): T {
    try {
      return call();
    } catch (error) {
      throw this.explain(error, host, port);
    }
  }

  private explain(error: unknown, host: string, port: number): Error {
    const { code, errno } = error as NodeJS.ErrnoException;
    const where = { address: host === '' ? '*' : host, port };
    if (code === 'EADDRINUSE') {
      const pid = this.lookupHolder(port);
      const why = `the port is held by another program${pid === undefined ? '' : ` (pid ${pid})`}`;
      return Object.assign(listenError(code, why, pid === undefined ? where : { ...where, pid }), { errno });
    }
    if (code === 'EACCES') return Object.assign(listenError(code, privilegeRemedy(port), where), { errno });
    if (code === 'EADDRNOTAVAIL') return Object.assign(listenError(code, 'this machine has no such address', where), { errno });
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** What to do about EACCES. */
export function privilegeRemedy(port: number): string {
  if (process.platform !== 'linux') return `no right to listen on port ${port}; use a port above 1023`;
  return (
    `no right to listen on port ${port}. Either allow it to node: sudo setcap cap_net_bind_service=+ep $(command -v node), ` +
    `or to everybody: sudo sysctl net.ipv4.ip_unprivileged_port_start=${Math.min(port, 1024)}, or use a port above 1023`
  );
}
