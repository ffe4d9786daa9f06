/** A timeout that a blocked event loop does not use up: an answer that came while the application was busy still counts. */

const TICKS = 20;

/**
 * Calls back after `ms` milliseconds in which the event loop was running.
 *
 * @returns cancels it
 */
export function loopTimeout(ms: number, expired: () => void): () => void {
  let left = TICKS;
  // However long the loop was blocked, its end is one tick.
  const timer = setInterval(() => {
    left--;
    if (left > 0) return;
    clearInterval(timer);
    expired();
  }, ms / TICKS);
  return () => clearInterval(timer);
}
