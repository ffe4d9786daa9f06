/** Diagnostics channels: Node's own of its HTTP server, which agents subscribe to. */
import { channel } from 'node:diagnostics_channel';

/** `{ request, response, socket, server }` before 'request' is emitted. */
export const requestStartChannel = channel('http.server.request.start');
/** `{ request, response }` when the pair was made. */
export const responseCreatedChannel = channel('http.server.response.created');
/** `{ request, response, socket, server }` when the response was handed over. */
export const responseFinishChannel = channel('http.server.response.finish');
