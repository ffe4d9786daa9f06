/** Windows' node.exe under Wine, and what a test client must do for its HTTP service: a small stand-in for HTTP.SYS (docs/windows.md). */

/** Set in every program that Wine runs, and nowhere else. */
export const onWine = process.platform === 'win32' && 'WINECONFIGDIR' in process.env;

/** Requests go to Wine's HTTP service. */
export const wineHttp = onWine && process.env.HTTPSYS_TEST_ENGINE === 'httpsys';

/** A Host field without a port ends Wine's HTTP service (WINE-1): `Host: x` becomes `Host: x:8080`. Other bytes stay. */
export function nameThePort(text: string, port: number): string {
  return text.replace(/(\r\nHost: [^\r\n:[\]]+)(?=\r\n)/g, `$1:${port}`);
}
