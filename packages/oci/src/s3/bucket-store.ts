// The content store in an S3-compatible bucket. Any number of daemons may share one.
import { describeError, Mutex, type Clock, type Digest, type Log } from "@pratique/core";
import { ociErrors } from "../errors.ts";
import { INDEX_FILE } from "../local/layout-file.ts";
import { ManifestCache } from "../local/manifest-cache.ts";
import { mayHoldRepositories } from "../local/store-paths.ts";
import { isRepositoryName } from "../reference.ts";
import type { RetryOptions } from "../remote/retry.ts";
import type { CollectOptions, CollectReport, ScrubOptions, ScrubReport } from "../maintenance.ts";
import type { ContentStore, LocalRepository } from "../repository.ts";
import type { StoreObserver } from "../store-observer.ts";
import { BucketBlobs, mapBounded } from "./bucket-blobs.ts";
import { BucketIndex } from "./bucket-index.ts";
import { BucketKeys } from "./bucket-keys.ts";
import { BucketRepository, type BucketParts } from "./bucket-repository.ts";
import { collectBucket, type CollectParts } from "./collect-bucket.ts";
import { FileCache } from "./file-cache.ts";
import { S3Bucket } from "./s3-bucket.ts";
import { S3Sender, type S3Credentials, type S3Place } from "./s3-request.ts";
import { scrubBucket } from "./scrub-bucket.ts";
import { UploadFolder } from "./upload-folder.ts";

const AT_ONCE = 16;

export interface BucketStoreOptions {
  readonly place: S3Place;
  /** Asked often; may change. */
  readonly credentials: () => Promise<S3Credentials>;
  /** Key below which everything lies. */
  readonly prefix?: string | undefined;
  /** Clients fetch large blobs from the bucket by themselves. */
  readonly redirect: boolean;
  /** Promise that no other daemon writes: then a storage without conditional writes will do. */
  readonly singleWriter?: boolean | undefined;
  /** Blobs that had to be files of this machine. */
  readonly cache: { readonly directory: string; readonly limitBytes: number };
  readonly clock: Clock;
  readonly log: Log;
  readonly observer?: StoreObserver | undefined;
  readonly retry?: RetryOptions;
}

/**
 * Opens a store in a bucket that is there.
 * @throws `oci.storage-unreachable`, `oci.storage-denied`, `oci.storage-missing`, `oci.storage-unconditional`
 */
export async function openBucketStore(options: BucketStoreOptions): Promise<ContentStore> {
  const { place, credentials, clock, log, observer, cache, retry } = options;
  const sender = new S3Sender({ place, credentials, clock, ...(retry === undefined ? {} : { retry }) });
  try {
    const bucket = new S3Bucket(sender);
    const keys = new BucketKeys(options.prefix);
    await probe(bucket, keys, options.singleWriter === true);
    const files = await FileCache.open(cache.directory, cache.limitBytes);
    const blobs = new BucketBlobs(bucket, keys, clock, log);
    const uploads = new UploadFolder(blobs, clock, observer);
    const expiredUploads = await uploads.sweep();
    if (expiredUploads > 0) log.info("content store repaired", { expiredUploads });
    const origin = `store:s3://${sender.name}/${keys.root}`;
    const { redirect } = options;
    return new BucketStore({
      origin,
      blobs,
      uploads,
      files,
      cache: new ManifestCache(),
      redirect,
      clock,
      log,
      observer,
    });
  } catch (error) {
    sender.close();
    throw error;
  }
}

/** Shows that the bucket is there and ours to write, and that it does not let two writers overwrite each other. */
async function probe(bucket: S3Bucket, keys: BucketKeys, isSingleWriter: boolean): Promise<void> {
  const etag = await bucket.put(keys.probe, [Buffer.from("one")]);
  if (isSingleWriter) return;
  const isNewRefused = (await bucket.put(keys.probe, [Buffer.from("two")], { ifNoneMatch: "*" })) === undefined;
  const isOldRefused =
    (await bucket.put(keys.probe, [Buffer.from("two")], { ifMatch: '"00000000000000000000000000000000"' })) ===
    undefined;
  if (etag === undefined || !isNewRefused || !isOldRefused) {
    throw ociErrors("oci.storage-unconditional", { storage: bucket.sender.name });
  }
}

class BucketStore implements ContentStore {
  readonly #parts: BucketParts;
  readonly #indexes = new Map<string, BucketIndex>();
  readonly #care = new Mutex();

  constructor(parts: Omit<BucketParts, "index">) {
    this.#parts = { ...parts, index: (name) => this.#index(name) };
  }

  repository(name: string): LocalRepository {
    if (!isRepositoryName(name)) {
      const reason = "a repository is lower-case letters, digits, `.`, `_`, `-` between slashes";
      throw ociErrors("reference.invalid", { reference: name.slice(0, 160), reason });
    }
    return new BucketRepository(name, this.#parts);
  }

  /** One for each repository that somebody asked about; names are free to make up, so blank ones go when there are many. */
  #index(name: string): BucketIndex {
    const known = this.#indexes.get(name);
    if (known !== undefined) return known;
    if (this.#indexes.size > 4096) this.#forgetBlank();
    const { blobs, log, observer } = this.#parts;
    const index = new BucketIndex({ name, blobs, log, observer });
    this.#indexes.set(name, index);
    return index;
  }

  #forgetBlank(): void {
    for (const [name, index] of this.#indexes) if (index.isIdle) this.#indexes.delete(name);
  }

  async repositories(): Promise<string[]> {
    const names = await this.#layouts();
    const snapshots = await mapBounded(names, AT_ONCE, async (name) => {
      try {
        return (await this.#index(name).snapshot()).manifests.size;
      } catch (error) {
        this.#parts.log.warn("a repository cannot be read", { repository: name, ...describeError(error) });
        throw error;
      }
    });
    return names.filter((_name, index) => snapshots[index]! > 0).sort();
  }

  async holders(digest: Digest): Promise<string[]> {
    const names = await this.#layouts();
    const sizes = await mapBounded(names, AT_ONCE, (name) => this.#parts.blobs.sizeOf(name, digest));
    return names.filter((_name, index) => sizes[index] !== undefined).sort();
  }

  /** Names of all that has a layout, however deep. */
  async #layouts(): Promise<string[]> {
    const { bucket, keys } = this.#parts.blobs;
    const found: string[] = [];
    const walk = async (prefix: string): Promise<void> => {
      const entries = await bucket.entries(prefix);
      if (prefix !== keys.root && entries.some((entry) => entry === INDEX_FILE || entry === "blobs/"))
        found.push(keys.repository(prefix));
      const below = entries.filter((entry) => entry.endsWith("/") && mayHoldRepositories(entry.slice(0, -1)));
      await mapBounded(below, AT_ONCE, (entry) => walk(prefix + entry));
    };
    await walk(keys.root);
    return found;
  }

  collect(options: CollectOptions): Promise<CollectReport> {
    return this.#care.run(() => collectBucket(this.#careParts(), options));
  }

  scrub(options: ScrubOptions): Promise<ScrubReport> {
    return this.#care.run(() => scrubBucket(this.#careParts(), options));
  }

  #careParts(): CollectParts {
    const { blobs, uploads, clock, observer, index } = this.#parts;
    return { blobs, uploads, clock, observer, index, layouts: () => this.#layouts() };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#indexes.values()].map((index) => index.settled()));
    this.#parts.blobs.bucket.sender.close();
  }
}
