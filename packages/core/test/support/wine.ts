/** Windows' node.exe under Wine, and what a test client must do for its HTTP service: a small stand-in for HTTP.SYS (docs/wine.md). */

/** Set in every program that Wine runs, and nowhere else. */
export const onWine = process.platform === 'win32' && 'WINECONFIGDIR' in process.env;

/** Requests go to Wine's HTTP service. */
export const wineHttp = onWine && process.env.HTTPSYS_TEST_ENGINE === 'httpsys';

/** A Host field without a port ends Wine's HTTP service (WINE-1): `Host: x` becomes `Host: x:8080`. Other bytes stay. */
export function nameThePort(text: string, port: number): string {
  return text.replace(/(\r\nHost: [^\r\n:[\]]+)(?=\r\n)/g, `$1:${port}`);
}

/** The host `x` as a test has written it, also where `nameThePort` was at work. */
export function withoutPort(text: string): string {
  return text.replace(/"x:\d+"/g, '"x"');
}

/** What a program printed, without the warning that Wine does not know a setting (WINE-22). */
export function withoutUnsupported(output: string): string {
  if (!wineHttp) return output;
  return output.replace(/^\(node:\d+\) \[HTTPSYS_UNSUPPORTED\].*\r?\n(\(Use `node --trace-warnings .*\r?\n)?/gm, '');
}
