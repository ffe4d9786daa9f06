/**
 * Request methods by the codes of the frame protocol (docs/frames.md). The C++ twin is `native/common/http_methods.h`.
 */

/** Method by code: Node's `http.METHODS` and the verbs of HTTP.SYS. Code 0 stands for a method that is written out. */
export const methodNames: readonly string[] = [
  '',
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'OPTIONS',
  'PATCH',
  'TRACE',
  'CONNECT',
  'TRACK',
  'MOVE',
  'COPY',
  'PROPFIND',
  'PROPPATCH',
  'MKCOL',
  'LOCK',
  'UNLOCK',
  'SEARCH',
  'ACL',
  'BIND',
  'CHECKOUT',
  'LINK',
  'M-SEARCH',
  'MERGE',
  'MKACTIVITY',
  'MKCALENDAR',
  'NOTIFY',
  'PURGE',
  'QUERY',
  'REBIND',
  'REPORT',
  'SOURCE',
  'SUBSCRIBE',
  'UNBIND',
  'UNLINK',
  'UNSUBSCRIBE',
];

/** Code of a method; methods are case-sensitive (RFC 9110 section 9.1). */
export const methodCodes: ReadonlyMap<string, number> = new Map(methodNames.map((name, code): [string, number] => [name, code]).slice(1));
