// How much a policy set and a request may be. Everything handed in is bounded before the engine sees it.

/** Files in a set. */
export const MAX_FILES = 500;
/** Bytes of one policy file, or of the schema. */
export const MAX_FILE_BYTES = 256 * 1024;
/** Policies in a set. A decision costs about 5 µs a policy in its slice. */
export const MAX_POLICIES = 1_000;
/** Bytes of one policy. */
export const MAX_POLICY_BYTES = 16 * 1024;

/**
 * Nesting of brackets, and operators in one policy.
 * The engine recurses on its own stack; past about 110 brackets or 350 operators in a chain it overflows, and an
 * instance that overflowed answers nothing any more. These bounds keep their sum far below that.
 */
export const MAX_NESTING = 24;
export const MAX_OPERATORS = 200;

/** Depth of JSON in attributes and context; the engine's own limit is 128. */
export const MAX_VALUE_DEPTH = 16;
/** Characters of one string in a request. */
export const MAX_STRING = 8 * 1024;
/** Characters of a whole request in canonical JSON. */
export const MAX_REQUEST = 128 * 1024;
/** Entities in a request: the principal, the resource, and all their parents. */
export const MAX_ENTITIES = 256;

/** Cached decisions of one policy set. */
export const DEFAULT_CACHE_ENTRIES = 4_096;
