// Blobs of a bucket: the content once, and for every repository that has it a mark with its size.
import { describeError, digestOf, algorithmOf, type Digest, type Log } from "@pratique/core";
import { z } from "zod";
import { ociErrors } from "../errors.ts";
import type { StoredBlob } from "../repository.ts";
import type { BucketKeys } from "./bucket-keys.ts";
import type { S3Bucket } from "./s3-bucket.ts";

const MARK_LIMIT_BYTES = 1024;
const AT_ONCE = 16;
const Mark = z.strictObject({ size: z.int().min(0) });

export class BucketBlobs {
  readonly bucket: S3Bucket;
  readonly keys: BucketKeys;
  readonly #log: Log;

  constructor(bucket: S3Bucket, keys: BucketKeys, log: Log) {
    this.bucket = bucket;
    this.keys = keys;
    this.#log = log;
  }

  /** Size of a blob that the repository has. What only others have is not there. */
  async sizeOf(name: string, digest: Digest): Promise<number | undefined> {
    const key = this.keys.member(name, digest);
    const mark = await this.bucket.read(key, MARK_LIMIT_BYTES);
    if (mark === undefined || mark === "unchanged") return undefined;
    try {
      return Mark.parse(JSON.parse(mark.bytes.toString())).size;
    } catch (error) {
      this.#log.warn("a blob's mark cannot be read", { key, ...describeError(error) });
      return undefined;
    }
  }

  /** Makes a blob, whose content is in the pool, one of the repository's. */
  async admit(name: string, { digest, size }: StoredBlob): Promise<void> {
    await this.bucket.put(this.keys.member(name, digest), [Buffer.from(JSON.stringify({ size }))]);
  }

  /** Takes a blob from the repository. Its content stays until collection finds that nobody has it. */
  async release(name: string, digest: Digest): Promise<void> {
    await this.bucket.delete(this.keys.member(name, digest));
  }

  /** The content of a small blob, checked. */
  async read(digest: Digest, limitBytes: number): Promise<Buffer | undefined> {
    const found = await this.bucket.read(this.keys.blob(digest), limitBytes);
    if (found === undefined || found === "unchanged") return undefined;
    const actual = digestOf(found.bytes, algorithmOf(digest));
    if (actual !== digest) throw ociErrors("digest.mismatch", { what: "the stored blob", actual, expected: digest });
    return found.bytes;
  }

  async membersOf(name: string): Promise<StoredBlob[]> {
    const digests: Digest[] = [];
    for await (const { key } of this.bucket.list(this.keys.members(name))) {
      const digest = this.keys.digestIn(key);
      if (digest !== undefined) digests.push(digest);
    }
    const blobs = await mapBounded(digests, AT_ONCE, async (digest) => {
      const size = await this.sizeOf(name, digest);
      return size === undefined ? undefined : { digest, size };
    });
    return blobs.filter((blob) => blob !== undefined);
  }
}

/** Maps with so many at once, in order. */
export async function mapBounded<T, R>(
  items: readonly T[],
  atOnce: number,
  map: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  for (let at = 0; at < items.length; at += atOnce) {
    results.push(...(await Promise.all(items.slice(at, at + atOnce).map(map))));
  }
  return results;
}
