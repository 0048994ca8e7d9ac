// Takes a blob from a repository of a bucket, unless a manifest needs it.
import type { Digest } from "@pratique/core";
import type { Snapshot } from "../local/snapshot.ts";
import type { StoreObserver } from "../store-observer.ts";
import type { BucketBlobs } from "./bucket-blobs.ts";
import type { BucketIndex } from "./bucket-index.ts";

export interface Release {
  readonly name: string;
  readonly digest: Digest;
  readonly blobs: BucketBlobs;
  readonly index: BucketIndex;
  readonly observer: StoreObserver | undefined;
  /** Collection: only when nobody was told of it within that time. */
  readonly untoldForMs?: number | undefined;
}

/** The manifest that stands against it, or whether the blob is gone now. */
export type Released = { readonly user: Digest } | { readonly isGone: boolean };

/**
 * Another daemon may push a manifest meanwhile. It looks for the mark after it wrote the index, we look at the index
 * after we took the mark away: one of the two sees the other, and puts the mark back.
 */
export async function releaseBlob(release: Release): Promise<Released> {
  const { name, digest, blobs, index, observer, untoldForMs } = release;
  let released: Released = { isGone: false };
  await index.update(async (snapshot) => {
    const user = needing(snapshot, digest);
    if (user !== undefined) {
      released = { user };
      return snapshot;
    }
    const mark = await blobs.mark(name, digest);
    if (mark !== undefined && untoldForMs !== undefined && blobs.isTold(mark, untoldForMs)) return snapshot;
    await blobs.release(name, digest);
    const late = needing(await index.snapshot(), digest);
    if (late !== undefined && mark !== undefined) {
      await blobs.admit(name, { digest, size: mark.size });
      released = { user: late };
    } else {
      observer?.released(name, digest);
      released = { isGone: mark !== undefined };
    }
    return snapshot;
  });
  return released;
}

/** The manifest that needs this content, which may be the manifest itself. */
function needing(snapshot: Snapshot, digest: Digest): Digest | undefined {
  return snapshot.manifests.has(digest) ? digest : snapshot.userOf(digest);
}
