/**
 * What a program writes to a connection itself: the bytes of an upgraded one, a whole response past `res`, or the answer to a malformed request.
 */
import { kEnded } from '../../symbols';
import { RawAnswer } from './raw-answer';
import type { SocketState } from './socket-state';
import { toBuffer, type WrittenPiece } from './windowed-bytes';

type Callback = (error?: Error | null) => void;

/** `_writev` of the connection. */
export function writePieces(socket: SocketState, pieces: WrittenPiece[], callback: Callback): void {
  if (socket.opaque !== null) {
    socket.opaque.write(pieces, callback);
    return;
  }
  if (socket.handed) {
    for (const piece of pieces) sendRaw(socket, toBuffer(piece), false);
    callback();
    return;
  }
  const answer = pastResponse(socket);
  if (answer === null) callback();
  else answer.write(pieces, callback);
}

/** `_final` of the connection. */
export function endWriting(socket: SocketState, callback: Callback): void {
  if (socket.opaque !== null) {
    socket.opaque.end(callback);
    return;
  }
  callback();
  if (socket.handed) {
    // The engine lets the client read the answer, closes, and says so.
    sendRaw(socket, new Uint8Array(0), true);
    return;
  }
  if (pastResponse(socket)?.end() === true) return;
  // `end` on a connection: no more requests; a response under way is finished first.
  if (socket.destroyed) return;
  if (socket._httpMessage === null) socket.destroy();
  else socket.ending = socket.answeredLast = true;
}

/** What takes bytes that are written past the response under way. Null: behind it, or in front of the first request, nobody waits for any. */
function pastResponse(socket: SocketState): RawAnswer | null {
  if (socket.rawAnswer?.begun === true) return socket.rawAnswer;
  const response = socket._httpMessage;
  if (response === null || response[kEnded]) socket.rawAnswer = null;
  else if (socket.rawAnswer?.response !== response) socket.rawAnswer = new RawAnswer(socket, socket.link, response);
  return socket.rawAnswer;
}

/** Nobody wanted the client of a malformed request: it is answered as node:http does, and the connection ends with the error. */
export function answerAndDestroy(socket: SocketState, answer: string, error: Error): void {
  sendRaw(socket, Buffer.from(answer, 'latin1'), true);
  // The engine lets the client read it, and closes.
  socket.gone = true;
  socket.destroy(error);
}

/** The engine has left the client of a malformed request to the program: what it writes goes out as it is. */
export function handOver(socket: SocketState): void {
  socket.handed = true;
  // Its id may be given to another request from now on.
  if (socket.currentRequest !== null) socket.link.removeRequest(socket.currentRequest);
}

function sendRaw({ link, gone, connectionId }: SocketState, bytes: Uint8Array, last: boolean): void {
  if (gone || !link.open) return;
  link.writer.raw(connectionId, bytes, last);
  link.touch();
}
