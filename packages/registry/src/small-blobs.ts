// Small blobs that were read lately, each served only while its file is the one that was read.
import type { Digest } from "@pratique/core";
import { statSync, type Stats } from "node:fs";

/** Up to here a blob is one read and one write. */
export const SMALL_BYTES = 64 * 1024;
const KEPT_BYTES = 16 * 1024 * 1024;

interface Kept {
  readonly path: string;
  readonly bytes: Buffer;
  readonly inode: number;
  readonly changedMs: number;
}

export class SmallBlobs {
  readonly #kept = new Map<string, Kept>();
  #sizeBytes = 0;

  /** The blob of a repository; undefined when it is not known, is gone, or its file was replaced. */
  get(repository: string, digest: Digest): Buffer | undefined {
    const key = `${repository}@${digest}`;
    const kept = this.#kept.get(key);
    if (kept === undefined) return undefined;
    // One call that the kernel answers from memory: through the thread pool it would cost ten times as much.
    const stats = statSync(kept.path, { throwIfNoEntry: false });
    if (stats?.ino === kept.inode && stats.mtimeMs === kept.changedMs && stats.size === kept.bytes.length) {
      return kept.bytes;
    }
    this.#drop(key, kept);
    return undefined;
  }

  /** `stats` are of the file at `path` that the bytes were read from. */
  set(repository: string, digest: Digest, file: { path: string; stats: Stats; bytes: Buffer }): void {
    const { path, stats, bytes } = file;
    const key = `${repository}@${digest}`;
    const before = this.#kept.get(key);
    if (before !== undefined) this.#drop(key, before);
    this.#kept.set(key, { path, bytes, inode: stats.ino, changedMs: stats.mtimeMs });
    this.#sizeBytes += bytes.length;
    for (const [oldest, kept] of this.#kept) {
      if (this.#sizeBytes <= KEPT_BYTES) break;
      this.#drop(oldest, kept);
    }
  }

  #drop(key: string, kept: Kept): void {
    this.#kept.delete(key);
    this.#sizeBytes -= kept.bytes.length;
  }
}
