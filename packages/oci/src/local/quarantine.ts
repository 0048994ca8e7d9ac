// Where damaged content goes: out of every repository, so that it is not served and a push brings it back; never deleted.
import { algorithmOf, hexOf, type Digest } from "@pratique/core";
import { ensureDirectory, syncDirectory, systemCode } from "@pratique/store";
import { link, lstat, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isMissing } from "./storage-error.ts";

const QUARANTINE = ".quarantine";

export class Quarantine {
  readonly #root: string;

  constructor(storeDirectory: string) {
    this.#root = join(storeDirectory, QUARANTINE);
  }

  /** Where a damaged file of that digest and inode lies, once it was moved aside. */
  path(digest: Digest, inode: bigint): string {
    return join(this.#root, algorithmOf(digest), `${hexOf(digest)}.${inode}`);
  }

  /** Moves one name of a damaged file aside; false when by now another file has that name. Durable when it resolves. */
  async take(path: string, digest: Digest, inode: bigint): Promise<boolean> {
    try {
      if ((await lstat(path, { bigint: true })).ino !== inode) return false;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
    const aside = this.path(digest, inode);
    await ensureDirectory(dirname(aside));
    // Not a rename: one between two names of the same file does nothing (rename(2)).
    try {
      await link(path, aside);
      await syncDirectory(dirname(aside));
    } catch (error) {
      const code = systemCode(error);
      if (code !== "EEXIST") {
        await rename(path, aside);
        await syncDirectory(dirname(aside));
      }
    }
    await rm(path, { force: true });
    await syncDirectory(dirname(path));
    return true;
  }
}
