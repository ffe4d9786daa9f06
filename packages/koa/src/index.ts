/**
 * Koa on httpsys: an app mounted on a URL prefix, and route metadata turned into cache policy.
 *
 * @packageDocumentation
 */
import './augment';

export { httpsysKoa } from './mount';
export type { HttpsysKoa, HttpsysKoaOptions, KoaApplication } from './mount';
export { kernelCache } from './kernel-cache';
export type { KernelCacheMiddleware } from './kernel-cache';
