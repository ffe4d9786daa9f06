/** What the files of this folder know of a connection: its class implements it. */
import type { Link, OwnSocket } from '../own';
import type { OpaqueStream } from './opaque-stream';
import type { RawAnswer } from './raw-answer';

export interface SocketState extends OwnSocket {
  /** The program has ended it while a response is under way, behind which it closes. */
  ending: boolean;
  /** What carries the bytes after an upgrade or CONNECT. */
  readonly opaque: OpaqueStream | null;
  /** What the program writes past the response of the request under way. */
  rawAnswer: RawAnswer | null;
  readonly link: Link;
  /** The engine has reported the end: there is nothing left to tell it. */
  gone: boolean;
  readonly resets: boolean;
  endTold: boolean;
  /** The client's request was malformed, and the program may answer it. */
  handed: boolean;
  /** Body bytes the program gave; the engine frames them. */
  readonly written: number;
}
