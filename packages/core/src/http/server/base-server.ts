/**
 * node:http's Server as a base class whose constructor also fills an object that exists already: programs that inherit by `util.inherits`
 * call the constructor on what they have made.
 */
import { node } from '../node-internals';

let existing: object | null = null;

function construct(this: object, options: object): object {
  const self = existing ?? this;
  existing = null;
  Reflect.apply(node.Server as unknown as (options: object) => void, self, [options]);
  return self;
}
construct.prototype = node.Server.prototype;
Object.setPrototypeOf(construct, node.Server);

export const BaseServer = construct as unknown as typeof node.Server;

/** Makes a server of `self`, which has the prototype of `Class`, as Node's constructors do when they are called. */
export function constructOn<Values extends unknown[]>(Class: new (...values: Values) => object, self: object, values: Values): void {
  existing = self;
  try {
    new Class(...values);
  } finally {
    // Options that are refused throw before the base is reached.
    existing = null;
  }
}
