/**
 * What programs find in place of node:http's classes. They can be called without `new` as Node's can (util.inherits, light-my-request,
 * `http.Server(listener)`), and `instanceof` them is true for Node's own objects too: a response that the client side received, or a
 * server that was made before.
 */
import { constructOn } from '../http/server/base-server';
import { IncomingMessage } from '../http/incoming-message';
import { node } from '../http/node-internals';
import { Server } from '../http/server/server';
import { ServerResponse } from '../http/server-response';

type Class = (new (...values: never[]) => object) & { prototype: object };

/**
 * @param call what a call without `new` does, with the `this` of the call
 * @param given what the constructor gets of its arguments
 */
function facade<C extends Class>(
  own: C,
  nodes: Class,
  call: (self: object | undefined, values: never[]) => unknown,
  given: (values: unknown[]) => unknown[] = (values) => values,
): C {
  const outer: C = new Proxy(own, {
    apply: (_target, self, values) => call(self as object | undefined, given(values) as never[]),
    construct: (target, values, newTarget) => Reflect.construct(target, given(values), newTarget) as object,
    get: (target, key, receiver) => (key === Symbol.hasInstance ? isInstance : (Reflect.get(target, key, receiver) as unknown)),
  });
  // Classes that extend this one inherit the question, and mean themselves.
  function isInstance(this: unknown, value: unknown): boolean {
    return this === outer ? value instanceof nodes : Function.prototype[Symbol.hasInstance].call(this as () => void, value);
  }
  return outer;
}

/** Node's constructors are functions that fill the object they are called on. */
const nodesConstructor = (nodes: Class) => (self: object | undefined, values: never[]) => {
  Reflect.apply(nodes as unknown as (...all: never[]) => void, self, values);
};

/** Programs that know node:http only: it decides what they leave open (`nodeDefaults` in options.ts). */
function withNodeDefaults([options, listener]: unknown[]): unknown[] {
  if (typeof options === 'function') return [{ nodeDefaults: true }, options];
  // What is no object is left to the checks of the server.
  if (options !== undefined && options !== null && (typeof options !== 'object' || Array.isArray(options))) return [options, listener];
  return [{ nodeDefaults: true, ...options }, listener];
}

export const ServerFacade = facade(
  Server,
  node.Server,
  (self, values) => {
    if (!(self instanceof Server)) return new Server(...(values as []));
    return constructOn(Server, self, values as []);
  },
  withNodeDefaults,
);
export const IncomingMessageFacade = facade(IncomingMessage, node.IncomingMessage, nodesConstructor(node.IncomingMessage));
export const ServerResponseFacade = facade(ServerResponse, node.ServerResponse, nodesConstructor(node.ServerResponse));
