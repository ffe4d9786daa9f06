/** Win32 codes of the HTTP Server API as the errors a program and its user understand (http-server-api.md section 14). */
import * as os from 'node:os';
import { HttpsysError, listenError, makeError } from '../errors';
import type { UrlPrefix } from '../prefix';

/** An error as the addon throws it. */
export interface DriverError extends Error {
  win32Code: number;
  syscall: string;
}

export function isDriverError(error: unknown): error is DriverError {
  return error instanceof Error && typeof (error as Partial<DriverError>).win32Code === 'number';
}

const accessDenied = 5;
const sharingViolation = 32;
const notSupported = 50;
const invalidParameter = 87;
const alreadyExists = 183;
const invalidNetname = 1214;
const fileNotFound = 2;
const invalidName = 123;

/** The code and the function go with every error, whatever its own code is. */
function withDriver(error: HttpsysError, cause: DriverError): HttpsysError {
  return Object.assign(error, { win32Code: cause.win32Code, errno: cause.win32Code, nativeFunction: cause.syscall, cause });
}

/** Who runs this process, as netsh wants it. */
function userName(env: NodeJS.ProcessEnv): string {
  const domain = env.USERDOMAIN;
  let name = env.USERNAME;
  try {
    name ??= os.userInfo().username;
  } catch {
    // A service account may have no entry.
  }
  if (name === undefined || name === '') return '%USERDOMAIN%\\%USERNAME%';
  return domain === undefined || domain === '' ? name : `${domain}\\${name}`;
}

/** netsh takes its arguments in quotes where they have spaces. */
function quoted(text: string): string {
  return /[\s"]/.test(text) ? `"${text}"` : text;
}

/** The command that lets this user listen on the prefix. */
export function reservationCommand(url: string, env: NodeJS.ProcessEnv = process.env): string {
  return `netsh http add urlacl url=${quoted(url)} user=${quoted(userName(env))}`;
}

/** Why a prefix could not be registered. `syscall` is `listen`, as node:net's, for programs tell these errors by it. */
export function registrationError(cause: DriverError, url: string, prefix: Pick<UrlPrefix, 'host' | 'port' | 'scheme'>): HttpsysError {
  const { code, why } = explain(cause, url, prefix);
  return withDriver(
    listenError(code, `${why} (${cause.syscall}: Win32 error ${cause.win32Code})`, { prefix: url, port: prefix.port }),
    cause,
  );
}

function explain(cause: DriverError, url: string, prefix: Pick<UrlPrefix, 'host' | 'port' | 'scheme'>): { code: string; why: string } {
  switch (cause.win32Code) {
    case accessDenied:
      return {
        code: 'EACCES',
        why:
          'this user may not listen on that prefix. An administrator can allow it, once: ' +
          `${reservationCommand(url)}. Prefixes of the host localhost with a port above 1024 need no such right`,
      };
    case alreadyExists:
      return {
        code: 'EADDRINUSE',
        why: 'another program (or this one) has registered that prefix: netsh http show servicestate tells which',
      };
    case sharingViolation:
      return {
        code: 'EADDRINUSE',
        why: `a program that does not use HTTP.SYS listens on port ${prefix.port}: netstat -ano tells which`,
      };
    case invalidNetname:
      return { code: 'EADDRNOTAVAIL', why: `${prefix.host} is no address of this machine` };
    case notSupported:
    case invalidParameter:
      return {
        code: 'EINVAL',
        why:
          'HTTP.SYS does not take that prefix. It may be that the port is in use, or reserved, for ' +
          `${prefix.scheme === 'http' ? 'https' : 'http'}: netsh http show urlacl tells`,
      };
    default:
      return { code: 'ERR_HTTPSYS_DRIVER', why: 'HTTP.SYS refused that prefix' };
  }
}

/** By Win32 code; the codes are those of the other engines. */
const queueFailures = new Map<number, [code: string, why: string]>([
  [alreadyExists, ['EEXIST', 'exists already (QUEUE-3): attach to it, or choose another name']],
  [fileNotFound, ['ENOENT', 'does not exist (QUEUE-3): the process that creates it must listen first']],
  [accessDenied, ['EACCES', 'belongs to another user']],
  [invalidName, ['EINVAL', 'a name has no path separators']],
]);

/** Why a queue could not be opened. */
export function queueError(cause: DriverError, name: string | undefined): HttpsysError {
  if (cause.syscall.startsWith('ConvertStringSecurityDescriptor')) {
    const text = 'The option httpsys.queueSecurity is no security descriptor in SDDL';
    return withDriver(new HttpsysError('EINVAL', `${text} (${cause.syscall}: Win32 error ${cause.win32Code})`), cause);
  }
  const known = cause.syscall === 'HttpCreateRequestQueue' ? queueFailures.get(cause.win32Code) : undefined;
  if (name !== undefined && known !== undefined) {
    const [code, why] = known;
    return withDriver(new HttpsysError(code, makeError('ERR_HTTPSYS_QUEUE_NAME', name, why).message), cause);
  }
  return driverError(cause);
}

/** Any other failure of the API. */
export function driverError(cause: DriverError): HttpsysError {
  return Object.assign(withDriver(makeError('ERR_HTTPSYS_DRIVER', cause.syscall, cause.win32Code), cause), { syscall: cause.syscall });
}

/** The name is taken: with `createOrAttach` it is to be opened. */
export function isTaken(error: unknown): boolean {
  return isDriverError(error) && error.syscall === 'HttpCreateRequestQueue' && error.win32Code === alreadyExists;
}

/** The prefix or the port is somebody else's: with port 0 another one is tried. */
export function isInUse(error: unknown): boolean {
  return isDriverError(error) && (error.win32Code === alreadyExists || error.win32Code === sharingViolation);
}
