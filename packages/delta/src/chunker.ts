// Content-defined chunks by a gear rolling hash (Xia et al., FastCDC, USENIX ATC 2016, §3): for formats without tensors.
import { createHash } from "node:crypto";

export const CHUNK_MIN_BYTES = 16 * 1024;
export const CHUNK_MAX_BYTES = 256 * 1024;
/** Cuts where the top 16 bits of the hash are zero: 64 KiB on average. */
const MASK = 0xffff0000 | 0;

/** One random-looking word a byte value; made, not listed: every encoder must only agree with itself. */
const GEAR = Int32Array.from({ length: 256 }, (_, value) =>
  createHash("sha256").update(`gear ${value}`).digest().readInt32LE(0),
);

/** Length of the first chunk of `bytes`, which must be `CHUNK_MAX_BYTES` long or reach to the end. */
export function chunkLength(bytes: Buffer, from: number): number {
  const stop = Math.min(bytes.length, from + CHUNK_MAX_BYTES);
  const first = from + CHUNK_MIN_BYTES;
  if (first >= stop) return stop - from;
  let hash = 0;
  // The hash forgets a byte after 32 more, so it need not see what is before the least length but that.
  for (let i = first - 32; i < first; i++) hash = (hash << 1) + GEAR[bytes[i]!]!;
  for (let i = first; i < stop; i++) {
    hash = ((hash << 1) + GEAR[bytes[i]!]!) | 0;
    if ((hash & MASK) === 0) return i + 1 - from;
  }
  return stop - from;
}

/** Names a chunk. Equality is only a proposal: what is rebuilt is checked against the layer's digest. */
export function chunkName(chunk: Buffer): string {
  return createHash("sha256").update(chunk).digest("base64url").slice(0, 22);
}
