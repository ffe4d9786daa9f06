/** The facade of a connection that came over TLS: node:tls's questions about it, answered from what the engine told. */
import { X509Certificate } from 'node:crypto';
import type { PeerCertificate } from 'node:tls';
import type { TlsFacts } from '../../queue/facts';
import type { ConnectionAddress } from '../../queue/decode';
import { ConnectionSocket } from './connection-socket';
import type { Link, OwnServer } from '../own';

/** Schannel's protocol bits of the server side (SP_PROT_*_SERVER), as node:tls names them. */
const protocols = new Map<number, string>([
  [0x40, 'TLSv1'],
  [0x100, 'TLSv1.1'],
  [0x400, 'TLSv1.2'],
  [0x1000, 'TLSv1.3'],
]);

/** Ciphers of Schannel (ALG_ID). */
const ciphers = new Map<number, string>([
  [0x660e, 'AES128'],
  [0x660f, 'AES192'],
  [0x6610, 'AES256'],
  [0x6603, '3DES'],
  [0x6801, 'RC4'],
]);

/** Trust errors of Windows by their names, as the original package gave them. */
const trustErrors = new Map<number, string>([
  [0x800b0101, 'CERT_E_EXPIRED'],
  [0x800b0109, 'CERT_E_UNTRUSTEDROOT'],
  [0x800b010a, 'CERT_E_CHAINING'],
  [0x800b010c, 'CERT_E_REVOKED'],
  [0x800b010d, 'CERT_E_UNTRUSTEDTESTROOT'],
  [0x800b0110, 'CERT_E_WRONG_USAGE'],
  [0x800b0112, 'CERT_E_UNTRUSTEDCA'],
  [0x80096004, 'TRUST_E_CERT_SIGNATURE'],
  [0x80092010, 'CRYPT_E_REVOKED'],
  [0x80092012, 'CRYPT_E_NO_REVOCATION_CHECK'],
  [0x80092013, 'CRYPT_E_REVOCATION_OFFLINE'],
]);

export class SecureConnectionSocket extends ConnectionSocket {
  /** What the client asked for in the handshake (SNI); false when it named nothing, or the engine cannot tell. */
  readonly servername: string | false;
  /** True when the client showed a certificate whose chain is trusted. Whoever is not authorized is served all the same: the program decides. */
  readonly authorized: boolean;
  /** Why not: a name such as `CERT_E_EXPIRED`, or the Win32 code in hexadecimal; null without a certificate or without an error. */
  readonly authorizationError: string | null;
  private readonly facts: TlsFacts;

  constructor(server: OwnServer, link: Link, connectionId: number, flags: number, addresses: ConnectionAddress) {
    super(server, link, connectionId, flags, addresses);
    this.facts = addresses.tls ?? {};
    this.servername = this.facts.serverName ?? false;
    const certificate = this.facts.clientCertificate;
    this.authorized = certificate !== undefined && certificate.error === 0;
    this.authorizationError =
      certificate === undefined || certificate.error === 0
        ? null
        : (trustErrors.get(certificate.error) ?? `0x${certificate.error.toString(16).padStart(8, '0')}`);
  }

  /** As `tls.TLSSocket`: the certificate's fields, `{}` when the client showed none. */
  getPeerCertificate(_detailed?: boolean): PeerCertificate {
    return (this.getPeerX509Certificate()?.toLegacyObject() ?? {}) as unknown as PeerCertificate;
  }

  /** As `tls.TLSSocket`. */
  getPeerX509Certificate(): X509Certificate | undefined {
    const der = this.facts.clientCertificate?.der;
    return der === undefined ? undefined : new X509Certificate(der);
  }

  /** `TLSv1.2` and the like; null when the engine did not tell. */
  getProtocol(): string | null {
    return protocols.get(this.facts.protocol?.[0] ?? 0) ?? null;
  }

  /** The cipher by Windows' names, without its suite; undefined when the engine did not tell. */
  getCipher(): { name: string; standardName: string; version: string } | undefined {
    const { protocol } = this.facts;
    if (protocol === undefined) return undefined;
    const name = ciphers.get(protocol[1]) ?? `0x${protocol[1].toString(16)}`;
    return { name, standardName: name, version: this.getProtocol() ?? 'unknown' };
  }
}
