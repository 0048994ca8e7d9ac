// A repository of a content store that lies in an S3-compatible bucket.
import { algorithmOf, digestOf, type Clock, type Digest, type DigestAlgorithm, type Log } from "@pratique/core";
import { Readable } from "node:stream";
import type { Descriptor } from "../descriptor.schema.ts";
import { ociErrors } from "../errors.ts";
import { bounded, once, requireExpected } from "../expected-blob.ts";
import type { ManifestCache } from "../local/manifest-cache.ts";
import { storedManifest, type Snapshot } from "../local/snapshot.ts";
import { MANIFEST_LIMIT_BYTES, manifestDigest, parseManifest, type ParsedManifest } from "../manifest.schema.ts";
import { isTag } from "../reference.ts";
import type {
  ByteRange,
  ExpectedBlob,
  LocalFile,
  LocalRepository,
  Manifest,
  ManifestFacts,
  PutManifestOptions,
  StoredBlob,
  Upload,
} from "../repository.ts";
import type { StoreObserver } from "../store-observer.ts";
import { mapBounded, type BucketBlobs } from "./bucket-blobs.ts";
import type { BucketIndex } from "./bucket-index.ts";
import type { FileCache } from "./file-cache.ts";
import { releaseBlob, type Release } from "./release-blob.ts";
import type { UploadFolder } from "./upload-folder.ts";

/** What is smaller is one read here, against two round trips and a signature for the client. */
const REDIRECT_FROM_BYTES = 64 * 1024;
const ADDRESS_SECONDS = 120;
const AT_ONCE = 16;
/** What is smaller goes up in one request. */
const WHOLE_BYTES = 8 * 1024 * 1024;

/** What the repositories of one bucket share. */
export interface BucketParts {
  readonly origin: string;
  readonly blobs: BucketBlobs;
  readonly uploads: UploadFolder;
  readonly files: FileCache;
  readonly cache: ManifestCache;
  readonly redirect: boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: StoreObserver | undefined;
  index(name: string): BucketIndex;
}

export class BucketRepository implements LocalRepository {
  readonly name: string;
  readonly origin: string;
  readonly #parts: BucketParts;

  constructor(name: string, parts: BucketParts) {
    this.name = name;
    this.origin = parts.origin;
    this.#parts = parts;
  }

