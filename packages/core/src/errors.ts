/** The code table of the package. Codes are never reused for another cause. */

const messages = {
  ERR_HTTPSYS_PREFIX_INVALID: (prefix: string, part: string, why: string) =>
    `Invalid URL prefix ${JSON.stringify(prefix)}: ${part} ${why}. Expected scheme://host:port/path/, for example http://*:8080/shop/`,
  ERR_HTTPSYS_TLS_UNSUPPORTED: (prefix: string) =>
    `${JSON.stringify(prefix)}: https prefixes are not available on this engine yet; listen on an http prefix`,
  ERR_HTTPSYS_SERVICE_START: (log: string, why: string) => `The httpsys service did not start: ${why}. Its log is ${log}`,
  ERR_HTTPSYS_RUNTIME_DIR: (dir: string, why: string) => `The directory ${dir} cannot be used for the httpsys service: ${why}`,
  ERR_HTTPSYS_SERVICE_LOST: (why: string) => `The connection to the httpsys service was lost: ${why}`,
  ERR_HTTPSYS_PROTOCOL: (why: string) => `Malformed frame: ${why}`,
  ERR_HTTPSYS_VERSION: (ours: string, theirs: string) =>
    `This process uses @httpsys/core ${ours}, the running httpsys service is ${theirs}, and they do not speak the same protocol. ` +
    'Stop the other applications (the service leaves 2 s after the last one) or bring all of them to one version',
  ERR_HTTPSYS_ADDON: (tried: string) => `The native addon of @httpsys/core could not be loaded. ${tried}`,
  ERR_HTTPSYS_QUEUE_NAME: (name: string, why: string) => `Request queue ${JSON.stringify(name)}: ${why}`,
  ERR_HTTPSYS_ENGINE: (value: string) =>
    `Unknown engine ${JSON.stringify(value)}: use 'service' or 'embedded' (option engine or HTTPSYS_ENGINE)`,
  ERR_HTTPSYS_DRIVER: (call: string, win32Code: number) =>
    `${call} failed with Win32 error ${win32Code}; net helpmsg ${win32Code} tells what that is`,
  ERR_HTTPSYS_AUTHENTICATION: () =>
    "The option authentication is for HTTP.SYS on Windows: this engine cannot tell who its clients' users are, and does not listen without",
  ERR_HTTPSYS_RAW_RESPONSE: (why: string) =>
    `What was written to the socket of a request is no HTTP response: ${why}. It has to begin with one, for example ` +
    '"HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\n\\r\\n"; behind an upgrade any bytes may follow',
  ERR_HTTPSYS_CACHE_POLICY: (why: string) => `Invalid cache policy: ${why}`,
  ERR_HTTPSYS_FILE: (path: string, why: string) => `${JSON.stringify(path)} cannot be the body of a response: ${why}`,
  ERR_HTTPSYS_FRAGMENT: (name: string, why: string) => `Fragment ${JSON.stringify(name)}: ${why}`,
  ERR_HTTPSYS_INSECURE_PARSER: () =>
    'The option insecureHTTPParser is not available: the engine is strict about requests (RFC 9112), because what two parsers read differently is ' +
    'how requests are smuggled. Leave the option out, or serve such clients with node:http',
  ERR_HTTPSYS_NOT_LISTENING: () => 'The server is not listening',
} as const;

/** All codes of this package. */
export type HttpsysErrorCode = keyof typeof messages;

/** An error of this package: `code` is stable, the message says what to do. */
export class HttpsysError extends Error {
  readonly code: string;
  constructor(code: string, message: string, properties?: object) {
    super(message);
    this.code = code;
    this.name = 'HttpsysError';
    if (properties) Object.assign(this, properties);
  }
}

/** Makes the error of a code; the arguments fill its message. */
export function makeError<C extends HttpsysErrorCode>(code: C, ...args: Parameters<(typeof messages)[C]>): HttpsysError {
  const template = messages[code] as (...values: unknown[]) => string;
  return new HttpsysError(code, template(...args));
}

/**
 * A failure of `listen`, with the properties callers of node:net test for.
 *
 * @param code `EADDRINUSE`, `EACCES`, ...
 * @param why what holds the address and what to do about it
 */
export function listenError(
  code: string,
  why: string,
  properties: { prefix?: string; address?: string; port?: number; pid?: number },
): HttpsysError {
  const where = properties.prefix ?? `${properties.address ?? ''}:${properties.port ?? ''}`;
  return new HttpsysError(code, `listen ${code}: ${where}: ${why}`, { syscall: 'listen', ...properties });
}
