/**
 * Queues that a server has closed: their URLs go first, then what was under way is answered, then the queue ends. The server may listen
 * again meanwhile, as node:http's can.
 */
import * as frames from '../../queue/frames';
import type { Link, OwnSocket, Queue } from '../own';

/** The connections of a queue that the program has been told of. */
export function socketsOf(queue: Queue): OwnSocket[] {
  return linksOf(queue).flatMap((link) => link.connections.filter((socket) => socket !== null && socket !== undefined));
}

function linksOf(queue: Queue): Link[] {
  return [...queue.links.values()];
}

/** Sends CLOSE_CONNECTIONS on every channel of a queue. */
export function closeConnections(queue: Queue, flags: number): void {
  for (const link of queue.links.values()) {
    link.writer.plain(frames.CloseConnections, flags, 0);
    link.touch();
  }
}

/** Connections may serve other prefixes of the port: a closing server waits for its own requests only. */
function forgetIdle(queue: Queue): void {
  for (const socket of socketsOf(queue)) if (socket.currentRequest === null && socket.opaque === null) socket.giveUp();
}

export class DrainingQueues {
  private readonly queues = new Map<Queue, 'releasing' | 'draining' | 'ending'>();
  private readonly endings = new Map<Queue, () => void>();
  private readonly whenReleased: (() => void)[] = [];

  /** @param onDrained a queue has ended; `empty` says whether it was the last */
  constructor(private readonly onDrained: () => void) {}

  get empty(): boolean {
    return this.queues.size === 0;
  }

  all(): Queue[] {
    return [...this.queues.keys()];
  }

  /** Takes over a queue of the server; `ended` is called when it takes no more. */
  add(queue: Queue, ended: () => void): void {
    this.queues.set(queue, 'releasing');
    this.endings.set(queue, ended);
    for (const link of queue.links.values()) link.closing = true;
    queue.carrier.removeUrls(() => {
      if (!this.queues.has(queue)) return;
      this.queues.set(queue, 'draining');
      if (this.released) for (const call of this.whenReleased.splice(0)) call();
      closeConnections(queue, frames.CloseIdle);
      if (queue.carrier.othersRemain === true) this.detach(queue);
      this.check(queue);
    });
  }

  /** Calls back when the URLs of all these queues are free for another one. */
  afterRelease(call: () => void): void {
    if (this.released) call();
    else this.whenReleased.push(call);
  }

  private get released(): boolean {
    return ![...this.queues.values()].includes('releasing');
  }

  /** A request of the server is over: ends the queues that have no other. */
  requestDone(): void {
    for (const queue of this.queues.keys()) this.check(queue);
  }

  /** The engine ended the queue. */
  drop(queue: Queue): boolean {
    const known = this.queues.delete(queue);
    this.tellEnd(queue);
    if (known) queue.carrier.close(this.onDrained);
    return known;
  }

  private tellEnd(queue: Queue): void {
    this.endings.get(queue)?.();
    this.endings.delete(queue);
  }

  /** No more requests come; others on the queue get them. */
  private detach(queue: Queue): void {
    for (const link of queue.links.values()) if (!link.detached) link.detach(() => this.check(queue));
  }

  private check(queue: Queue): void {
    if (this.queues.get(queue) !== 'draining') return;
    forgetIdle(queue);
    // Upgraded connections count as well.
    if (linksOf(queue).some((link) => link.requests.some((request) => request !== null && request !== undefined))) return;
    // A request may have been handed over in this very moment.
    if (linksOf(queue).some((link) => !link.detached)) {
      this.detach(queue);
      return;
    }
    for (const link of queue.links.values()) link.flush();
    this.queues.set(queue, 'ending');
    this.tellEnd(queue);
    queue.carrier.close(() => {
      this.queues.delete(queue);
      this.onDrained();
    });
  }
}
