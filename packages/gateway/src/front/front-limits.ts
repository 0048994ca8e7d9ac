// Bounds on what clients may hold open.

/** A body that does not come with its head must be whole after this long. */
export const BODY_TIMEOUT_MS = 30_000;
/** Messages in one batch of revision 2025-03-26. */
export const BATCH_LIMIT = 50;
/** Requests of one session that are being answered at a time. */
export const RUNNING_LIMIT = 256;

export const SESSION_LIMIT = 2048;
export const SESSIONS_PER_PRINCIPAL = 256;
export const SESSION_IDLE_MS = 30 * 60_000;
/** Streams of `subscriptions/listen` that one principal may hold open, */
export const LISTENS_PER_PRINCIPAL = 64;
/** and URIs that one of them, or one session, may name. */
export const WATCH_LIMIT = 256;
/** A URI of a resource. */
export const URI_LIMIT = 2048;

/** An answer that takes longer goes out as a stream, so that nobody in between takes it for dead. */
export const BEAT_MS = 15_000;
/** What waits for a client that does not read. */
export const UNREAD_LIMIT_BYTES = 8 * 1024 * 1024;

/** Events that one session can ask for again with Last-Event-ID: how many, */
export const EVENT_LIMIT = 1000;
/** how large in all, */
export const EVENT_BYTES_LIMIT = 2 * 1024 * 1024;
/** and those of all sessions together. */
export const ALL_EVENTS_BYTES_LIMIT = 64 * 1024 * 1024;

/** How long a person may take to answer what a server asks. */
export const ASK_TIMEOUT_MS = 10 * 60_000;
/** How often a server may ask again within one request. */
export const ROUND_LIMIT = 16;
/** How much it may ask at a time. */
export const INPUT_LIMIT = 32;
/** Calls that wait for their client's retry, */
export const PARKED_LIMIT = 1024;
/** and those of one principal. */
export const PARKED_PER_PRINCIPAL = 64;
/** Retries that are remembered, so that a second one is known for what it is. */
export const USED_LIMIT = 4096;
/** Notifications that are kept for the retry of a call. */
export const BACKLOG_LIMIT = 100;
/** A state that a client brings back. */
export const STATE_LIMIT_BYTES = 256 * 1024;
/** How long it is good for. */
export const STATE_TTL_MS = 15 * 60_000;
