declare module 'on-finished' {
  import type { IncomingMessage, ServerResponse } from 'node:http';
  type Message = IncomingMessage | ServerResponse;
  /** Calls back when the message is over, with the error that ended it, or null. */
  function onFinished<T extends Message>(message: T, listener: (error: Error | null, message: T) => void): T;
  namespace onFinished {
    function isFinished(message: Message): boolean | undefined;
  }
  export default onFinished;
}
