// The journal's frames: length and checksums around each entry, and what a cut or damaged file still tells. Pure.
import { crc32 } from "node:zlib";

const HEADER_BYTES = 12;

/** `length ‖ crc32(entry) ‖ crc32(first eight bytes) ‖ entry`, all big-endian. */
export function encodeFrame(entry: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + entry.length);
  frame.writeUInt32BE(entry.length, 0);
  frame.writeUInt32BE(crc32(entry), 4);
  frame.writeUInt32BE(crc32(frame.subarray(0, 8)), 8);
  frame.set(entry, HEADER_BYTES);
  return frame;
}

/** What a journal holds: whole entries, then where they end, and why if not at the file's end. */
export interface Frames {
  readonly entries: readonly Buffer[];
  /** Bytes of the file that are whole frames. */
  readonly soundBytes: number;
  /** `torn`: an interrupted write, never acknowledged. `damaged`: bytes that were once whole are not any more. */
  readonly tail: "none" | "torn" | "damaged";
}

/**
 * Reads frames up to the first that is not whole. A frame that ends early, or holds blocks that never reached the disk,
 * is torn; one whose bytes are all there and wrong is damaged, and so is a damaged length: it must not pass for a cut.
 */
export function decodeFrames(bytes: Buffer): Frames {
  const entries: Buffer[] = [];
  let at = 0;
  const stop = (tail: Frames["tail"]): Frames => ({ entries, soundBytes: at, tail });
  while (at < bytes.length) {
    if (bytes.length - at < HEADER_BYTES) return stop("torn");
    const broken = (): Frames => stop(hasUnwrittenBlock(bytes.subarray(at)) ? "torn" : "damaged");
    if (bytes.readUInt32BE(at + 8) !== crc32(bytes.subarray(at, at + 8))) return broken();
    const end = at + HEADER_BYTES + bytes.readUInt32BE(at);
    if (end > bytes.length) return stop("torn");
    const entry = bytes.subarray(at + HEADER_BYTES, end);
    if (bytes.readUInt32BE(at + 4) !== crc32(entry)) return broken();
    entries.push(entry);
    at = end;
  }
  return stop("none");
}

const UNWRITTEN = Buffer.alloc(16);

/** Entries are JSON, which has no NUL: a run of them is space that was allotted and not yet written. */
function hasUnwrittenBlock(bytes: Buffer): boolean {
  return bytes.includes(UNWRITTEN);
}
