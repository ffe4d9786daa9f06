// A program of a user, compiled by unit/types.test.ts; it never runs.
import * as nodeHttp from 'node:http';
import {
  createServer,
  http,
  IncomingMessage,
  relativeUrl,
  Server,
  ServerResponse,
  type CachePolicy,
  type EngineState,
} from '@httpsys/core';

const server: Server = createServer({ queueLength: 100, timeouts: { idleConnection: 5 } }, (request, response) => {
  const path: string = request.prefixPath;
  const { baseUrl, url } = relativeUrl(request);
  response.cachePolicy = { ttl: 2 };
  response.cachePolicy = { untilFlushed: true, force: true };
  response.cachePolicy = null;
  // @ts-expect-error a policy is an object
  response.cachePolicy = 2;
  response
    .respondWithFile('/srv/file', { offset: 1, length: 2 }, (error: Error | null) => void error)
    .respondWithFile(new URL('file:///srv/file'));
  response.respondWithFragment('/app/piece', (error: Error | null) => void error);
  // @ts-expect-error a range has numbers
  response.respondWithFile('/srv/file', { offset: '1' });
  response.setHeader('X-Path', path + baseUrl + url).end('text');
});

// It is node:http's class to whoever asks.
const asNode: nodeHttp.Server = server;
asNode.keepAliveTimeout = 1000;

server.listen('http://*:8080/app/', () => undefined);
server.listen(['http://*:8080/a/', 'http://localhost:8080/b/']);
server.listen(8080, '127.0.0.1', 511, () => undefined);
server.listen({ port: 0, host: '::1' });
server.listen({ prefix: 'http://+:8080/', engine: 'service', queueName: 'jobs', queueMode: 'createOrAttach' });
// @ts-expect-error there are two engines
createServer({ engine: 'kernel' });

export async function operate(): Promise<number> {
  const state: EngineState = await server.queryState();
  await server.addFragment('/app/piece', Buffer.from('x'), { ttl: 1 });
  // @ts-expect-error a fragment needs a policy
  await server.addFragment('/app/piece', 'x');
  const dropped: number = await server.flushCache('/app/', { recursive: true });
  return (state.cache?.hits ?? 0) + dropped + server.prefixes.length;
}

class Request extends IncomingMessage {}
class Response extends ServerResponse {}
export const policy: CachePolicy = { ttl: 1 };
export const replaced = http().createServer({ IncomingMessage: Request, ServerResponse: Response });
export const agent: nodeHttp.Agent = http().globalAgent;
