/** URL prefixes: grammar, canonical text, and how a request's target divides at one. */
export { fold } from './fold';
export { type HostKind, hostKinds } from './host';
export { type SplitUrl, splitUrl } from './match';
export { toNativeUrl } from './native-url';
export { parsePrefix, type PrefixPart, type UrlPrefix } from './parse';
export { displayUrl, printPrefix } from './print';
