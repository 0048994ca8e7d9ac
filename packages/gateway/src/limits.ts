// Bounds on what is taken from clients and from servers.

/** One request of a client. */
export const REQUEST_LIMIT_BYTES = 4 * 1024 * 1024;
/** Requests of one principal that are being answered at a time; a server takes twice as many, of all together. */
export const RUNNING_PER_PRINCIPAL = 1024;
/** How deep its JSON may nest. */
export const DEPTH_LIMIT = 64;
/** One message of a server. */
export const MESSAGE_LIMIT_BYTES = 8 * 1024 * 1024;
/** One result that is passed on. */
export const RESULT_LIMIT_BYTES = 1024 * 1024;
/** Tools, prompts or resources of one server: how many, */
export const LIST_LIMIT = 500;
/** how much JSON in all, */
export const LIST_BYTES_LIMIT = 4 * 1024 * 1024;
/** and on how many pages. */
export const LIST_PAGES_LIMIT = 50;
/** One entry of such a list. */
export const LIST_ENTRY_LIMIT_BYTES = 64 * 1024;
/** Arguments that a record holds as they are; larger ones only by digest. */
export const RECORDED_ARGUMENTS_BYTES = 2048;

export const START_TIMEOUT_MS = 60_000;
/** How long a list waits for a server that is starting; its tools are announced when it is up. */
export const LIST_WAIT_MS = 15_000;
/** How long a list waits for others when the first server has answered. */
export const LATE_AFTER_MS = 3_000;
/** How long the first answer to a client waits for what servers say of themselves. */
export const FACE_WAIT_MS = 2_000;
/** Entries and characters of one page of a list. */
export const PAGE_ENTRIES = 1000;
export const PAGE_CHARACTERS = 2 * 1024 * 1024;
/** What one server says that it can, as JSON. */
export const CAPABILITIES_LIMIT = 64 * 1024;
/** Instructions of all servers together, and of one of them. */
export const INSTRUCTIONS_LIMIT = 16_000;
export const INSTRUCTIONS_LIMIT_ONE = 4_000;
export const LIST_TIMEOUT_MS = 10_000;
export const CALL_TIMEOUT_MS = 60_000;
/** With progress, a call may take longer. */
export const CALL_TOTAL_TIMEOUT_MS = 10 * 60_000;
export const PROBE_TIMEOUT_MS = 5_000;
