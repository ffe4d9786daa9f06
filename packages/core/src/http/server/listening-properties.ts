/** The properties by which programs ask whether a server listens. */
import type * as http from 'node:http';
import { defineAccessors } from '../accessors';

let mark: object | null = null;

/**
 * Says that there is a listener. A handle of libuv that is none of a stream: `child.send(message, server)` unwraps natively what `_handle` is, and
 * a plain object would end the process there; this one is refused with EBADF.
 */
function listenerMark(): object {
  return (mark ??= new MessageChannel().port1);
}

/** Puts the accessors on the class. */
export function defineListeningProperties(prototype: http.Server & { isListening(): boolean }): void {
  defineAccessors(prototype, {
    // Undocumented in node:http, and asked by packages that want to know whether a server has to be closed; supertest is one.
    _handle: {
      get(): object | null {
        return this.isListening() ? listenerMark() : null;
      },
      // node:net's constructor clears it.
      set(_value: unknown): void {},
    },
    listening: {
      get(): boolean {
        return this.isListening();
      },
    },
  });
}
