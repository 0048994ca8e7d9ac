// Blobs shared by hard link: one inode in the pool, a name in every repository that has the blob.
import { algorithmOf, hexOf, type Digest, type DigestAlgorithm } from "@pratique/core";
import { ensureDirectory, syncDirectory, systemCode } from "@pratique/store";
import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { copyFile, link, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isMissing } from "./storage-error.ts";
import { POOL, UPLOADS } from "./store-paths.ts";

const ALGORITHMS: readonly DigestAlgorithm[] = ["sha256", "sha512"];
/** No hard links here, or too many to this inode (ext4 allows 65,000): then a copy has to do. */
const CANNOT_LINK: ReadonlySet<string> = new Set(["EMLINK", "EPERM", "ENOTSUP", "EOPNOTSUPP", "EXDEV", "ENOSYS"]);

/**
 * The pool is only an index of inodes that can be linked again: every repository's own name is what keeps a blob.
 * So losing a pool entry costs room, never content, and races between linking and pruning are harmless.
 */
export class BlobPool {
  readonly #root: string;
  /** For copies in the making; what a crash leaves there expires with the uploads. */
  readonly #staging: string;

  constructor(storeDirectory: string) {
    this.#root = join(storeDirectory, POOL);
    this.#staging = join(storeDirectory, UPLOADS);
  }

  async open(): Promise<void> {
    for (const algorithm of ALGORITHMS) await ensureDirectory(join(this.#root, algorithm));
  }

  /** The room that `drop` would make. */
  async roomOf(digest: Digest, target: string): Promise<number> {
    const { nlink, size, ino } = await stat(target);
    if (nlink === 1) return size;
    const pooled = await stat(this.path(digest)).catch(() => undefined);
    return nlink === 2 && pooled?.ino === ino ? size : 0;
  }

  directory(algorithm: DigestAlgorithm): string {
    return join(this.#root, algorithm);
  }

  /** Where the pool keeps a blob, if it does. */
  path(digest: Digest): string {
    return join(this.#root, algorithmOf(digest), hexOf(digest));
  }

  /**
   * Gives a finished file, whose content is on disk and checked, its name at `target`; equal content is stored once.
   * `staged` is gone afterwards. Durable when it resolves.
   */
  async adopt(staged: string, digest: Digest, size: number, target: string): Promise<void> {
    await ensureDirectory(dirname(target));
    const pooled = this.path(digest);
    let source = staged;
    if ((await tryLink(staged, pooled)) === "exists") {
      // A length that the digest cannot have means a damaged file: ours takes its place.
      if ((await sizeOf(pooled)) === size) source = pooled;
      else await rm(pooled, { force: true });
    }
    let named = await tryLink(source, target);
    // The pool entry may have been pruned meanwhile; our own file has the same content.
    if (named === "missing") named = await tryLink(staged, target);
    const isDamaged = named === "exists" && (await sizeOf(target)) !== size;
    if (named === "impossible" || isDamaged) await rename(staged, target);
    await syncDirectory(dirname(target));
    await rm(staged, { force: true });
  }

  /** Gives a blob of another repository a second name; false when it is not there. Durable when it resolves. */
  async share(source: string, target: string): Promise<boolean> {
    if ((await sizeOf(source)) === undefined) return false;
    await ensureDirectory(dirname(target));
    const named = await tryLink(source, target);
    if (named === "missing") return false;
    if (named === "impossible") await copyWhole(source, target, this.#staging);
    await syncDirectory(dirname(target));
    return true;
  }

  /** Takes a repository's name of a blob away, and the pool's when that was the last. */
  async release(digest: Digest, target: string): Promise<void> {
    await rm(target, { force: true });
    await syncDirectory(dirname(target));
    await removeIfLast(this.path(digest));
  }

  /** As `release`, but need not outlast a crash. Answers the bytes of room that this made. */
  async drop(digest: Digest, target: string): Promise<number> {
    const { nlink, size } = await stat(target);
    await rm(target, { force: true });
    return (await removeIfLast(this.path(digest))) || nlink === 1 ? size : 0;
  }

  /** Removes pool entries that no repository uses: what a crash between two steps leaves. Returns how many. */
  async sweep(): Promise<number> {
    let removed = 0;
    for (const algorithm of ALGORITHMS) {
      const directory = join(this.#root, algorithm);
      for (const name of await readdir(directory)) {
        if (await removeIfLast(join(directory, name))) removed += 1;
      }
    }
    return removed;
  }
}

async function removeIfLast(pooled: string): Promise<boolean> {
  try {
    if ((await stat(pooled)).nlink > 1) return false;
    await rm(pooled, { force: true });
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

type LinkResult = "made" | "exists" | "missing" | "impossible";

async function tryLink(source: string, target: string): Promise<LinkResult> {
  try {
    await link(source, target);
    return "made";
  } catch (error) {
    const code = systemCode(error) ?? "";
    if (code === "EEXIST") return "exists";
    if (code === "ENOENT") return "missing";
    if (CANNOT_LINK.has(code)) return "impossible";
    throw error;
  }
}

async function copyWhole(source: string, target: string, staging: string): Promise<void> {
  const partial = join(staging, `copy-${randomUUID()}`);
  try {
    await copyFile(source, partial, constants.COPYFILE_FICLONE);
    const file = await open(partial, "r+");
    try {
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, target);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}
