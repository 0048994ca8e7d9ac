// Blobs of a bucket: the content once, and for every repository that has it a mark with its size.
import { describeError, digestOf, algorithmOf, type Clock, type Digest, type Log } from "@pratique/core";
import { z } from "zod";
import { ociErrors } from "../errors.ts";
import type { StoredBlob } from "../repository.ts";
import type { BucketKeys } from "./bucket-keys.ts";
import type { Condition, S3Bucket } from "./s3-bucket.ts";

const MARK_LIMIT_BYTES = 1024;
const AT_ONCE = 16;
/** Who was told that a blob is there may count on it; collection reads from the mark when that was. */
const TELL_AGAIN_MS = 10 * 60 * 1000;
/** `told`: milliseconds since 1970. It also makes every mark another object, so that conditions on it hold. */
const Mark = z.strictObject({ size: z.int().min(0), told: z.number().default(0) });

interface FoundMark {
  readonly size: number;
  readonly told: number;
  readonly etag: string;
}

export class BucketBlobs {
  readonly bucket: S3Bucket;
  readonly keys: BucketKeys;
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(bucket: S3Bucket, keys: BucketKeys, clock: Clock, log: Log) {
    this.bucket = bucket;
    this.keys = keys;
    this.#clock = clock;
    this.#log = log;
  }

  async mark(name: string, digest: Digest): Promise<FoundMark | undefined> {
    const key = this.keys.member(name, digest);
    const found = await this.bucket.read(key, MARK_LIMIT_BYTES);
    if (found === undefined || found === "unchanged") return undefined;
    try {
      return { ...Mark.parse(JSON.parse(found.bytes.toString())), etag: found.etag };
    } catch (error) {
      this.#log.warn("a blob's mark cannot be read", { key, ...describeError(error) });
      return undefined;
    }
  }

  /** Size of a blob that the repository has. What only others have is not there. */
  async sizeOf(name: string, digest: Digest): Promise<number | undefined> {
    return (await this.mark(name, digest))?.size;
  }

  /** The same for somebody who may count on it: from now on, collection leaves it alone for its grace period. */
  async tell(name: string, digest: Digest): Promise<number | undefined> {
    const mark = await this.mark(name, digest);
    const now = this.#clock.now().getTime();
    if (mark === undefined || now - mark.told < TELL_AGAIN_MS) return mark?.size;
    const told = await this.#putMark(name, digest, mark.size, { ifMatch: mark.etag });
    // Gone, or told by somebody else, since we looked.
    return told === undefined ? this.sizeOf(name, digest) : mark.size;
  }

  /** True while somebody may count on the blob because he was told of it. */
  isTold({ told }: FoundMark, graceMs: number): boolean {
    return graceMs > 0 && this.#clock.now().getTime() - told < graceMs + TELL_AGAIN_MS;
  }

  async #putMark(name: string, digest: Digest, size: number, condition?: Condition): Promise<string | undefined> {
    const told = this.#clock.now().getTime() + Math.random();
    return this.bucket.put(this.keys.member(name, digest), [Buffer.from(JSON.stringify({ size, told }))], condition);
  }

  /** Makes a blob, whose content is in the pool, one of the repository's. */
  async admit(name: string, { digest, size }: StoredBlob): Promise<void> {
    await this.#putMark(name, digest, size);
  }

  /** After `admit`: false when collection took the content away just before it could see the mark. */
  async isPooled({ digest, size }: StoredBlob): Promise<boolean> {
    return (await this.bucket.head(this.keys.blob(digest)))?.size === size;
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