  #snapshot(): Promise<Snapshot> {
    return this.#parts.index(this.name).snapshot();
  }

  #change(change: (snapshot: Snapshot) => Promise<Snapshot> | Snapshot): Promise<Snapshot> {
    return this.#parts.index(this.name).update(change);
  }

  exists(): Promise<boolean> {
    const { bucket, keys } = this.#parts.blobs;
    return bucket.hasAny(keys.members(this.name));
  }

  blobPath(): undefined {
    return undefined;
  }

  async localFile(digest: Digest): Promise<LocalFile> {
    const { bucket, keys } = this.#parts.blobs;
    const size = await this.#requireBlob(digest);
    return this.#parts.files.file(digest, size, () => bucket.stream(keys.blob(digest), { start: 0, end: size - 1 }));
  }

  async blobAddress(digest: Digest, sizeBytes: number): Promise<URL | undefined> {
    if (!this.#parts.redirect || sizeBytes < REDIRECT_FROM_BYTES) return undefined;
    const { bucket, keys } = this.#parts.blobs;
    const query = { "response-content-type": "application/octet-stream" };
    return bucket.sender.presign(keys.blob(digest), ADDRESS_SECONDS, query);
  }

  async #requireBlob(digest: Digest): Promise<number> {
    const size = await this.blobSize(digest);
    if (size === undefined) throw ociErrors("blob.not-found", { digest, repository: this.name });
    return size;
  }

  async resolve(ref: string): Promise<Descriptor | undefined> {
    return (await this.#snapshot()).find(ref)?.descriptor;
  }

  async manifest(ref: string): Promise<Manifest | undefined> {
    const descriptor = await this.resolve(ref);
    if (descriptor === undefined) return undefined;
    const { digest, mediaType } = descriptor;
    let bytes = this.#parts.cache.get(digest);
    if (bytes === undefined) {
      bytes = await this.#parts.blobs.read(digest, MANIFEST_LIMIT_BYTES);
      if (bytes === undefined) throw ociErrors("oci.layout-damaged", { repository: this.name, reason: digest });
      this.#parts.cache.set(digest, bytes);
    }
    return { descriptor, bytes, mediaType };
  }

  async putManifest(
    bytes: Uint8Array,
    mediaType: string,
    tag?: string,
    options: PutManifestOptions = {},
  ): Promise<Descriptor> {
    const tags = [...(tag === undefined ? [] : [tag]), ...(options.tags ?? [])];
    for (const one of tags) {
      if (!isTag(one))
        throw ociErrors("reference.invalid", { reference: one.slice(0, 160), reason: "it is not a tag" });
    }
    const parsed = parseManifest(bytes, mediaType);
    const digest = manifestDigest(bytes, options.digest);
    const stored = storedManifest(parsed, digest, bytes.byteLength);
    let there: StoredBlob[] = [];
    await this.#change(async (snapshot) => {
      there = await this.#requireContent(parsed, snapshot, options.sparse === true);
      there.push(await this.putBlob(bytes, { digest, size: bytes.byteLength }));
      return snapshot.withManifest(stored, tags);
    });
    await this.#keep(there);
    return stored.descriptor;
  }

  /**
   * Another daemon may have let a blob go between our look and our write: the other half of `releaseBlob`.
   */
  async #keep(blobs: readonly StoredBlob[]): Promise<void> {
    await mapBounded(blobs, AT_ONCE, async (blob) => {
      if ((await this.blobSize(blob.digest)) === undefined) await this.#parts.blobs.admit(this.name, blob);
    });
  }

  /** Subjects may be missing (distribution-spec 1.1, "Pushing Manifests with Subject"); so may foreign layers. */
  async #requireContent(parsed: ParsedManifest, snapshot: Snapshot, isSparse: boolean): Promise<StoredBlob[]> {
    const missing = (digest: Digest): Error =>
      ociErrors("manifest.blob-missing", { digest, repository: this.name }, { details: { digest } });
    if (parsed.type === "index") {
      for (const { digest } of isSparse ? [] : parsed.manifest.manifests) {
        if (!snapshot.manifests.has(digest)) throw missing(digest);
      }
      return [];
    }
    const { config, layers } = parsed.manifest;
    const mayMiss = ({ urls }: Descriptor): boolean => isSparse || (urls !== undefined && urls.length > 0);
    const found = await mapBounded([config, ...layers], AT_ONCE, async (descriptor) => {
      const { digest, size } = descriptor;
      const actualBytes = await this.blobSize(digest);
      if (actualBytes === undefined && descriptor !== config && mayMiss(descriptor)) return undefined;
      if (actualBytes === undefined) throw missing(digest);
      if (actualBytes !== size) {
        throw ociErrors("manifest.invalid", { reason: `${digest} has ${actualBytes} bytes, not ${size}` });
      }
      return { digest, size };
    });
    return found.filter((blob) => blob !== undefined);
  }

  blobSize(digest: Digest): Promise<number | undefined> {
    return this.#parts.blobs.tell(this.name, digest);
  }

  async openBlob(digest: Digest, range?: ByteRange): Promise<Readable> {
    const sizeBytes = await this.#requireBlob(digest);
    const start = range?.start ?? 0;
    const end = Math.min(range?.end ?? sizeBytes - 1, sizeBytes - 1);
    if (range !== undefined && (start < 0 || start >= sizeBytes || end < start)) {
      throw ociErrors("blob.range-invalid", { sizeBytes });
    }
    const { bucket, keys } = this.#parts.blobs;
    return Readable.from(bucket.stream(keys.blob(digest), { start, end }), { objectMode: false });
  }

  async putBlob(source: Uint8Array | AsyncIterable<Uint8Array>, expected: ExpectedBlob = {}): Promise<StoredBlob> {
    const algorithm = expected.digest === undefined ? "sha256" : algorithmOf(expected.digest);
    if (source instanceof Uint8Array) {
      const blob = { digest: digestOf(source, algorithm), size: source.byteLength };
      requireExpected(blob, expected);
      if ((await this.blobSize(blob.digest)) === blob.size) return blob;
      if (blob.size <= WHOLE_BYTES) return this.#putWhole(source, blob);
    }
    const upload = await this.#parts.uploads.startUnnamed(this.name, algorithm);
    try {
      await upload.take(source instanceof Uint8Array ? once(source) : bounded(source, expected.size));
      const digest = upload.seenDigest();
      requireExpected({ digest, size: upload.offset }, expected);
      return await upload.commit(digest);
    } catch (error) {
      await upload.cancel();
      throw error;
    }
  }

  /** The content is written even if it is there: new content is what collection leaves alone. */
  async #putWhole(bytes: Uint8Array, blob: StoredBlob): Promise<StoredBlob> {
    const { blobs, observer } = this.#parts;
    await observer?.ready(this.name);
    const upload = `put ${blob.digest}`;
    try {
      observer?.receiving(this.name, upload, blob.size);
      await blobs.bucket.put(blobs.keys.blob(blob.digest), [bytes]);
      await blobs.admit(this.name, blob);
      if (!(await blobs.isPooled(blob))) await blobs.bucket.put(blobs.keys.blob(blob.digest), [bytes]);
      observer?.stored(this.name, blob.digest, blob.size);
    } finally {
      observer?.ended(this.name, upload);
    }
    return blob;
  }

  async mountBlob(digest: Digest, from: string): Promise<boolean> {
    const { blobs, observer } = this.#parts;
    const size = await blobs.sizeOf(from, digest);
    if (size === undefined) return false;
    if ((await this.blobSize(digest)) === size) return true;
    await observer?.ready(this.name);
    const mount = `mount ${digest}`;
    try {
      observer?.receiving(this.name, mount, size);
      await blobs.admit(this.name, { digest, size });
      if (!(await blobs.isPooled({ digest, size }))) {
        await blobs.release(this.name, digest);
        return false;
      }
      observer?.stored(this.name, digest, size);
      return true;
    } finally {
      observer?.ended(this.name, mount);
    }
  }

  async tags(): Promise<string[]> {
    return [...(await this.#snapshot()).tags.keys()].sort();
  }

  async deleteTag(tag: string): Promise<boolean> {
    let isThere = false;
    await this.#change((snapshot) => {
      isThere = snapshot.tags.has(tag);
      return isThere ? snapshot.withoutTag(tag) : snapshot;
    });
    return isThere;
  }

  async deleteManifest(digest: Digest): Promise<boolean> {
    let isThere = false;
    await this.#change((snapshot) => {
      const parent = snapshot.userOf(digest);
      if (parent !== undefined) throw ociErrors("manifest.in-use", { digest, parent }, { details: { parent } });
      isThere = snapshot.manifests.has(digest);
      return isThere ? snapshot.withoutManifest(digest) : snapshot;
    });
    if (isThere) await releaseBlob(this.#releaseOf(digest));
    return isThere;
  }

  #releaseOf(digest: Digest): Release {
    const { blobs, observer, index } = this.#parts;
    return { name: this.name, digest, blobs, observer, index: index(this.name) };
  }

  async deleteBlob(digest: Digest): Promise<boolean> {
    if ((await this.blobSize(digest)) === undefined) return false;
    const released = await releaseBlob(this.#releaseOf(digest));
    if ("isGone" in released) return true;
    const manifest = released.user;
    throw ociErrors("blob.in-use", { digest, manifest }, { details: { manifest } });
  }

  async referrers(digest: Digest, artifactType?: string): Promise<Descriptor[]> {
    const all = (await this.#snapshot()).referrersOf(digest);
    return all.filter((descriptor) => artifactType === undefined || descriptor.artifactType === artifactType);
  }

  blobs(): Promise<StoredBlob[]> {
    return this.#parts.blobs.membersOf(this.name);
  }

  async manifests(): Promise<ManifestFacts[]> {
    return [...(await this.#snapshot()).manifests.values()].map(({ descriptor, subject, isIndex, content }) => {
      return { descriptor, subject, isIndex, content };
    });
  }

  startUpload(algorithm?: DigestAlgorithm): Promise<Upload> {
    return this.#parts.uploads.start(this.name, algorithm);
  }

  resumeUpload(id: string): Promise<Upload | undefined> {
    return this.#parts.uploads.resume(this.name, id);
  }
}
