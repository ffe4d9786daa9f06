/**
 * Response fields as Node keeps them (`kOutHeaders`: lower-case name to `[name, value]`), in an object that V8 keeps in fast mode.
 * Node makes a dictionary per response (`{ __proto__: null }`), which costs about as much as the rest of a small response.
 */
import type * as http from 'node:http';
import { lowerOf } from '../queue/header-names';
import { kOutHeaders, nativeSetHeader, node } from './node-internals';
import { isInvalidValue, type StoredHeaders } from './response-head';

/** Objects without a prototype that share hidden classes, unlike `Object.create(null)`. */
const FastHeaders = function () {} as unknown as new () => StoredHeaders;
FastHeaders.prototype = Object.create(null) as object;

const proto = node.ServerResponse.prototype;

interface Storing {
  _header: string | null;
  [name: symbol]: StoredHeaders | null;
}

/** `setHeader` of node:http: the same checks, codes and storage. */
export function setHeader<T extends http.ServerResponse>(this: T, name: string, value: number | string | readonly string[]): T {
  const own = this as unknown as Storing;
  const lower = lowerOf.get(name);
  if (
    lower === undefined ||
    own._header !== null ||
    proto.setHeader !== nativeSetHeader ||
    (typeof value === 'string' ? isInvalidValue(value) : typeof value !== 'number')
  ) {
    // Unusual names and values, and everything that throws, take Node's own way.
    own[kOutHeaders] ??= new FastHeaders();
    return proto.setHeader.call(this, name, value as string) as T;
  }
  const headers = (own[kOutHeaders] ??= new FastHeaders());
  headers[lower] = [name, value];
  return this;
}
