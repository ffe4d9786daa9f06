import { HttpsysError, makeError } from '../errors';

/** The engine sent what no engine sends. */
export class ProtocolError extends HttpsysError {
  constructor(why: string) {
    super('ERR_HTTPSYS_PROTOCOL', makeError('ERR_HTTPSYS_PROTOCOL', why).message);
  }
}
