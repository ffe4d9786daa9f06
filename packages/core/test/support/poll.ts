/** Waiting without fixed sleeps: every wait has a deadline and says what it waited for. */

import { onWine } from './wine';

/** Milliseconds a test waits for something that should happen; generous because the machine may be shared. Under Wine programs start slowly (WINE-29). */
export const DEADLINE_MS = onWine ? 30_000 : 10_000;

/** Resolves after `ms`; only for pacing a client, never as a substitute for a condition. */
export const pace = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Rejects when `promise` has not settled within `ms`. */
export async function within<T>(promise: Promise<T>, what: string, ms = DEADLINE_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`timed out after ${ms} ms waiting for ${what}`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Calls `probe` until it returns something truthy; the last failure is part of the error. */
export async function eventually<T>(what: string, probe: () => T | Promise<T>, ms = DEADLINE_MS): Promise<NonNullable<T>> {
  const end = Date.now() + ms;
  let last: unknown;
  for (;;) {
    try {
      const value = await probe();
      if (value) return value;
      last = value;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`timed out after ${ms} ms waiting for ${what}; last: ${String(last)}`);
    await pace(15);
  }
}

/** A promise with its resolver at hand. */
export function deferred<T = void>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: unknown) => void } {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

interface Emitter {
  once(event: string, listener: (...values: unknown[]) => void): unknown;
}

/** The arguments of the next `event`, within the deadline. Errors are not special. */
export function nextEvent(emitter: unknown, event: string, ms = DEADLINE_MS): Promise<unknown[]> {
  return within(
    new Promise<unknown[]>((resolve) => {
      (emitter as Emitter).once(event, (...values) => resolve(values));
    }),
    `event '${event}'`,
    ms,
  );
}
