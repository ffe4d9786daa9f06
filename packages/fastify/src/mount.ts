import type { IncomingMessage } from 'node:http';
import * as core from '@httpsys/core';

/** Here, because each access to a member of an imported module calls a getter. */
const { isHttpsysRequest, relativeUrl } = core;

/** Makes the routes relative to the prefix; `request.originalUrl` keeps the whole, because Fastify reads it from the raw request. */
export function mount(req: IncomingMessage & { originalUrl?: string }): void {
  if (!isHttpsysRequest(req)) return;
  const { baseUrl, url } = relativeUrl(req);
  if (baseUrl === '') return;
  req.originalUrl = req.url;
  req.url = url;
}
