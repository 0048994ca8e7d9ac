// Which byte ranges of a blob are still to be fetched, in order, none longer than a chunk.
import { BLOCK_BYTES, blockCount } from "./block-journal.ts";

/** Longest range asked for at once. A killed download fetches less than this again. */
export const CHUNK_BYTES = 16 * 1024 * 1024;
const CHUNK_BLOCKS = CHUNK_BYTES / BLOCK_BYTES;

/** Blocks from `first` up to and without `end`. */
export interface Part {
  readonly first: number;
  readonly end: number;
}

/** Cuts what is missing into parts that do not cross a chunk's border, so that a range means the same each time. */
export function planParts(sizeBytes: number, isThere: (block: number) => boolean): Part[] {
  const parts: Part[] = [];
  const count = blockCount(sizeBytes);
  let first: number | undefined;
  for (let block = 0; block <= count; block += 1) {
    const isMissing = block < count && !isThere(block);
    const isBorder = block % CHUNK_BLOCKS === 0;
    if (first !== undefined && (!isMissing || isBorder)) {
      parts.push({ first, end: block });
      first = undefined;
    }
    if (isMissing) first ??= block;
  }
  return parts;
}
