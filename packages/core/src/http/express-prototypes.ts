/**
 * Classes for applications that swap the prototypes of every request (Express): instances are born with the prototype the application is
 * about to set, so that the swap changes nothing. The swap makes each later property access slow and is most of what an Express app costs
 * (ecosystem notes, section 1); and it would lose the methods of our own classes.
 */
import type * as http from 'node:http';
import { IncomingMessage } from './incoming-message';
import { ServerResponse } from './server-response';

/** What is asked of such an application: Express 4 and 5, and whatever is built like them. */
export interface ExpressLike {
  (request: http.IncomingMessage, response: http.ServerResponse, next?: (error?: unknown) => void): void;
  request: object;
  response: object;
  handle: unknown;
}

export interface BredClasses {
  IncomingMessage: typeof IncomingMessage;
  ServerResponse: new (request: http.IncomingMessage) => ServerResponse;
}

/** True for a function with Express' `request`, `response` and `handle`. */
export function isExpressLike(value: unknown): value is ExpressLike {
  if (typeof value !== 'function') return false;
  const app = value as Partial<ExpressLike>;
  return typeof app.handle === 'function' && typeof app.request === 'object' && typeof app.response === 'object';
}

const bred = new WeakMap<object, BredClasses>();

/** Puts our own methods between the application's prototype object and Express' shared one, so that mounted sub-apps have them too. */
function graft(own: object, ours: object): void {
  const layer = Object.create(Object.getPrototypeOf(own) as object, Object.getOwnPropertyDescriptors(ours)) as object;
  delete (layer as { constructor?: unknown }).constructor;
  Object.setPrototypeOf(own, layer);
}

/**
 * Makes the message classes of an application and puts their prototypes in place of its `request` and `response`. The chain is then
 * class, what the application had, our methods, Express' own, Node's: later additions to `express.request` or `app.response` are seen.
 * Twice for one application gives the same classes.
 */
export function breedMessageClasses(app: ExpressLike): BredClasses {
  const known = bred.get(app);
  if (known !== undefined) return known;
  // A real `class extends`: with Reflect.construct each object would get a hidden class of its own.
  class Request extends IncomingMessage {}
  class Response extends ServerResponse {}
  graft(app.request, IncomingMessage.prototype);
  graft(app.response, ServerResponse.prototype);
  Object.setPrototypeOf(Request.prototype, app.request);
  Object.setPrototypeOf(Response.prototype, app.response);
  app.request = Request.prototype;
  app.response = Response.prototype;
  const classes = { IncomingMessage: Request, ServerResponse: Response };
  bred.set(app, classes);
  return classes;
}
