import type {} from 'koa';
import type { CachePolicy } from '@httpsys/core';

declare module 'koa' {
  interface ExtendableContext {
    /** The prefix the app is mounted on, without its last slash; as koa-mount has it. Absent when mounted on nothing. */
    mountPath?: string;
    /** How long the engine may answer this URL without the app; for apps served by `httpsysKoa`. */
    kernelCache?: CachePolicy | null;
  }
}
