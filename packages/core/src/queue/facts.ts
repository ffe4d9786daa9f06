/** Optional blocks of CONNECTION and REQUEST_FACTS (docs/frames.md): what an engine knows of a client beyond HTTP. */
import { ProtocolError } from './protocol-error';
import * as frames from './frames';

/** The TLS connection as the engine negotiated it. */
export interface TlsFacts {
  /** Windows' numbers: protocol, cipher, its strength, hash, its strength, key exchange, its strength. */
  protocol?: readonly number[];
  /** What the client asked for in the handshake (SNI). */
  serverName?: string;
  /** DER of the client's certificate, and 0 when its chain is trusted, else a Win32 trust error. */
  clientCertificate?: { der: Buffer; error: number };
}

/** Who the engine says the user is. */
export interface UserFacts {
  status: 'authenticated' | 'anonymous' | 'failed';
  scheme: 'Basic' | 'Digest' | 'NTLM' | 'Negotiate' | 'Kerberos' | null;
  sid: string;
  name: string;
}

/** Facts of one request. */
export interface RequestFacts {
  requestId: number;
  versionMajor?: number;
  versionMinor?: number;
  user?: UserFacts;
}

const statuses = ['authenticated', 'anonymous', 'failed'] as const;
const schemes = [null, 'Basic', 'Digest', 'NTLM', 'Negotiate', 'Kerberos'] as const;
const protocolNumbers = 7;

/** Calls `each` with every block of `bytes[at .. end)`. */
function readBlocks(bytes: Buffer, at: number, end: number, each: (tag: number, content: Buffer) => void): void {
  while (at < end) {
    if (end - at < 4) throw new ProtocolError('a block is cut off');
    const contentAt = at + 4;
    const contentEnd = contentAt + bytes.readUInt16LE(at + 2);
    if (contentEnd > end) throw new ProtocolError('a block runs past its frame');
    each(bytes.readUInt16LE(at), bytes.subarray(contentAt, contentEnd));
    at = contentEnd;
  }
}

/** The blocks behind the addresses of a CONNECTION frame. Nothing of `bytes` is kept. */
export function readTlsFacts(bytes: Buffer, at: number, end: number): TlsFacts {
  const facts: TlsFacts = {};
  readBlocks(bytes, at, end, (tag, content) => {
    if (tag === frames.BlockTls && content.length >= protocolNumbers * 4) {
      facts.protocol = Array.from({ length: protocolNumbers }, (_, n) => content.readUInt32LE(n * 4));
    } else if (tag === frames.BlockServerName) facts.serverName = content.toString('utf8');
    else if (tag === frames.BlockClientCertificate && content.length > 4) {
      facts.clientCertificate = { error: content.readUInt32LE(0), der: Buffer.from(content.subarray(4)) };
    }
  });
  return facts;
}

/** A REQUEST_FACTS frame. */
export function readRequestFacts(requestId: number, bytes: Buffer, at: number, end: number): RequestFacts {
  const facts: RequestFacts = { requestId };
  readBlocks(bytes, at, end, (tag, content) => {
    if (tag === frames.BlockVersion && content.length >= 2) {
      facts.versionMajor = content[0];
      facts.versionMinor = content[1];
    } else if (tag === frames.BlockUser && content.length >= 4) {
      const sidEnd = 4 + content.readUInt16LE(2);
      if (sidEnd > content.length) throw new ProtocolError('the SID runs past its block');
      facts.user = {
        // What a later engine may say beyond these is no authentication.
        status: statuses[content[0]] ?? 'failed',
        scheme: schemes[content[1]] ?? null,
        sid: content.toString('latin1', 4, sidEnd),
        name: content.toString('utf8', sidEnd),
      };
    }
  });
  return facts;
}
