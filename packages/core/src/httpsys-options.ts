/** Options that mean something to HTTP.SYS alone. */
import type { HttpSysSettings } from './carriers/httpsys-native';
import { invalidOption, integer } from './option-checks';

/** Authentication schemes of Windows (AUTH-1). */
export type AuthenticationScheme = 'Basic' | 'Digest' | 'NTLM' | 'Negotiate' | 'Kerberos';

/** Authentication by the driver: its handshakes never reach the program, which learns who the user is by `request.authentication`. */
export interface AuthenticationOptions {
  /** Which schemes a client may use. A 401 of the program gets a challenge for each of them (AUTH-3). */
  schemes: readonly AuthenticationScheme[];
  /** False: requests without a known user get 401 and never reach the program. Default true (AUTH-2). */
  allowAnonymous?: boolean;
  /** Realm of Basic and Digest, at most 200 characters. */
  realm?: string;
  /** Domain name of Digest, at most 200 characters. */
  domain?: string;
}

/** HTTP.SYS only; the other engines ignore them. */
export interface HttpSysOptions {
  /** Receives pending on the queue at a time, 1 to 1024. Default: five for each processor (RECV-5). */
  pendingReceives?: number;
  /**
   * Who may open the queue of `queueName` beside this user, as a security descriptor in SDDL: `D:(A;;GA;;;NS)` lets NETWORK SERVICE, too. At most
   * 4096 characters. Holds for a queue that this server creates (QUEUE-4). Default: the system's, which lets nobody else.
   */
  queueSecurity?: string;
  /** What a client gets when the queue is full or off: a reset, a bare 503, or a 503 with the reason. Default `basic`: a reset (section 8.4). */
  verbosity503?: 'basic' | 'limited' | 'full';
  /** Response bytes per second of each prefix, 1024 to 4,294,967,294; 0 = no limit. Default 0. */
  maxBandwidth?: number;
  /** The driver buffers what is sent and says at once that it has it (BUFFER_DATA): for many small writes to distant clients. Default false. */
  kernelBuffering?: boolean;
  /**
   * Clients on https that have shown no certificate in the handshake are asked for one before their first request is handed over; `req.socket` then answers
   * `getPeerCertificate()` and `authorized`. Up to TLS 1.2 and HTTP/1.1; the binding's `clientcertnegotiation=enable` asks all of them. Default false.
   */
  clientCertificate?: boolean;
}

const schemeBits: Record<AuthenticationScheme, number> = { Basic: 1, Digest: 2, NTLM: 4, Negotiate: 8, Kerberos: 16 };
const verbosities = ['basic', 'limited', 'full'];
const textMax = 200;
const sddlMax = 4096;

function text(name: string, value: unknown, max = textMax): string {
  if (typeof value !== 'string' || value.length > max) throw invalidOption(name, `a string of at most ${max} characters`, value);
  return value;
}

/**
 * Checks the options and brings them into the driver's terms.
 *
 * @throws ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE
 */
export function httpSysSettings(options: { httpsys?: HttpSysOptions; authentication?: AuthenticationOptions }): HttpSysSettings {
  const { httpsys = {}, authentication } = options;
  const settings: HttpSysSettings = {};
  if (httpsys.pendingReceives !== undefined)
    settings.pendingReceives = integer('httpsys.pendingReceives', httpsys.pendingReceives, 1, 1024);
  if (httpsys.queueSecurity !== undefined) settings.queueSecurity = text('httpsys.queueSecurity', httpsys.queueSecurity, sddlMax);
  if (httpsys.verbosity503 !== undefined) {
    const level = verbosities.indexOf(httpsys.verbosity503);
    if (level < 0) throw invalidOption('httpsys.verbosity503', `one of ${verbosities.join(', ')}`, httpsys.verbosity503);
    settings.verbosity503 = level;
  }
  if (httpsys.maxBandwidth !== undefined) {
    const rate = integer('httpsys.maxBandwidth', httpsys.maxBandwidth, 0, 0xfffffffe);
    if (rate > 0 && rate < 1024) throw invalidOption('httpsys.maxBandwidth', '0 or at least 1024', rate);
    settings.maxBandwidth = rate;
  }
  if (httpsys.kernelBuffering !== undefined) settings.bufferData = httpsys.kernelBuffering;
  if (httpsys.clientCertificate !== undefined) settings.clientCertificate = httpsys.clientCertificate;
  if (authentication === undefined) return settings;
  const { schemes, realm, domain, allowAnonymous } = authentication;
  if (!Array.isArray(schemes) || schemes.length === 0) throw invalidOption('authentication.schemes', 'a list of schemes', schemes);
  settings.authSchemes = 0;
  for (const scheme of schemes as readonly AuthenticationScheme[]) {
    const bit = Object.hasOwn(schemeBits, scheme) ? schemeBits[scheme] : 0;
    if (bit === 0) throw invalidOption('authentication.schemes', `of ${Object.keys(schemeBits).join(', ')}`, scheme);
    settings.authSchemes |= bit;
  }
  settings.allowAnonymous = allowAnonymous ?? true;
  if (realm !== undefined) settings.realm = text('authentication.realm', realm);
  if (domain !== undefined) settings.domain = text('authentication.domain', domain);
  return settings;
}
