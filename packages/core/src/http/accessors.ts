/**
 * Getters over what the type package declares as plain properties of Node's classes; TypeScript has no `override` for that.
 */

/** Defines accessors on a prototype; `this` is the instance. */
export function defineAccessors<T>(
  prototype: T,
  accessors: { [name: string]: { get(this: T): unknown; set?(this: T, value: never): void } },
): void {
  for (const [name, accessor] of Object.entries(accessors)) {
    Object.defineProperty(prototype, name, { configurable: true, enumerable: true, get: accessor.get, set: accessor.set });
  }
}
