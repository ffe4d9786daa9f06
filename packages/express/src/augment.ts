import type { CachePolicy, ServerResponse } from '@httpsys/core';

/** What Express' request and response have beyond Express when httpsys serves them; absent on node:http. */
declare global {
  // Express' own types are extended through this namespace, which needs no import of express.
  namespace Express {
    interface Request {
      /** Path of the URL prefix that matched, for example `/shop/`. */
      prefixPath?: string;
    }
    interface Response {
      /** How long the engine may answer this URL without the app; `null` or absent: not at all. */
      cachePolicy?: CachePolicy | null;
      /** Has the engine send a file as the body; see `ServerResponse` of `@httpsys/core`. */
      respondWithFile?: ServerResponse['respondWithFile'];
      /** Sends a fragment of the engine's cache as the body; see `ServerResponse` of `@httpsys/core`. */
      respondWithFragment?: ServerResponse['respondWithFragment'];
    }
  }
}
