// All uploads of a store: their files, those that this process knows, and those that nobody finished.
import { digestOf, hexOf, SingleFlight, uuidv7, type Clock, type Digest, type DigestAlgorithm } from "@pratique/core";
import { ensureDirectory } from "@pratique/store";
import { open, readdir, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { ociErrors } from "../errors.ts";
import type { StoredBlob } from "../repository.ts";
import type { StoreObserver } from "../store-observer.ts";
import type { BlobPool } from "./blob-pool.ts";
import type { Leases } from "./leases.ts";
import { LocalUpload } from "./local-upload.ts";
import { isMissing, storageError, storing } from "./storage-error.ts";
import { UPLOADS } from "./store-paths.ts";

const EXPIRE_MS = 24 * 60 * 60 * 1000;
const SWEEP_EVERY_MS = 60 * 60 * 1000;
const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A repository as far as uploads are concerned. */
export interface UploadOwner {
  readonly name: string;
  readonly target: (digest: Digest) => string;
}

export interface UploadParts {
  readonly pool: BlobPool;
  readonly clock: Clock;
  readonly leases: Leases;
  readonly observer?: StoreObserver | undefined;
}

export class UploadDirectory {
  readonly #directory: string;
  readonly #pool: BlobPool;
  readonly #clock: Clock;
  readonly #leases: Leases;
  readonly #live = new Map<string, LocalUpload>();
  readonly #observer: StoreObserver | undefined;
  readonly #filling = new SingleFlight<void>();
  /** Files that a `take` is at. */
  readonly #filled = new Set<string>();
  #sweptAt = 0;

  constructor(storeDirectory: string, shared: UploadParts) {
    this.#directory = join(storeDirectory, UPLOADS);
    this.#pool = shared.pool;
    this.#clock = shared.clock;
    this.#leases = shared.leases;
    this.#observer = shared.observer;
  }

  /** Returns how many expired uploads it removed. */
  async open(): Promise<number> {
    await ensureDirectory(this.#directory);
    return this.sweep();
  }

  /** The file's name holds the repository's, so that an upload is found only through its own. */
  #fileName(owner: UploadOwner, id: string): string {
    return `${id}.${hexOf(digestOf(owner.name)).slice(0, 32)}`;
  }

  #upload(owner: UploadOwner, id: string, offset: number, algorithm?: DigestAlgorithm): LocalUpload {
    const name = this.#fileName(owner, id);
    const place = {
      pool: this.#pool,
      clock: this.#clock,
      target: owner.target,
      onEnd: () => {
        this.#live.delete(name);
        this.#observer?.ended(owner.name, id);
      },
      onGrow: (sizeBytes: number) => this.#observer?.receiving(owner.name, id, sizeBytes),
      onStored: ({ digest, size }: StoredBlob) => this.#observer?.stored(owner.name, digest, size),
      keep: <T>(digest: Digest, task: () => Promise<T>) => this.#leases.grant(owner.name, digest, task),
    };
    const upload = new LocalUpload(id, join(this.#directory, name), place, offset, algorithm);
    this.#live.set(name, upload);
    return upload;
  }

  async start(owner: UploadOwner, algorithm?: DigestAlgorithm): Promise<LocalUpload> {
    if (this.#clock.now().getTime() - this.#sweptAt > SWEEP_EVERY_MS) await this.sweep();
    await this.#observer?.ready(owner.name);
    const id = uuidv7(this.#clock);
    const path = join(this.#directory, this.#fileName(owner, id));
    const now = this.#clock.now();
    await storing(path, async () => {
      const file = await open(path, "wx", 0o644);
      await file.utimes(now, now);
      await file.close();
    });
    return this.#upload(owner, id, 0, algorithm);
  }

  /**
   * Makes a blob of a file that `fill` writes. What a failure leaves is kept for the next call, and expires like an
   * upload; what else `fill` keeps beside it has the same name with one more ending.
   */
  take(owner: UploadOwner, { digest, size }: StoredBlob, fill: (path: string) => Promise<void>): Promise<void> {
    const id = `fill-${hexOf(digest)}`;
    const name = this.#fileName(owner, id);
    const path = join(this.#directory, name);
    return this.#filling.run(name, async () => {
      await this.#observer?.ready(owner.name);
      this.#filled.add(name);
      try {
        this.#observer?.receiving(owner.name, id, size);
        await fill(path);
        const actualBytes = (await stat(path)).size;
        if (actualBytes !== size)
          throw ociErrors("size.mismatch", { what: "the blob", actualBytes, expectedBytes: size });
        const target = owner.target(digest);
        await this.#leases.grant(owner.name, digest, async () => {
          await storing(path, () => this.#pool.adopt(path, digest, size, target));
          this.#observer?.stored(owner.name, digest, size);
          return true;
        });
        for (const other of await this.#beside(name)) await rm(join(this.#directory, other), { force: true });
      } catch (error) {
        const now = this.#clock.now();
        for (const kept of await this.#beside(name))
          await utimes(join(this.#directory, kept), now, now).catch(() => undefined);
        throw storageError(error, path);
      } finally {
        this.#filled.delete(name);
        this.#observer?.ended(owner.name, id);
      }
    });
  }

  async #beside(name: string): Promise<string[]> {
    return (await readdir(this.#directory)).filter((other) => other === name || other.startsWith(`${name}.`));
  }

  #isFilled(name: string): boolean {
    return [...this.#filled].some((filled) => name === filled || name.startsWith(`${filled}.`));
  }

  async resume(owner: UploadOwner, id: string): Promise<LocalUpload | undefined> {
    if (!ID.test(id)) return undefined;
    const name = this.#fileName(owner, id);
    const live = this.#live.get(name);
    if (live !== undefined) return live;
    await this.#observer?.ready(owner.name);
    try {
      const { size } = await stat(join(this.#directory, name));
      return this.#live.get(name) ?? this.#upload(owner, id, size);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** Removes what was not touched for a day; returns how many. */
  async sweep(isDryRun = false): Promise<number> {
    const now = this.#clock.now().getTime();
    if (!isDryRun) this.#sweptAt = now;
    let removed = 0;
    for (const name of await readdir(this.#directory)) {
      const path = join(this.#directory, name);
      const live = this.#live.get(name);
      try {
        if (live?.isBusy === true || this.#isFilled(name) || (await stat(path)).mtimeMs >= now - EXPIRE_MS) continue;
        if (live !== undefined && !isDryRun && !(await live.expire(now - EXPIRE_MS))) continue;
        if (live === undefined && !isDryRun) await rm(path, { force: true, recursive: true });
        removed += 1;
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
    }
    return removed;
  }
}
