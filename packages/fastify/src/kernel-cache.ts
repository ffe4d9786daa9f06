import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { validateCachePolicy, isHttpsysRequest, type CachePolicy } from '@httpsys/core';

/** Statuses from here on are failures, which a route's policy was not meant for. */
const FIRST_ERROR_STATUS = 400;

/** Apps may register the plugin and use the server factory as well; one hook a route is enough. */
const kWatched = Symbol.for('httpsys.fastify.routes');

type Watchable = FastifyInstance & { [kWatched]?: true };

/**
 * Has the routes added from now on looked at for `config.kernelCache`. Only those that have it get a hook, so the others pay nothing.
 */
export function watchRoutes(app: FastifyInstance): void {
  const watchable = app as Watchable;
  if (watchable[kWatched]) return;
  watchable[kWatched] = true;
  app.addHook('onRoute', (route: RouteOptions) => {
    const policy = route.config?.kernelCache;
    if (policy === undefined) return;
    route.onSend = [...hooksOf(route.onSend), policyHook(validateCachePolicy(policy))];
  });
}

function hooksOf<T>(hooks: T | T[] | undefined): T[] {
  if (hooks === undefined) return [];
  return Array.isArray(hooks) ? hooks : [hooks];
}

/** `onSend` runs for error answers too, and there the status is final. */
function policyHook(policy: CachePolicy) {
  return function kernelCache(
    request: FastifyRequest,
    reply: FastifyReply,
    payload: unknown,
    done: (error: null, payload: unknown) => void,
  ): void {
    if (isHttpsysRequest(request.raw) && reply.statusCode < FIRST_ERROR_STATUS) {
      (reply.raw as { cachePolicy?: CachePolicy | null }).cachePolicy = policy;
    }
    done(null, payload);
  };
}
