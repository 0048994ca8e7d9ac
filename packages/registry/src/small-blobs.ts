// Small blobs that were read lately, each served only while its file is the one that was read.
import { statSync, type Stats } from "node:fs";

/** Up to here a blob is one read and one write. */
export const SMALL_BYTES = 64 * 1024;
const KEPT_BYTES = 16 * 1024 * 1024;

interface Kept {
  readonly bytes: Buffer;
  readonly inode: number;
  readonly changedMs: number;
}

export class SmallBlobs {
  readonly #kept = new Map<string, Kept>();
  #sizeBytes = 0;

  /** The blob in that file; undefined when it is not known, is gone, or was replaced. */
  get(path: string): Buffer | undefined {
    const kept = this.#kept.get(path);
    if (kept === undefined) return undefined;
    // One call that the kernel answers from memory: through the thread pool it would cost ten times as much.
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats?.ino === kept.inode && stats.mtimeMs === kept.changedMs && stats.size === kept.bytes.length) {
      return kept.bytes;
    }
    this.#drop(path, kept);
    return undefined;
  }

  /** `stats` are of the file that the bytes were read from. */
  set(path: string, stats: Pick<Stats, "ino" | "mtimeMs">, bytes: Buffer): void {
    const before = this.#kept.get(path);
    if (before !== undefined) this.#drop(path, before);
    this.#kept.set(path, { bytes, inode: stats.ino, changedMs: stats.mtimeMs });
    this.#sizeBytes += bytes.length;
    for (const [oldest, kept] of this.#kept) {
      if (this.#sizeBytes <= KEPT_BYTES) break;
      this.#drop(oldest, kept);
    }
  }

  #drop(path: string, kept: Kept): void {
    this.#kept.delete(path);
    this.#sizeBytes -= kept.bytes.length;
  }
}
