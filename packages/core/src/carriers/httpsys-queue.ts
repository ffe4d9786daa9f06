/** Request queues of HTTP.SYS as far as settings and URLs go: for a carrier, and for the primary of a cluster. */
import { isMainThread } from 'node:worker_threads';
import { listenError } from '../errors';
import { parsePrefix, printPrefix } from '../prefix';
import type { BoundUrl, OpenQueueOptions, UrlRegistration } from './carrier';
import { servePrimary, type PrimaryQueue } from './httpsys-cluster';
import { isDriverError, isInUse, queueError, registrationError } from './httpsys-errors';
import type { HttpQueue, HttpQueueOptions, HttpQueueSettings } from './httpsys-native';
import { explainUnsupported } from './httpsys-warnings';
import { loadHttpSys } from './load-addon';
import type { NativeQueueOptions } from './native';

/** Ports tried before `listen(0)` gives up. */
const freePortAttempts = 32;
/** "None" of a timeout in the API (http-server-api.md section 8.2). */
const timeoutNone = 0xffff;
const rateNone = 0xffffffff;

/** A queue as far as its URLs go. */
export interface Registering {
  readonly queue: HttpQueue;
  readonly attached: boolean;
  readonly urls: BoundUrl[];
}

/** Stands for "any free port"; the grammar has no 0 (URL-2). */
const freePort = /^([a-z]+:\/\/[^/]*):0(\/.*)$/;

/** Registers all of the URLs or none, with the ports they really have. */
export function register(open: Registering, urls: UrlRegistration[]): void {
  for (const { prefix: text, urlContext } of urls) {
    const floating = freePort.exec(text);
    for (let attempt = 1; ; attempt++) {
      const port = floating === null ? 0 : loadHttpSys().freePort();
      if (floating !== null && port === 0) throw listenError('EADDRINUSE', 'no free port was found', { prefix: text });
      try {
        open.urls.push(registerOne(open, floating === null ? text : `${floating[1]}:${port}${floating[2]}`, urlContext));
        break;
      } catch (error) {
        // Somebody took the port between the look and the registration.
        if (floating !== null && attempt < freePortAttempts && isInUse((error as { cause?: unknown }).cause)) continue;
        open.urls.length = 0;
        throw error;
      }
    }
  }
}

function registerOne(open: Registering, text: string, urlContext: number): BoundUrl {
  const prefix = parsePrefix(text);
  const url = printPrefix({ ...prefix, path: prefix.writtenPath });
  try {
    if (!open.attached) open.queue.addUrl(url, urlContext);
  } catch (error) {
    throw isDriverError(error) ? registrationError(error, url, prefix) : error;
  }
  return { prefix: prefix.text, urlContext, host: prefix.host === '+' || prefix.host === '*' ? '' : prefix.host, port: prefix.port };
}

/** The queue of a cluster as its primary holds it: it registers URLs and settings, and takes no requests. */
function openPrimaryQueue(name: string, urls: UrlRegistration[], options: OpenQueueOptions): PrimaryQueue {
  const { HttpQueue: NativeQueue } = loadHttpSys();
  const nothing = (): void => undefined;
  let queue: HttpQueue | null = null;
  try {
    const { security, settings } = splitOptions(options);
    queue = new NativeQueue({ name, ...security, controller: true, pendingReceives: 0, endsWithProcess: isMainThread }, nothing, nothing);
    queue.setOptions(settings);
    const open = { queue, attached: false, urls: [] as BoundUrl[] };
    register(open, urls);
    explainUnsupported(queue.unsupported());
    // The workers keep the program alive.
    queue.unref();
    const held = queue;
    return { name, bound: open.urls, close: () => held.close() };
  } catch (error) {
    queue?.close();
    throw isDriverError(error) ? queueError(error, name) : error;
  }
}

/** What a queue is opened with, and what is set on it then. */
export function splitOptions(options: OpenQueueOptions): {
  pendingReceives: number;
  security: Pick<HttpQueueOptions, 'security'>;
  settings: HttpQueueSettings;
} {
  const { pendingReceives = 0, queueSecurity, ...special } = options.httpsys ?? {};
  const security = queueSecurity === undefined ? {} : { security: queueSecurity };
  return { pendingReceives, security, settings: { ...settingsOf(options), ...special } };
}

/** -1 means none to the options, and all ones to the API. */
export function settingsOf(options: NativeQueueOptions): HttpQueueSettings {
  const settings: HttpQueueSettings = {};
  for (const name of ['queueLength', 'maxRequestBodyBytes', 'maxConnections'] as const) {
    if (options[name] !== undefined) settings[name] = options[name];
  }
  for (const name of ['entityBody', 'drainEntityBody', 'requestQueue', 'idleConnection', 'headerWait'] as const) {
    const value = options[name];
    if (value !== undefined) settings[name] = value < 0 ? timeoutNone : value;
  }
  if (options.minSendRate !== undefined) settings.minSendRate = options.minSendRate < 0 ? rateNone : options.minSendRate;
  if (options.enabled !== undefined) settings.enabled = options.enabled;
  return settings;
}

if (process.platform === 'win32') servePrimary(openPrimaryQueue);
