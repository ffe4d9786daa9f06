import type { CachePolicy, Server } from '@httpsys/core';

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * How long the engine may answer this route without the app: `{ ttl: seconds }` or `{ untilFlushed: true }`. Answers with status 400 and
     * above are left out. Without effect where httpsys does not serve the request.
     */
    kernelCache?: CachePolicy;
  }

  interface FastifyInstance {
    /** The server that `listenHttpsys` listens on; there from the registration on, for its events, `flushCache` and `queryState`. */
    httpsysServer: Server;
    /**
     * Makes the app ready and listens on the prefixes given at registration.
     *
     * @returns the prefixes, as given
     * @throws Node's listen errors (`EADDRINUSE`, `EACCES`); HttpsysError `ERR_HTTPSYS_PREFIX_INVALID`
     */
    listenHttpsys(): Promise<string[]>;
  }
}
