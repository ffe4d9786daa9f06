/** 'clientError' as node:http has it: malformed requests that the engine left to the program (docs/frames.md), with Node's codes. */
import { STATUS_CODES } from 'node:http';
import * as frames from '../queue/frames';
import { resetError } from './client-gone';
import { handResponseOver } from './handed-response';
import { nodeError } from './node-internals';
import type { OwnServer, OwnSocket } from './own';

interface ParseError extends NodeJS.ErrnoException {
  reason?: string;
  bytesParsed?: number;
  rawPacket?: Buffer;
}

/** By reason of the frame: code and words of Node's parser. Where that distinguishes more, the most usual one. */
const parseErrors: Readonly<Record<number, readonly [code: string, reason: string]>> = {
  [frames.ClientErrorOther]: ['HPE_INVALID_CONSTANT', 'Expected HTTP/'],
  [frames.ClientErrorMethod]: ['HPE_INVALID_METHOD', 'Invalid method encountered'],
  [frames.ClientErrorUrl]: ['HPE_INVALID_URL', 'Invalid char in url path'],
  [frames.ClientErrorVersion]: ['HPE_INVALID_VERSION', 'Invalid HTTP version'],
  [frames.ClientErrorLineEnd]: ['HPE_CR_EXPECTED', 'Missing expected CR after header value'],
  [frames.ClientErrorLineFeed]: ['HPE_LF_EXPECTED', 'Missing expected LF after header value'],
  [frames.ClientErrorHeader]: ['HPE_INVALID_HEADER_TOKEN', 'Invalid header token'],
  [frames.ClientErrorHeaderOverflow]: ['HPE_HEADER_OVERFLOW', 'Header overflow'],
  [frames.ClientErrorContentLength]: ['HPE_INVALID_CONTENT_LENGTH', 'Invalid character in Content-Length'],
  [frames.ClientErrorRepeatedLength]: ['HPE_UNEXPECTED_CONTENT_LENGTH', 'Duplicate Content-Length'],
  [frames.ClientErrorTransferEncoding]: ['HPE_INVALID_TRANSFER_ENCODING', 'Request has invalid `Transfer-Encoding`'],
  [frames.ClientErrorChunkExtensions]: ['HPE_CHUNK_EXTENSIONS_OVERFLOW', 'Chunk extensions overflow'],
  [frames.ClientErrorChunk]: ['HPE_INVALID_CHUNK_SIZE', 'Invalid character in chunk size'],
};

function makeClientError(reason: number, understood: number, packet: Buffer | null): ParseError {
  if (reason === frames.ClientErrorTimeout) return nodeError(Error, 'ERR_HTTP_REQUEST_TIMEOUT', 'Request timeout');
  if (reason === frames.ClientErrorEof) {
    return Object.assign(nodeError(Error, 'HPE_INVALID_EOF_STATE', 'Parse Error'), { bytesParsed: 0, reason: 'Invalid EOF state' });
  }
  const [code, words] = parseErrors[reason] ?? parseErrors[frames.ClientErrorOther];
  const error: ParseError = nodeError(Error, code, `Parse Error: ${words}`);
  error.bytesParsed = understood;
  error.reason = words;
  if (packet !== null) error.rawPacket = packet;
  return error;
}

/** Statuses of node:http's own answers, by the code of the error; 400 for all others. */
const statuses: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** What node:http answers where nobody listens: under `nodeDefaults`, and when a listener was removed since the engine was told of it. */
function answerOf(error: ParseError): string {
  const status = statuses[error.code ?? ''] ?? 400;
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n\r\n`;
}

/** CLIENT_ERROR has come: the connection is the program's to answer. */
export function receiveClientError(server: OwnServer, socket: OwnSocket, reason: number, understood: number, packet: Buffer): void {
  if (reason === frames.ClientErrorReset) {
    socket.closedByEngine(resetError());
    return;
  }
  // A request that was under way is over for the engine. The program may answer it all the same.
  if (socket._httpMessage !== null) handResponseOver(socket._httpMessage, socket);
  socket.handOver();
  // hapi destroys a socket that has ended, and answers on one that has not.
  if (reason === frames.ClientErrorEof) (socket as { readable: boolean }).readable = false;
  const error = makeClientError(reason, understood, packet.length > 0 ? Buffer.from(packet) : null);
  if (reason === frames.ClientErrorEof) socket.tellEnd();
  socket.stopErrors();
  if (!server.emit('clientError', error, socket)) socket.answerAndDestroy(answerOf(error), error);
}

/** A request that had been delivered broke on its way, and the engine has answered or closed already. */
export function emitClientError(server: OwnServer, socket: OwnSocket, reason: number): void {
  const error =
    reason === frames.AbortTimeout
      ? nodeError(Error, 'ERR_HTTP_REQUEST_TIMEOUT', 'Request timeout')
      : nodeError(Error, 'HPE_INVALID_CHUNK_SIZE', 'Parse Error: the request body is malformed or too long');
  server.emit('clientError', error, socket);
}
