import type { IncomingMessage } from 'node:http';
import { isHttpsysRequest, relativeUrl } from '@httpsys/core';

/** Makes the routes relative to the prefix; `request.originalUrl` keeps the whole, because Fastify reads it from the raw request. */
export function mount(req: IncomingMessage & { originalUrl?: string }): void {
  if (!isHttpsysRequest(req)) return;
  const { baseUrl, url } = relativeUrl(req);
  if (baseUrl === '') return;
  req.originalUrl = req.url;
  req.url = url;
}
