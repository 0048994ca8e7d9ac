// How long to wait before a server that failed is started again.

const FIRST_MS = 500;
const LONGEST_MS = 60_000;

/** After the first failure half a second, then twice as long each time, up to a minute. */
export function backoffMs(failures: number): number {
  if (failures <= 0) return 0;
  return Math.min(FIRST_MS * 2 ** Math.min(failures - 1, 16), LONGEST_MS);
}
