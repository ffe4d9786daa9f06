/** What HTTP.SYS, or this edition of it, does not do, said once. */

const said = new Set<string>();

function sayOnce(key: string, code: string, text: string): void {
  if (said.has(key)) return;
  said.add(key);
  process.emitWarning(text, { type: 'HttpsysWarning', code });
}

/** Settings that the system does not know: Wine has few of them. They are left out. */
export function explainUnsupported(names: readonly string[]): void {
  for (const name of names) {
    sayOnce(
      `unsupported ${name}`,
      'HTTPSYS_UNSUPPORTED',
      `The setting ${name} is not supported by HTTP.SYS on this system; it has no effect`,
    );
  }
}

/** SEND-9: the API has no interim responses. */
export function explainDropped(status: number): void {
  sayOnce(
    'informational',
    'HTTPSYS_INFORMATIONAL',
    `HTTP.SYS sends no interim responses of a program: ${status} and others like it are left out (100 Continue it sends by itself)`,
  );
}

/** The driver's own checks are stricter than ours somewhere: the client got 500, or a closed connection. */
export function explainRefused(win32Code: number): void {
  sayOnce('refused', 'HTTPSYS_SEND_REFUSED', `HTTP.SYS did not take a response (HttpSendHttpResponse: Win32 error ${win32Code})`);
}
