// How long to wait before a server that failed is tried again.

const FIRST_MS = 500;
const LONGEST_MS = 60_000;
const FIRST_REMOTE_MS = 100;
const LONGEST_REMOTE_MS = 1500;
const REMOTE_GIVEN_UP_MS = 15_000;
/** So long a server that others run may be late, and still appears within two seconds. */
const REMOTE_LATE_MS = 10 * 60_000;

/** Of a server that we start: half a second after the first failure, then twice as long each time, up to a minute. */
export function backoffMs(failures: number): number {
  if (failures <= 0) return 0;
  return Math.min(FIRST_MS * 2 ** Math.min(failures - 1, 16), LONGEST_MS);
}

/** Of a server that others run: to try costs one connection. */
export function remoteBackoffMs(failures: number, awayMs: number): number {
  if (awayMs > REMOTE_LATE_MS) return REMOTE_GIVEN_UP_MS;
  return Math.min(FIRST_REMOTE_MS * 2 ** Math.min(failures - 1, 16), LONGEST_REMOTE_MS);
}
