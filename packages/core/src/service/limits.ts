/** Bounds of the control plane and its channel. Each stops one hostile or broken client from growing the process that all share. */

/** Control connections at once; each stands for one request queue of one process. */
export const MAX_SESSIONS = 4096;
/** URL prefixes of one queue. */
export const MAX_URLS_PER_QUEUE = 1024;
/** URL prefixes of all queues: each change hands the whole table to the engine. */
export const MAX_URLS = 16_384;
/** Characters of one URL prefix, or of a URL to flush. */
export const MAX_URL_LENGTH = 16_384;
/** QUEUE-2: ASP.NET's limit for names, in characters. */
export const MAX_QUEUE_NAME_LENGTH = 260;
/** Bytes of one control frame. */
export const MAX_CONTROL_FRAME_BYTES = 1024 * 1024;
/** Replies that a client may leave unread before its connection is ended, bytes. */
export const MAX_CONTROL_BACKLOG_BYTES = 4 * 1024 * 1024;
/** How long a new control connection may take until its HELLO, milliseconds. */
export const HELLO_TIMEOUT_MS = 5000;
/** How long the prefixes of a process that died stay registered, so that its cached responses are served while it restarts, milliseconds. */
export const ORPHAN_GRACE_MS = 10_000;
/** How long the service stays after its last application, milliseconds. */
export const SERVICE_LINGER_MS = 2000;
/** Listen backlog of a port that several queues share (HTTP.SYS: 1000). */
export const DEFAULT_BACKLOG = 1024;
/** Size at which the log file is rotated, bytes; one older file is kept. */
export const LOG_BYTES = 1024 * 1024;
