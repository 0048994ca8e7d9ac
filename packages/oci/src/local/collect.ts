// Online garbage collection: removes what no manifest needs and nobody was told of lately, while pushes go on.
import { describeError, isDigest, type Digest, type Log } from "@pratique/core";
import { removeLeftovers } from "@pratique/store";
import { opendir, stat } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { CollectedRepository, CollectOptions, CollectReport } from "../maintenance.ts";
import type { StoreObserver } from "../store-observer.ts";
import type { BlobPool } from "./blob-pool.ts";
import type { Layout } from "./layout.ts";
import type { Leases } from "./leases.ts";
import { neededSince, referencesOf, type References } from "./references.ts";
import type { Snapshot } from "./snapshot.ts";
import { isMissing, storing } from "./storage-error.ts";
import { blobFile } from "./store-paths.ts";
import type { UploadDirectory } from "./upload-directory.ts";

/** Blobs in one critical section of a repository's line: what a push there waits for at most. */
const BATCH = 8;
/** How often the manifests are read again for one batch, when ever more of them come. */
const READINGS = 4;

/** A repository to be collected. */
export interface CollectedPlace {
  readonly name: string;
  readonly directory: string;
  /** @throws when its layout cannot be read */
  layout(): Promise<Layout>;
}

export interface CollectParts {
  readonly pool: BlobPool;
  readonly uploads: UploadDirectory;
  readonly leases: Leases;
  readonly observer: StoreObserver | undefined;
  readonly log: Log;
}

interface Tally {
  blobs: number;
  removed: number;
  partialFiles: number;
  freedBytes: number;
  referenced: number;
  leased: number;
  undecided: number;
}

/**
 * Collects every repository, one blob after another. A blob goes only in its repository's own line, where no manifest
 * can come to need it, and only when no lease on it runs. What is interrupted has removed some blobs, each wholly.
 */
export async function collectStore(
  parts: CollectParts,
  places: readonly CollectedPlace[],
  options: CollectOptions,
): Promise<CollectReport> {
  const { dryRun: isDryRun = false, signal } = options;
  const tally = { blobs: 0, removed: 0, partialFiles: 0, freedBytes: 0, referenced: 0, leased: 0, undecided: 0 };
  const collected: CollectedRepository[] = [];
  const skipped: { repository: string; reason: string }[] = [];
  const uploads = await parts.uploads.sweep(isDryRun);
  for (const place of places) {
    signal?.throwIfAborted();
    const run = new RepositoryCollection(parts, place, options, tally);
    try {
      const skippedFor = await run.run();
      if (skippedFor !== undefined) skipped.push({ repository: place.name, reason: skippedFor });
    } catch (error) {
      signal?.throwIfAborted();
      // One repository that cannot be read keeps the others from nothing.
      parts.log.warn("a repository was not collected", { repository: place.name, ...describeError(error) });
      skipped.push({ repository: place.name, reason: error instanceof Error ? error.message : "unreadable" });
    }
    if (run.removed > 0) collected.push({ repository: place.name, blobs: run.removed, bytes: run.removedBytes });
  }
  if (!isDryRun) await parts.pool.sweep();
  const { blobs, removed, partialFiles, freedBytes, referenced, leased, undecided } = tally;
  return {
    isDryRun,
    repositories: places.length,
    blobs,
    removed: { blobs: removed, uploads, partialFiles },
    freedBytes,
    kept: { referenced, leased, undecided },
    collected,
    skipped,
  };
}

class RepositoryCollection {
  readonly #parts: CollectParts;
  readonly #place: CollectedPlace;
  readonly #options: CollectOptions;
  readonly #tally: Tally;
  removed = 0;
  removedBytes = 0;

  constructor(parts: CollectParts, place: CollectedPlace, options: CollectOptions, tally: Tally) {
    this.#parts = parts;
    this.#place = place;
    this.#options = options;
    this.#tally = tally;
  }

