/**
 * Puts httpsys' server side into node:http itself, so that a program and all its packages get it without being changed.
 */
import nodeHttp from 'node:http';
import nodeHttps from 'node:https';
import { syncBuiltinESMExports } from 'node:module';
import { node, slipstreamKey } from '../http/node-internals';
import { serverSide, type ServerSide } from './modules';

/** Kept on node:http's module object. Another copy of this package, perhaps of another version, reads it. */
interface Slipstreamed {
  before: typeof node;
  undo(): void;
}

type Patched = Record<symbol, Slipstreamed | undefined>;
type Names = keyof ServerSide;

let noticed = false;

/** Once: the program's certificates are served, but not by httpsys. */
function noticeHttps(): void {
  if (noticed) return;
  noticed = true;
  process.emitWarning(
    "https.createServer stays Node's own: its certificates come from the program. httpsys serves TLS for https:// prefixes, where an " +
      'engine has certificates in its configuration.',
    { type: 'HttpsysWarning', code: 'HTTPSYS_HTTPS_NODE' },
  );
}

/**
 * From now on the servers of this process are httpsys': `http.createServer`, `http.Server`, `http.IncomingMessage` and `http.ServerResponse`,
 * however a program obtains them (`require`, `import`, named imports that were made before as well). Servers that exist stay what they
 * are. Requests made by the program, agents and everything else stay Node's; so does `https.createServer`, with a note when it is first used.
 *
 * A second call, also of another copy of this package, changes nothing and returns the same function.
 *
 * @returns puts everything back; what a program has replaced in the meantime is left alone
 * @example
 * require('@httpsys/core').slipstream(); // or: node --import @httpsys/core/slipstream app.js
 */
export function slipstream(): () => void {
  const modules = nodeHttp as unknown as Patched;
  const active = modules[slipstreamKey];
  if (active !== undefined) return active.undo;

  const names = Object.keys(serverSide) as Names[];
  const createHttps = nodeHttps.createServer;
  const notedHttps = function createServer(this: unknown, ...values: unknown[]): unknown {
    noticeHttps();
    return Reflect.apply(createHttps, this, values as never);
  } as typeof createHttps;

  function undo(): void {
    // Another copy's undo, or a second call.
    if (modules[slipstreamKey]?.undo !== undo) return;
    const restored: Record<string, unknown> = {};
    for (const name of names) if ((nodeHttp[name] as unknown) === serverSide[name]) restored[name] = node[name];
    Object.assign(nodeHttp, restored);
    if (nodeHttps.createServer === notedHttps) nodeHttps.createServer = createHttps;
    delete modules[slipstreamKey];
    syncBuiltinESMExports();
  }

  Object.assign(nodeHttp, serverSide);
  nodeHttps.createServer = notedHttps;
  Object.defineProperty(nodeHttp, slipstreamKey, { value: { before: node, undo }, configurable: true, enumerable: false });
  // `import { createServer } from 'node:http'` is a binding of its own.
  syncBuiltinESMExports();
  return undo;
}
