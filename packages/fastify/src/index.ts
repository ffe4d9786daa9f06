/**
 * Fastify on httpsys: routes mounted on a URL prefix, and route metadata turned into cache policy.
 *
 * @packageDocumentation
 */
import './augment';
import { httpsysFastify } from './plugin';

export { httpsysFastify };
export default httpsysFastify;
export type { HttpsysFastifyOptions } from './plugin';
export { httpsysServerFactory } from './server-factory';
export type { HttpsysServerFactory, HttpsysServerFactoryOptions } from './server-factory';
