/** The directory in which the service and its applications meet: private to the user, with sockets, lock and log. */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { makeError } from '../errors';

export interface RuntimeDir {
  dir: string;
  /** Control socket. */
  control: string;
  lock: string;
  /** Exists while a service is being started, so that not every application starts one of its own. */
  starting: string;
  log: string;
}

/** sun_path with its final NUL. */
const SOCKET_PATH_BYTES = process.platform === 'linux' ? 108 : 104;

/**
 * `HTTPSYS_RUNTIME_DIR`, else `$XDG_RUNTIME_DIR/httpsys`, else `httpsys-<uid>` in the temporary directory; created with mode 0700.
 *
 * @throws ERR_HTTPSYS_RUNTIME_DIR when it belongs to somebody else, is open to others, or its path is too long for a socket
 */
export function openRuntimeDir(env: NodeJS.ProcessEnv = process.env): RuntimeDir {
  const uid = process.getuid?.() ?? 0;
  const dir = chooseDir(env, uid);
  const longest = path.join(dir, 'service.sock');
  const room = SOCKET_PATH_BYTES - 1 - Buffer.byteLength(longest);
  if (room < 0) {
    throw makeError(
      'ERR_HTTPSYS_RUNTIME_DIR',
      dir,
      `its path is ${-room} bytes too long for a Unix socket; set HTTPSYS_RUNTIME_DIR to a shorter one`,
    );
  }
  try {
    fs.mkdirSync(dir, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw makeError('ERR_HTTPSYS_RUNTIME_DIR', dir, (error as Error).message);
  }
  // lstat: in a directory that others may write to, a link could lead anywhere.
  const stat = fs.lstatSync(dir);
  if (!stat.isDirectory()) throw makeError('ERR_HTTPSYS_RUNTIME_DIR', dir, 'it is not a directory');
  if (stat.uid !== uid)
    throw makeError('ERR_HTTPSYS_RUNTIME_DIR', dir, `it belongs to user ${stat.uid}, not to user ${uid}; set HTTPSYS_RUNTIME_DIR`);
  if ((stat.mode & 0o077) !== 0) throw makeError('ERR_HTTPSYS_RUNTIME_DIR', dir, `others have access to it; run: chmod 700 ${dir}`);
  return {
    dir,
    control: longest,
    lock: path.join(dir, 'service.lock'),
    starting: path.join(dir, 'service.starting'),
    log: path.join(dir, 'service.log'),
  };
}

/** Data socket of an I/O thread. */
export function ioSocketPath(dir: string, thread: number): string {
  return path.join(dir, `io-${thread}.sock`);
}

function chooseDir(env: NodeJS.ProcessEnv, uid: number): string {
  if (env.HTTPSYS_RUNTIME_DIR) return path.resolve(env.HTTPSYS_RUNTIME_DIR);
  const xdg = env.XDG_RUNTIME_DIR;
  if (xdg && path.isAbsolute(xdg) && isUsable(xdg, uid)) return path.join(xdg, 'httpsys');
  return path.join(os.tmpdir(), `httpsys-${uid}`);
}

/** After `su` the variable may still name another user's directory. */
function isUsable(dir: string, uid: number): boolean {
  try {
    const stat = fs.statSync(dir);
    fs.accessSync(dir, fs.constants.W_OK);
    return stat.isDirectory() && stat.uid === uid;
  } catch {
    return false;
  }
}
