#!/usr/bin/env node
/** The `httpsys` command: looks at and steers the service of this user, in netsh's words. */
import { ControlConnection } from '../carriers/service-control';
import * as frames from '../queue/frames';
import { openRuntimeDir } from '../service/runtime-dir';
import type { ServiceState } from '../service/state';
import { packageVersion } from '../service/version';
import { parseCommandLine, type CommandLine } from './arguments';
import { formatState } from './format-state';

const usage = `Usage: httpsys <command> [parameters]

Commands:
  show servicestate [--json]              Shows ports, request queues, URL prefixes, processes and counters.
  flush cache url=<url> [recursive=yes]   Drops the cached response of a URL; recursive=yes also all below it.
  stop service                            Ends the service process. Applications that still run start another one.

Options:
  --help, -h      Shows this text.
  --version, -v   Shows the version of @httpsys/core.

The service is found in HTTPSYS_RUNTIME_DIR, else in $XDG_RUNTIME_DIR/httpsys or httpsys-<uid> in the temporary directory.
`;

/** How long `stop service` waits for the end of the process, milliseconds. */
const STOP_TIMEOUT_MS = 5000;
const STOP_POLL_MS = 20;

/** A mistake in the command line: its text and the usage are shown. */
class UsageError extends Error {}

/** Runs one command; the result is the exit code. */
export async function run(args: string[], print: (text: string) => void, printError: (text: string) => void): Promise<number> {
  const line = parseCommandLine(args);
  if (line.flags.has('--help') || line.flags.has('-h') || args.length === 0) {
    print(usage);
    return args.length === 0 ? 1 : 0;
  }
  if (line.flags.has('--version') || line.flags.has('-v')) {
    print(packageVersion);
    return 0;
  }
  try {
    print(await execute(line));
    return 0;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (error instanceof UsageError) printError(`${error.message}\n\n${usage}`);
    else if (code === 'ENOENT' || code === 'ECONNREFUSED') printError('The httpsys service is not running.');
    else printError((error as Error).message);
    return 1;
  }
}

async function execute(line: CommandLine): Promise<string> {
  const command = line.words.join(' ');
  allow(line, command === 'show servicestate' ? ['--json'] : [], command === 'flush cache' ? ['url', 'recursive'] : []);
  switch (command) {
    case 'show servicestate':
      return withService(async (service) => {
        const { state } = await service.request(frames.QueryState, {});
        return line.flags.has('--json') ? JSON.stringify(state, null, 2) : formatState(state as ServiceState);
      });
    case 'flush cache': {
      const url = line.parameters.get('url');
      if (url === undefined) throw new UsageError('flush cache needs url=<url>');
      const recursive = yesOrNo(line.parameters.get('recursive'));
      return withService(async (service) => {
        const { count } = await service.request(frames.FlushCache, { url, recursive });
        return `${String(count)} cached ${count === 1 ? 'response' : 'responses'} dropped.`;
      });
    }
    case 'stop service':
      return withService((service) => stop(service.peer.pid));
    default:
      throw new UsageError(`Unknown command: ${command}`);
  }
}

async function withService(work: (service: ControlConnection) => Promise<string>): Promise<string> {
  const service = await ControlConnection.open(openRuntimeDir().control);
  try {
    return await work(service);
  } finally {
    service.destroy();
  }
}

async function stop(pid: number): Promise<string> {
  process.kill(pid, 'SIGTERM');
  for (const deadline = performance.now() + STOP_TIMEOUT_MS; performance.now() < deadline;) {
    await new Promise((resolve) => setTimeout(resolve, STOP_POLL_MS));
    try {
      process.kill(pid, 0);
    } catch {
      return `The httpsys service (pid ${pid}) was stopped.`;
    }
  }
  throw new Error(`The httpsys service (pid ${pid}) did not end within ${STOP_TIMEOUT_MS / 1000} s.`);
}

function allow(line: CommandLine, flags: string[], parameters: string[]): void {
  for (const flag of line.flags) if (!flags.includes(flag)) throw new UsageError(`Unknown option: ${flag}`);
  for (const name of line.parameters.keys()) if (!parameters.includes(name)) throw new UsageError(`Unknown parameter: ${name}`);
}

function yesOrNo(text: string | undefined): boolean {
  if (text === undefined || text === 'no') return false;
  if (text === 'yes') return true;
  throw new UsageError('recursive must be yes or no');
}

if (require.main === module) {
  void run(process.argv.slice(2), console.log, console.error).then((code) => (process.exitCode = code));
}
