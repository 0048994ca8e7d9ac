// Collection in a bucket, while any number of daemons push. First the marks that no manifest needs and nobody counts
// on; then the content that no mark names. Content is set aside before it goes: whoever marks it meanwhile either finds
// it missing and stores it again, or is found, and it is put back.
import type { Clock, Digest } from "@pratique/core";
import type { CollectedRepository, CollectOptions, CollectReport } from "../maintenance.ts";
import type { StoreObserver } from "../store-observer.ts";
import { mapBounded, type BucketBlobs } from "./bucket-blobs.ts";
import type { BucketIndex } from "./bucket-index.ts";
import { BucketLock } from "./bucket-lock.ts";
import { releaseBlob } from "./release-blob.ts";
import type { S3Object } from "./s3-bucket.ts";
import type { UploadFolder } from "./upload-folder.ts";

const AT_ONCE = 16;
/** So many are set aside before the lock is renewed. */
const BATCH = 128;

export interface CollectParts {
  readonly blobs: BucketBlobs;
  readonly uploads: UploadFolder;
  readonly clock: Clock;
  readonly observer: StoreObserver | undefined;
  index(name: string): BucketIndex;
  /** Names of all repositories. */
  layouts(): Promise<string[]>;
}

interface Tally {
  blobs: number;
  removed: number;
  referenced: number;
  leased: number;
  undecided: number;
  readonly collected: CollectedRepository[];
  readonly skipped: { readonly repository: string; readonly reason: string }[];
}

export async function collectBucket(parts: CollectParts, options: CollectOptions): Promise<CollectReport> {
  const isDryRun = options.dryRun === true;
  const tally: Tally = { blobs: 0, removed: 0, referenced: 0, leased: 0, undecided: 0, collected: [], skipped: [] };
  const names = await parts.layouts();
  /** Marks that a dry run would have removed. */
  const leaving = new Set<string>();
  for (const name of names.sort()) {
    options.signal?.throwIfAborted();
    await collectRepository(parts, name, options, tally, leaving);
  }
  const uploads = isDryRun ? 0 : await parts.uploads.sweep();
  const freedBytes = isDryRun ? await poolRoom(parts, options, leaving) : await lockedPool(parts, options);
  const { blobs, removed, referenced, leased, undecided, collected, skipped } = tally;
  return {
    isDryRun,
    repositories: names.length,
    blobs,
    removed: { blobs: removed, uploads, partialFiles: 0 },
    freedBytes,
    kept: { referenced, leased, undecided },
    collected,
    skipped,
  };
}

async function collectRepository(
  parts: CollectParts,
  name: string,
  options: CollectOptions,
  tally: Tally,
  leaving: Set<string>,
): Promise<void> {
  const { blobs, observer } = parts;
  const index = parts.index(name);
  // What lies there first: a blob that comes later is needed by a manifest that comes later still.
  const digests: Digest[] = [];
  for await (const { key } of blobs.bucket.list(blobs.keys.members(name))) {
    const digest = blobs.keys.digestIn(key);
    if (digest !== undefined) digests.push(digest);
  }
  tally.blobs += digests.length;
  const snapshot = await index.wholeSnapshot();
  if (snapshot === undefined) {
    tally.undecided += digests.length;
    tally.skipped.push({ repository: name, reason: "a manifest cannot be read" });
    return;
  }
  const needed = new Set<Digest>(snapshot.manifests.keys());
  for (const { content } of snapshot.manifests.values()) for (const digest of content) needed.add(digest);
  const unneeded = digests.filter((digest) => !needed.has(digest));
  tally.referenced += digests.length - unneeded.length;
  const untoldForMs = options.graceMs;
  const gone = await mapBounded(unneeded, AT_ONCE, async (digest) => {
    options.signal?.throwIfAborted();
    const mark = await blobs.mark(name, digest);
    if (mark === undefined || blobs.isTold(mark, untoldForMs)) return undefined;
    if (options.dryRun === true) {
      leaving.add(blobs.keys.member(name, digest));
      return mark.size;
    }
    const released = await releaseBlob({ name, digest, blobs, index, observer, untoldForMs });
    return "isGone" in released && released.isGone ? mark.size : undefined;
  });
  const sizes = gone.filter((size) => size !== undefined);
  tally.leased += unneeded.length - sizes.length;
  tally.removed += sizes.length;
  if (sizes.length === 0) return;
  tally.collected.push({ repository: name, blobs: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) });
}

