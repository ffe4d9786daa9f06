/**
 * A whole response that a program writes to the socket of an ordinary request, past `res` (Fastify's `hijack`). The engine frames what it sends, so
 * the bytes are taken apart: head, and body. The connection ends with it: nobody else can tell where the program's next response begins.
 */
import * as frames from '../../queue/frames';
import { makeError } from '../../errors';
import { kEnded, kLink, kServer } from '../../symbols';
import type { Link, OwnRequest, OwnResponse, OwnSocket } from '../own';
import { RawChunks } from './raw-chunks';
import { isInterim, RawResponse, type RawHead } from './raw-response';
import { toBuffer, WindowedBytes, type WrittenPiece } from './windowed-bytes';

type Callback = (error?: Error | null) => void;

const chunkedField = /^transfer-encoding:[\t ]*chunked[\t ]*\r$/im;
const lengthField = /^content-length:[\t ]*(\d+)[\t ]*\r$/im;

let warned = false;

/** Nobody may be listening, and the client gets nothing. */
function warn(error: Error): void {
  if (warned) return;
  warned = true;
  process.emitWarning(error.message, { type: 'HttpsysWarning', code: 'HTTPSYS_RAW_RESPONSE' });
}

export class RawAnswer {
  /** Its final head is with the engine. */
  begun = false;
  /** All of it is. */
  ended = false;
  private readonly head = new RawResponse();
  private readonly body: WindowedBytes;
  private chunks: RawChunks | null = null;
  /** Bytes of the body that are still to come, where the head tells. */
  private remaining = Infinity;

  constructor(
    private readonly socket: OwnSocket,
    private readonly link: Link,
    readonly response: OwnResponse,
  ) {
    this.body = new WindowedBytes(link, response.req.requestId, frames.Data);
  }

  get request(): OwnRequest {
    return this.response.req;
  }

  write(pieces: readonly WrittenPiece[], callback: Callback): void {
    let buffers = pieces.map(toBuffer);
    for (const { length } of buffers) this.socket.countWritten(length);
    try {
      if (!this.begun) buffers = this.takeHead(buffers);
      if (this.chunks !== null) buffers = this.chunks.take(buffers);
    } catch (error) {
      // It is no fault of the client, so no 'clientError'.
      this.socket.stopErrors();
      warn(error as Error);
      callback(error as Error);
      return;
    }
    // What is behind the end of the body belongs to no request.
    if (this.ended || !this.begun) {
      callback();
      return;
    }
    for (const { length } of buffers) this.remaining -= length;
    this.body.handOver(buffers, (error) => {
      if (this.remaining <= 0 || this.chunks?.ended === true) this.finish();
      callback(error);
    });
  }

  /** Sends the heads that are whole now; returns the bytes behind the final one. */
  private takeHead(buffers: Buffer[]): Buffer[] {
    if (this.response._header !== null) throw makeError('ERR_HTTPSYS_RAW_RESPONSE', 'another response to the same request has begun');
    const { head, link, request } = this;
    for (const bytes of buffers) head.add(bytes);
    while (head.rest.length > 0) {
      const next = head.next();
      if (next === null) return [];
      if (!isInterim(next.status)) {
        this.begin(next);
        return [head.rest];
      }
      // HTTP/1.0 knows no interim responses (RFC 9110 section 15.2).
      if (request.httpVersionMinor >= 1) link.writer.informational(request.requestId, next.status, next.block);
      link.touch();
    }
    return [];
  }

  private begin({ status, reason, block }: RawHead): void {
    const { response, link } = this;
    this.begun = true;
    // From here on `res` has nothing to say.
    response[kEnded] = true;
    response._headerSent = true;
    let flags = frames.ResponseNoDate | frames.ResponseClose;
    const length = lengthField.exec(block);
    if (chunkedField.test(block)) this.chunks = new RawChunks();
    else if (length === null) flags |= frames.ResponseUntilClose;
    else this.remaining = Number(length[1]);
    link.writer.response(this.request.requestId, flags, status, reason, null, block, null);
    link.touch();
  }

  /**
   * The program has ended the socket.
   *
   * @returns false when there is no answer that could end: the socket was only used for interim responses
   */
  end(): boolean {
    if (this.ended) return true;
    if (!this.begun && this.head.rest.length === 0) return false;
    // What was cut off must not look whole: the connection is closed, or reset, without an end of the response.
    if (!this.begun || this.chunks !== null) this.socket.destroy();
    else this.finish();
    return true;
  }

  private finish(): void {
    const { request, response, link } = this;
    if (this.ended || request[kLink] === null) return;
    this.ended = true;
    this.socket.answeredLast = true;
    link.writer.end(request.requestId, this.chunks?.trailers ?? '', this.chunks !== null, false);
    link.removeRequest(request);
    request[kLink] = response[kLink] = null;
    link.touch();
    response[kServer].requestDone(request);
  }

  /** The engine has got rid of `bytes` of the body. */
  onDrained(bytes: number): void {
    this.socket.touch();
    if (!this.socket.destroyed) this.body.onDrained(bytes);
  }
}
