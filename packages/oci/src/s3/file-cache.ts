// Blobs of a bucket as files of this machine: fetched once, checked, kept up to a size, oldest out first.
import { algorithmOf, Digester, hexOf, isDigest, SingleFlight, type Digest } from "@pratique/core";
import { ensureDirectory } from "@pratique/store";
import { randomUUID } from "node:crypto";
import { open, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { ociErrors } from "../errors.ts";
import { writeCoalesced } from "../local/coalesced-write.ts";
import { storageError, storing } from "../local/storage-error.ts";
import type { LocalFile } from "../repository.ts";

interface Entry {
  readonly size: number;
  users: number;
}

const PARTIAL = ".partial";

export class FileCache {
  readonly #directory: string;
  readonly #limitBytes: number;
  /** Least lately used first. */
  readonly #entries = new Map<Digest, Entry>();
  readonly #fetching = new SingleFlight<void>();
  #sizeBytes = 0;

  private constructor(directory: string, limitBytes: number) {
    this.#directory = directory;
    this.#limitBytes = limitBytes;
  }

  /** Finds what earlier runs left; what was not whole goes. */
  static async open(directory: string, limitBytes: number): Promise<FileCache> {
    const cache = new FileCache(directory, limitBytes);
    await storing(directory, () => cache.#scan());
    return cache;
  }

  async #scan(): Promise<void> {
    await ensureDirectory(this.#directory, 0o700);
    const found: { digest: Digest; size: number; used: number }[] = [];
    for (const name of await readdir(this.#directory)) {
      const path = join(this.#directory, name);
      const digest = name.replace("-", ":");
      const { size, mtimeMs } = await stat(path);
      if (isDigest(digest)) found.push({ digest, size, used: mtimeMs });
      else if (name.endsWith(PARTIAL)) await rm(path, { force: true });
    }
    found.sort((one, other) => one.used - other.used);
    for (const { digest, size } of found) this.#note(digest, size);
    await this.#evict();
  }

  #note(digest: Digest, size: number): Entry {
    const entry = { size, users: 0 };
    this.#entries.set(digest, entry);
    this.#sizeBytes += size;
    return entry;
  }

  #path(digest: Digest): string {
    return join(this.#directory, `${algorithmOf(digest)}-${hexOf(digest)}`);
  }

  /** @throws `digest.mismatch`, `oci.storage-full` */
  async file(digest: Digest, size: number, fetch: () => AsyncIterable<Uint8Array>): Promise<LocalFile> {
    for (;;) {
      const entry = this.#entries.get(digest);
      if (entry !== undefined) {
        // From here on, with nothing awaited in between, nobody can evict it.
        entry.users += 1;
        this.#entries.delete(digest);
        this.#entries.set(digest, entry);
        if (await this.#isWhole(digest, entry)) return this.#lease(digest, entry);
        this.#forget(digest, entry);
      }
      await this.#fetching.run(digest, async () => {
        if (this.#entries.has(digest)) return;
        await storing(this.#directory, () => this.#fetch(digest, size, fetch()));
      });
    }
  }

  #lease(digest: Digest, entry: Entry): LocalFile {
    let isHeld = true;
    return {
      path: this.#path(digest),
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        entry.users -= 1;
        void this.#evict().catch(() => undefined);
      },
    };
  }

  /** Somebody may have cleaned the cache by hand. The time on it is what the next start orders by. */
  async #isWhole(digest: Digest, { size }: Entry): Promise<boolean> {
    try {
      const path = this.#path(digest);
      const now = new Date();
      await utimes(path, now, now);
      return (await stat(path)).size === size;
    } catch {
      return false;
    }
  }

  #forget(digest: Digest, entry: Entry): void {
    entry.users -= 1;
    if (this.#entries.get(digest) !== entry) return;
    this.#entries.delete(digest);
    this.#sizeBytes -= entry.size;
  }

  async #fetch(digest: Digest, size: number, source: AsyncIterable<Uint8Array>): Promise<void> {
    const partial = join(this.#directory, `${randomUUID()}${PARTIAL}`);
    // Room first, so that the disk never holds more than the bound and what is on its way.
    await this.#evict(size);
    const digester = new Digester(algorithmOf(digest));
    try {
      const file = await open(partial, "wx", 0o600);
      try {
        const result = await writeCoalesced(file, 0, source, (chunk) => digester.update(chunk));
        if (result.writeError !== undefined) throw storageError(result.writeError, partial);
        if (result.sourceError !== undefined) throw result.sourceError;
        await file.datasync();
      } finally {
        await file.close();
      }
      const actual = digester.digest();
      if (actual !== digest) throw ociErrors("digest.mismatch", { what: "the stored blob", actual, expected: digest });
      await rename(partial, this.#path(digest));
      this.#note(digest, digester.sizeBytes);
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
  }

  /** Makes room. What is in use stays, even when that is more than the bound. */
  async #evict(neededBytes = 0): Promise<void> {
    for (const [digest, entry] of this.#entries) {
      if (this.#sizeBytes + neededBytes <= this.#limitBytes) return;
      if (entry.users > 0) continue;
      this.#entries.delete(digest);
      this.#sizeBytes -= entry.size;
      // Whoever wants it back meanwhile waits for this, and fetches after it.
      await this.#fetching.run(digest, () => rm(this.#path(digest), { force: true }));
    }
  }
}
