/** Properties of node:net's Socket that stand for its handle, of a connection whose bytes are the engine's. */
import * as stream from 'node:stream';
import { defineAccessors } from '../accessors';
import type { SocketState } from './socket-state';

const writableEnded = Object.getOwnPropertyDescriptor(stream.Writable.prototype, 'writableEnded')!;

/** Puts the accessors on the class. */
export function defineSocketProperties(prototype: SocketState): void {
  defineAccessors(prototype, {
    // Behind the last response nothing is written any more; the engine ends the connection itself.
    writableEnded: {
      get(): boolean {
        return (this.answeredLast && this._httpMessage === null && this.opaque === null) || (writableEnded.get!.call(this) as boolean);
      },
    },
    pending: { get: () => false },
    bufferSize: {
      get(): number {
        return this.writableLength;
      },
    },
    // node:http has its parser here, and null behind an upgrade; the engine parses.
    parser: { get: () => null, set(): void {} },
    readyState: {
      get(): string {
        if (this.opaque === null) return this.destroyed ? 'closed' : 'open';
        if (this.readable) return this.writable ? 'open' : 'readOnly';
        return this.writable ? 'writeOnly' : 'closed';
      },
    },
    bytesRead: {
      get(): number {
        return this.opaque === null ? 0 : this.opaque.bytesRead;
      },
    },
    bytesWritten: {
      get(): number {
        const { opaque } = this;
        return opaque === null ? this.written : this.written + opaque.bytesTaken + this.writableLength - opaque.inProgress;
      },
      set(): void {
        // Some constructors of net.Socket assign it.
      },
    },
  });
}
