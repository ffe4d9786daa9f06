/**
 * Express on httpsys: an app mounted on a URL prefix, and route metadata turned into cache policy.
 *
 * @packageDocumentation
 */
import './augment';

export { httpsysExpress } from './mount';
export type { ExpressApplication, HttpsysExpress, HttpsysExpressOptions } from './mount';
export { kernelCache } from './kernel-cache';
export type { KernelCacheMiddleware } from './kernel-cache';
export type { CacheTable } from './cache-table';
