/** Private state of public objects. Symbols, never `#private`: users wrap and re-prototype these objects. */

/** Brand of our requests, shared by every copy of the package in the process. */
export const kBrand = Symbol.for('httpsys.request');

export const kLink = Symbol('kLink');
export const kServer = Symbol('kServer');
export const kPrefixPath = Symbol('kPrefixPath');
export const kCreditOwed = Symbol('kCreditOwed');
export const kUser = Symbol('kUser');
/** The response of a request; programs set `req.res` to what they like (engine.io: null). */
export const kResponse = Symbol('kResponse');
export const kBodyDone = Symbol('kBodyDone');

export const kHead = Symbol('kHead');
export const kHeadFlags = Symbol('kHeadFlags');
export const kPolicyBlock = Symbol('kPolicyBlock');
export const kPolicy = Symbol('kPolicy');
export const kSent = Symbol('kSent');
export const kDrained = Symbol('kDrained');
/** Bytes that may be with the engine at a time. */
export const kWindow = Symbol('kWindow');
export const kWaiting = Symbol('kWaiting');
export const kReferred = Symbol('kReferred');
/** What waits for FRAGMENT_USED. */
export const kFragment = Symbol('kFragment');
export const kEnded = Symbol('kEnded');
/** The cache will not take the response to this request. */
export const kUnstorable = Symbol('kUnstorable');
/** Values of node:http's properties that are accessors here. */
export const kNodeOptions = Symbol('kNodeOptions');