  /** Lets requests go first. */
  readonly #pause = async (): Promise<void> => {
    await setImmediate();
    this.#options.signal?.throwIfAborted();
  };

  /** Answers why the repository's blobs were left alone, if they were. */
  async run(): Promise<string | undefined> {
    const layout = await this.#place.layout();
    if (this.#options.dryRun !== true) await this.#removePartialFiles(layout);
    let known = await this.#look(layout);
    let reason = known.reason;
    for await (const batch of this.#batches()) {
      await this.#pause();
      this.#tally.blobs += batch.length;
      let isDone = reason === undefined && (await this.#collectBatch(layout, known, batch));
      for (let reading = 0; reason === undefined && !isDone && reading < READINGS; reading += 1) {
        known = await this.#look(layout);
        reason = known.reason;
        isDone = reason === undefined && (await this.#collectBatch(layout, known, batch));
      }
      if (!isDone) this.#tally.undecided += batch.length;
    }
    return reason;
  }

  async #look(layout: Layout): Promise<Known> {
    const { snapshot } = layout;
    const [lost] = layout.lost;
    if (lost !== undefined) return { snapshot, needed: new Set(), reason: `manifest ${lost} is lost or damaged` };
    const { needed, undecided }: References = await referencesOf(layout.directory, snapshot, this.#pause);
    const reason = undecided === undefined ? undefined : `manifest ${undecided.manifest} cannot be read`;
    return { snapshot, needed, reason };
  }

  /** One critical section. False when more is needed than is known: then nothing was done. */
  async #collectBatch(layout: Layout, known: Known, batch: readonly Digest[]): Promise<boolean> {
    const candidates = batch.filter((digest) => !known.needed.has(digest));
    const referenced = batch.length - candidates.length;
    if (candidates.length === 0) {
      this.#tally.referenced += referenced;
      return true;
    }
    let isDone = false;
    await layout.update(async (snapshot) => {
      const added = layout.lost.size > 0 ? undefined : neededSince(known.snapshot, snapshot);
      if (added === undefined) return snapshot;
      this.#tally.referenced += referenced;
      for (const digest of candidates) {
        if (added.has(digest)) this.#tally.referenced += 1;
        else await this.#collectBlob(digest);
      }
      isDone = true;
      return snapshot;
    });
    return isDone;
  }

  async #collectBlob(digest: Digest): Promise<void> {
    const { leases, pool, observer } = this.#parts;
    const { name, directory } = this.#place;
    const { dryRun: isDryRun, graceMs } = this.#options;
    const path = blobFile(directory, digest);
    const size = await sizeOf(path);
    if (size === undefined) return;
    if (isDryRun === true) {
      if (leases.isLeased(name, digest, graceMs)) this.#tally.leased += 1;
      else this.#count(size, await pool.roomOf(digest, path));
      return;
    }
    const freed = await leases.remove(name, digest, graceMs, () => storing(path, () => pool.drop(digest, path)));
    if (freed === undefined) {
      this.#tally.leased += 1;
      return;
    }
    observer?.released(name, digest);
    this.#count(size, freed);
  }

  #count(size: number, freed: number): void {
    this.removed += 1;
    this.removedBytes += size;
    this.#tally.removed += 1;
    this.#tally.freedBytes += freed;
  }

  /** In line with the changes, so that none is being written; there is no such file otherwise. */
  async #removePartialFiles(layout: Layout): Promise<void> {
    await layout.update(async (snapshot) => {
      this.#tally.partialFiles += await removeLeftovers(layout.directory);
      return snapshot;
    });
  }

  /** Names of blobs, few at a time, however many there are. */
  async *#batches(): AsyncGenerator<Digest[]> {
    const root = join(this.#place.directory, "blobs");
    for (const algorithm of ["sha256", "sha512"] as const) {
      let batch: Digest[] = [];
      try {
        for await (const { name } of await opendir(join(root, algorithm), { bufferSize: 64 })) {
          const digest = `${algorithm}:${name}`;
          if (!isDigest(digest)) continue;
          batch.push(digest);
          if (batch.length < BATCH) continue;
          yield batch;
          batch = [];
        }
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
      if (batch.length > 0) yield batch;
    }
  }
}

/** What the manifests of one snapshot need, or why that cannot be said. */
interface Known {
  readonly snapshot: Snapshot;
  readonly needed: ReadonlySet<Digest>;
  readonly reason: string | undefined;
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
