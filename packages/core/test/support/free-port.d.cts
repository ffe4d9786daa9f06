/** A port that nothing listens on, and that no other caller gets while this process lives. Rejects when none is found. */
export function freePort(first?: number, last?: number): Promise<number>;