interface Inventory {
  readonly marked: ReadonlySet<Digest>;
  readonly pooled: ReadonlyMap<Digest, S3Object>;
  /** What a collection that was interrupted had set aside. */
  readonly aside: ReadonlyMap<Digest, S3Object>;
}

async function takeInventory({ blobs }: CollectParts, leaving: ReadonlySet<string>): Promise<Inventory> {
  const { keys, bucket } = blobs;
  const marked = new Set<Digest>();
  const pooled = new Map<Digest, S3Object>();
  const aside = new Map<Digest, S3Object>();
  for await (const object of bucket.list(keys.root)) {
    const digest = keys.digestIn(object.key);
    if (digest === undefined) continue;
    if (keys.isPooled(object.key)) pooled.set(digest, object);
    else if (keys.isLeaving(object.key)) aside.set(digest, object);
    else if (keys.memberIn(object.key) !== undefined && !leaving.has(object.key)) marked.add(digest);
  }
  return { marked, pooled, aside };
}

/** Content that no repository has, and that is not new. */
function unmarkedIn(parts: CollectParts, { marked, pooled }: Inventory, graceMs: number): [Digest, S3Object][] {
  const now = parts.clock.now().getTime();
  return [...pooled].filter(([digest, { modified }]) => !marked.has(digest) && now - modified.getTime() >= graceMs);
}

async function poolRoom(parts: CollectParts, options: CollectOptions, leaving: Set<string>): Promise<number> {
  const inventory = await takeInventory(parts, leaving);
  const unmarked = unmarkedIn(parts, inventory, options.graceMs);
  return unmarked.reduce((sum, [, { size }]) => sum + size, 0);
}

/** Two that set aside and put back at once could undo each other. */
async function lockedPool(parts: CollectParts, options: CollectOptions): Promise<number> {
  const { bucket, keys } = parts.blobs;
  const lock = await BucketLock.take(bucket, keys.collectLock, parts.clock);
  try {
    return await collectPool(parts, options, lock);
  } finally {
    await lock.release();
  }
}

/** Removes content that no repository has; returns how many bytes that freed. */
async function collectPool(parts: CollectParts, options: CollectOptions, lock: BucketLock): Promise<number> {
  const { bucket, keys } = parts.blobs;
  const nothing = new Set<string>();
  const before = await takeInventory(parts, nothing);
  const unmarked = unmarkedIn(parts, before, options.graceMs);
  const aside = new Map([...before.aside].map(([digest, { size }]) => [digest, size]));
  for (let at = 0; at < unmarked.length; at += BATCH) {
    options.signal?.throwIfAborted();
    await lock.renew();
    await mapBounded(unmarked.slice(at, at + BATCH), AT_ONCE, async ([digest, { size }]) => {
      await bucket.copy(keys.blob(digest), keys.leaving(digest), size);
      await bucket.delete(keys.blob(digest));
      aside.set(digest, size);
    });
  }
  if (aside.size === 0) return 0;
  await lock.renew();
  const after = await takeInventory(parts, nothing);
  await lock.renew();
  const freed = await mapBounded([...aside], AT_ONCE, async ([digest, size]) => {
    const isWanted = after.marked.has(digest) && !after.pooled.has(digest);
    if (isWanted) await bucket.copy(keys.leaving(digest), keys.blob(digest), size);
    await bucket.delete(keys.leaving(digest));
    return isWanted ? 0 : size;
  });
  return freed.reduce((sum, size) => sum + size, 0);
}
