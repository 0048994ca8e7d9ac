// Which blocks of a blob are still to be fetched, and how what is left is shared between connections.
import { BLOCK_BYTES, blockCount } from "./block-journal.ts";
import type { Run } from "./block-landing.ts";

/** A killed download fetches less than this again. */
export const CHUNK_BYTES = 16 * 1024 * 1024;
/** Less than this is not worth a connection. */
const LEAST_BLOCKS = CHUNK_BYTES / BLOCK_BYTES;

/** What is missing, in order. */
export function missingRuns(sizeBytes: number, isThere: (block: number) => boolean): Run[] {
  const runs: Run[] = [];
  const count = blockCount(sizeBytes);
  let next: number | undefined;
  for (let block = 0; block <= count; block += 1) {
    const isMissing = block < count && !isThere(block);
    if (next !== undefined && !isMissing) {
      runs.push({ next, end: block });
      next = undefined;
    }
    if (isMissing) next ??= block;
  }
  return runs;
}

/** Takes the farther half of the longest run away from it; undefined when none is long enough. */
export function splitRun(runs: readonly Run[]): Run | undefined {
  const longest = runs.toSorted((one, other) => other.end - other.next - (one.end - one.next))[0];
  if (longest === undefined || longest.end - longest.next < 2 * LEAST_BLOCKS) return undefined;
  const middle = longest.next + Math.ceil((longest.end - longest.next) / 2);
  const half = { next: middle, end: longest.end };
  longest.end = middle;
  return half;
}
