/** Checks of what comes over the control channel: every value is somebody else's until it passed here. */
import { HttpsysError, makeError } from '../errors';
import type { NativeQueueOptions } from '../carriers/native';
import type { QueueMode, UrlRegistration } from '../carriers/carrier';
import { MAX_QUEUE_NAME_LENGTH, MAX_URL_LENGTH, MAX_URLS_PER_QUEUE } from './limits';

type Fields = Record<string, unknown>;

const flags = ['enabled', 'requireHost', 'emptyHost', 'requireLength', 'halfClose', 'clientErrors', 'connections'] as const;
/** Seconds; parts of one count. */
const durations: readonly string[] = [
  'entityBody',
  'drainEntityBody',
  'requestQueue',
  'idleConnection',
  'headerWait',
  'idleGrace',
  'wholeRequest',
];

/** Lowest and highest value per option (NativeQueueOptions). */
const ranges: Record<Exclude<keyof NativeQueueOptions, (typeof flags)[number]>, [number, number]> = {
  queueLength: [1, 1_000_000],
  maxRequestBodyBytes: [0, Number.MAX_SAFE_INTEGER],
  maxConnections: [0, 1_000_000],
  entityBody: [-1, 65_535],
  drainEntityBody: [-1, 65_535],
  requestQueue: [-1, 65_535],
  idleConnection: [-1, 65_535],
  headerWait: [-1, 65_535],
  minSendRate: [-1, 0xffffffff],
  cacheEntryBytes: [1, 16 * 1024 * 1024],
  idleGrace: [0, 65_535],
  wholeRequest: [-1, 65_535],
  headBytes: [0, 65_535],
};

const modes: readonly unknown[] = ['create', 'attach', 'createOrAttach'];

export function asFields(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(`${what} must be an object`);
  return value as Fields;
}

/** Known options with values in range; others are left out, as a later minor version may send more. */
export function checkQueueOptions(value: unknown): NativeQueueOptions {
  const fields = asFields(value ?? {}, 'options');
  const options: NativeQueueOptions = {};
  for (const name of Object.keys(ranges) as (keyof typeof ranges)[]) {
    const given = fields[name];
    if (given === undefined || given === null) continue;
    const [low, high] = ranges[name];
    const whole = !durations.includes(name);
    if (typeof given !== 'number' || !(given >= low && given <= high) || (whole && !Number.isInteger(given))) {
      throw invalid(`option ${name} must be ${whole ? 'an integer' : 'a number'} from ${low} to ${high}`);
    }
    options[name] = given;
  }
  for (const name of flags) {
    const given = fields[name];
    if (given === undefined || given === null) continue;
    if (typeof given !== 'boolean') throw invalid(`option ${name} must be a boolean`);
    options[name] = given;
  }
  return options;
}

/** QUEUE-2: no path separators, a bounded length; '' means unnamed. Control characters are refused because names appear in logs. */
export function checkQueueName(value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string') throw invalid('the queue name must be a string');
  if (value.length > MAX_QUEUE_NAME_LENGTH) {
    throw makeError('ERR_HTTPSYS_QUEUE_NAME', `${value.slice(0, 32)}...`, `a name has at most ${MAX_QUEUE_NAME_LENGTH} characters`);
  }
  if (/[/\\]/.test(value) || /\p{Cc}/u.test(value)) {
    throw makeError('ERR_HTTPSYS_QUEUE_NAME', value, 'a name has no path separators or control characters');
  }
  return value;
}

export function checkQueueMode(value: unknown): QueueMode {
  if (value === undefined || value === null) return 'create';
  if (!modes.includes(value)) throw invalid("mode must be 'create', 'attach' or 'createOrAttach'");
  return value as QueueMode;
}

export function checkRegistrations(value: unknown): UrlRegistration[] {
  if (!Array.isArray(value)) throw invalid('urls must be an array');
  if (value.length > MAX_URLS_PER_QUEUE) throw invalid(`a queue has at most ${MAX_URLS_PER_QUEUE} URL prefixes`);
  return value.map((entry) => {
    const { prefix, urlContext } = asFields(entry, 'each URL');
    if (typeof prefix !== 'string' || prefix.length > MAX_URL_LENGTH)
      throw invalid(`a prefix is text of at most ${MAX_URL_LENGTH} characters`);
    if (!Number.isInteger(urlContext) || (urlContext as number) < 0 || (urlContext as number) > 0xffffffff) {
      throw invalid('urlContext must be an unsigned 32 bit integer');
    }
    return { prefix, urlContext: urlContext as number };
  });
}

export function checkUrl(value: unknown): string {
  if (typeof value !== 'string' || value.length > MAX_URL_LENGTH) throw invalid(`url must be text of at most ${MAX_URL_LENGTH} characters`);
  if (!/^https?:\/\/[^/?#]+\//.test(value)) throw invalid('url must have the form http://host:port/path?query');
  return value;
}

export function checkBacklog(value: unknown, otherwise: number): number {
  if (value === undefined || value === null) return otherwise;
  if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > 0x7fffffff)
    throw invalid('backlog must be an integer from 0');
  return (value as number) || otherwise;
}

export function invalid(why: string): HttpsysError {
  return new HttpsysError('EINVAL', `Invalid request to the httpsys engine: ${why}`);
}
