/**
 * The private side of the objects that programs know as node:http's, whatever their classes: what the files of this folder know of each other. The
 * classes implement it (`Server`, `ConnectionSocket`), or it is set on each instance (`initRequest`, `initResponse`), so that it survives a swap of
 * prototypes.
 */
import type { AsyncResource } from 'node:async_hooks';
import type * as http from 'node:http';
import type * as net from 'node:net';
import type { BoundUrl } from '../carriers/carrier';
import type { ChannelLink } from '../queue/channel-link';
import type { UserFacts } from '../queue/facts';
import type { RequestQueue } from '../queue/request-queue';
import type {
  kBodyDone,
  kBrand,
  kCreditOwed,
  kDrained,
  kEnded,
  kFragment,
  kHead,
  kHeadFlags,
  kLink,
  kPolicy,
  kPolicyBlock,
  kPrefixPath,
  kReferred,
  kResponse,
  kSent,
  kServer,
  kUnstorable,
  kUser,
  kWaiting,
  kWindow,
} from '../symbols';
import type { CachePolicy } from './cache-policy';

export type Link = ChannelLink<OwnRequest, OwnSocket>;
export type Queue = RequestQueue<OwnRequest, OwnSocket>;

/** What connections, messages and the engine's events need of their server. */
export interface OwnServer extends http.Server {
  readonly messageClasses: {
    IncomingMessage: new (socket: OwnSocket) => http.IncomingMessage;
    ServerResponse: new (request: OwnRequest, options: object) => http.ServerResponse;
  };
  readonly responseOptions: { highWaterMark: number | undefined; rejectNonStandardBodyWrites: boolean };
  readonly cachePolicy: CachePolicy | null;
  readonly joinDuplicateHeaders: boolean | undefined;
  readonly uniqueHeaders: ReadonlySet<string> | null;
  readonly optimizeEmptyRequests: boolean;
  readonly cacheEntryBytes: number;
  readonly shouldUpgradeCallback: (request: http.IncomingMessage) => boolean;
  idleSeconds(): number;
  fragmentName(urlOrPath: string): string;
  prefixPathOf(urlContext: number): string;
  requestDone(request: OwnRequest): void;
  connectionMade(): void;
  connectionDone(): void;
  queueRestored(queue: Queue, bound: BoundUrl[]): void;
  queueFailed(queue: Queue, error: Error): void;
}

/** What servers, messages and the engine's events need of a connection. */
export interface OwnSocket extends net.Socket {
  readonly connectionId: number;
  readonly server: OwnServer;
  readonly scope: AsyncResource;
  _httpMessage: OwnResponse | null;
  currentRequest: OwnRequest | null;
  answeredLast: boolean;
  readonly requestCount: number;
  readonly opaque: { take(piece: Buffer, last: boolean): void; onDrained(bytes: number): void } | null;
  readonly rawAnswer: { readonly begun: boolean; onDrained(bytes: number): void } | null;
  beginRequest(): void;
  /** Bytes moved. */
  touch(): void;
  /** A response has handed over body bytes. */
  countWritten(bytes: number): void;
  /** The connection becomes a stream of bytes. */
  leaveHttp(request: OwnRequest, ahead: number): void;
  /** The client of a malformed request is left to the program. */
  handOver(): void;
  /** The program's own listeners hear an error from now on, and it is no second 'clientError'. */
  stopErrors(): void;
  answerAndDestroy(answer: string, error: Error): void;
  /** The client sends no more. */
  tellEnd(): void;
  /** The engine reports that the client is gone. */
  closedByEngine(error?: Error): void;
  /** The client has reset the connection, or the engine is gone. */
  lost(): void;
  /** The server gives the connection up and has told the engine, or leaves it to others on the port. */
  giveUp(): void;
}

export interface OwnRequest extends http.IncomingMessage {
  requestId: number;
  res: OwnResponse;
  [kBrand]: true;
  [kLink]: Link | null;
  /** Null for one that was upgraded. */
  [kResponse]: OwnResponse | null;
  [kPrefixPath]: string;
  [kCreditOwed]: number;
  [kBodyDone]: boolean;
  /** Only where the engine authenticates. */
  [kUser]?: UserFacts;
  [kUnstorable]: boolean;
}

/** A body piece that waits until the engine's window has room. */
export interface WaitingPiece {
  bytes: Uint8Array;
  callback: (() => void) | null;
}

/** What a response is put back to when there is no such fragment. */
export interface FragmentTask {
  name: string;
  callback: ((error: Error | null) => void) | undefined;
  header: string | null;
  head: string | null;
  statusMessage: string;
}

export interface OwnResponse extends http.ServerResponse<OwnRequest> {
  [kLink]: Link | null;
  [kServer]: OwnServer;
  /** Header block, once composed and not yet sent. */
  [kHead]: string | null;
  [kHeadFlags]: number;
  /** Body bytes handed to the engine, and those it reported as drained. */
  [kSent]: number;
  [kDrained]: number;
  /** Pieces that wait for the engine's window. */
  [kWaiting]: WaitingPiece[] | null;
  /** Bytes that may be under way to the engine. */
  [kWindow]: number;
  /** Number of its last piece that went by reference; 0 for none. */
  [kReferred]: number;
  /** While the engine says whether it has the fragment that is the body. */
  [kFragment]?: FragmentTask | null;
  /** END was sent or the request is over. */
  [kEnded]: boolean;
  [kPolicy]: CachePolicy | null | undefined;
  /** The block that goes with the head. */
  [kPolicyBlock]: Uint8Array | null;
  outputSize: number;
  _header: string | null;
  _headerSent: boolean;
  _hasBody: boolean;
  _contentLength: number | null;
  _removedContLen: boolean;
  _removedTE: boolean;
  _removedConnection: boolean;
  _closed: boolean;
  _trailer: string;
  finished: boolean;
}
