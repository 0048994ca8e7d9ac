// A repository of the content store.
import { algorithmOf, digestOf, type Digest, type DigestAlgorithm, type Log } from "@pratique/core";
import { open, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { Descriptor } from "../descriptor.schema.ts";
import { ociErrors } from "../errors.ts";
import { manifestDigest, parseManifest, type ParsedManifest } from "../manifest.schema.ts";
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
import { bounded, once, requireExpected } from "../expected-blob.ts";
import type { BlobPool } from "./blob-pool.ts";
import { readManifestFile, type Layout } from "./layout.ts";
import type { Leases } from "./leases.ts";
import { listBlobs } from "./list-blobs.ts";
import type { ManifestCache } from "./manifest-cache.ts";
import { readSpan } from "./read-file.ts";
import { storedManifest, type Snapshot } from "./snapshot.ts";
import { isMissing, storing } from "./storage-error.ts";
import { blobFile, repositoryDirectory } from "./store-paths.ts";
import type { UploadDirectory } from "./upload-directory.ts";

/** What the repositories of one store share. */
export interface StoreParts {
  readonly root: string;
  readonly pool: BlobPool;
  readonly uploads: UploadDirectory;
  readonly cache: ManifestCache;
  readonly leases: Leases;
  readonly log: Log;
  readonly observer: StoreObserver | undefined;
  /** The layout, once it has something in it; `make` brings it into being. */
  layout(name: string, make: boolean): Promise<Layout | undefined>;
}

export class StoreRepository implements LocalRepository {
  readonly name: string;
  readonly origin: string;
  readonly #parts: StoreParts;
  readonly #directory: string;

  constructor(name: string, parts: StoreParts) {
    this.name = name;
    this.origin = `store:${parts.root}`;
    this.#parts = parts;
    this.#directory = repositoryDirectory(parts.root, name);
  }

  async #snapshot(): Promise<Snapshot | undefined> {
    return (await this.#parts.layout(this.name, false))?.snapshot;
  }

  async #change(change: (snapshot: Snapshot) => Promise<Snapshot> | Snapshot): Promise<void> {
    const layout = await this.#parts.layout(this.name, true);
    await layout?.update(change);
  }

  async exists(): Promise<boolean> {
    return (await fileSize(join(this.#directory, "blobs"))) !== undefined;
  }

  blobPath(digest: Digest): string {
    return blobFile(this.#directory, digest);
  }

  async localFile(digest: Digest): Promise<LocalFile> {
    if ((await this.blobSize(digest)) === undefined)
      throw ociErrors("blob.not-found", { digest, repository: this.name });
    return { path: this.blobPath(digest), release: () => undefined };
  }

  async blobAddress(): Promise<undefined> {
    return undefined;
  }

  async resolve(ref: string): Promise<Descriptor | undefined> {
    return (await this.#snapshot())?.find(ref)?.descriptor;
  }

  async manifest(ref: string): Promise<Manifest | undefined> {
    const descriptor = await this.resolve(ref);
    if (descriptor === undefined) return undefined;
    const { digest, mediaType } = descriptor;
    let bytes = this.#parts.cache.get(digest);
    if (bytes === undefined) {
      const path = this.blobPath(digest);
      bytes = await storing(path, () => readManifestFile(path, digest));
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
    await this.#change(async (snapshot) => {
      await this.#requireContent(parsed, snapshot, options.sparse === true);
      await this.putBlob(bytes, { digest, size: bytes.byteLength });
      return snapshot.withManifest(stored, tags);
    });
    return stored.descriptor;
  }

  /** Subjects may be missing (distribution-spec 1.1, "Pushing Manifests with Subject"); so may foreign layers. */
  async #requireContent(parsed: ParsedManifest, snapshot: Snapshot, isSparse: boolean): Promise<void> {
    const missing = (digest: Digest): Error =>
      ociErrors("manifest.blob-missing", { digest, repository: this.name }, { details: { digest } });
    if (parsed.type === "index") {
      for (const { digest } of isSparse ? [] : parsed.manifest.manifests) {
        if (!snapshot.manifests.has(digest)) throw missing(digest);
      }
      return;
    }
    const { config, layers } = parsed.manifest;
    const mayMiss = ({ urls }: Descriptor): boolean => isSparse || (urls !== undefined && urls.length > 0);
    for (const descriptor of [config, ...layers]) {
      const { digest, size } = descriptor;
      const actualBytes = await this.blobSize(digest);
      if (actualBytes === undefined && descriptor !== config && mayMiss(descriptor)) continue;
      if (actualBytes === undefined) throw missing(digest);
      if (actualBytes !== size) {
        throw ociErrors("manifest.invalid", { reason: `${digest} has ${actualBytes} bytes, not ${size}` });
      }
    }
  }

  /** Whoever is told that it is there may push a manifest that needs it. */
  async blobSize(digest: Digest): Promise<number | undefined> {
    return this.#parts.leases.grant(this.name, digest, () => fileSize(this.blobPath(digest)));
  }

  async openBlob(digest: Digest, range?: ByteRange): Promise<Readable> {
    const sizeBytes = await this.blobSize(digest);
    if (sizeBytes === undefined) throw ociErrors("blob.not-found", { digest, repository: this.name });
    const start = range?.start ?? 0;
    const end = Math.min(range?.end ?? sizeBytes - 1, sizeBytes - 1);
    if (range !== undefined && (start < 0 || start >= sizeBytes || end < start)) {
      throw ociErrors("blob.range-invalid", { sizeBytes });
    }
    const path = this.blobPath(digest);
    return storing(path, () => readSpan(path, start, end + 1));
  }

  async putBlob(source: Uint8Array | AsyncIterable<Uint8Array>, expected: ExpectedBlob = {}): Promise<StoredBlob> {
    const algorithm = expected.digest === undefined ? "sha256" : algorithmOf(expected.digest);
    if (source instanceof Uint8Array) {
      const digest = digestOf(source, algorithm);
      const size = source.byteLength;
      requireExpected({ digest, size }, expected);
      if ((await this.blobSize(digest)) === size) return { digest, size };
    }
    const upload = await this.#parts.uploads.start(this.#owner(), algorithm);
    try {
      await upload.append(source instanceof Uint8Array ? once(source) : bounded(source, expected.size));
      const digest = await upload.digest();
      requireExpected({ digest, size: upload.offset }, expected);
      return await upload.commit(digest);
    } catch (error) {
      await upload.cancel();
      throw error;
    }
  }

  takeFile(path: string, { digest, size }: StoredBlob): Promise<void> {
    const { leases, observer, pool } = this.#parts;
    const taking = `file ${digest}`;
    return leases.grant(this.name, digest, async () => {
      await observer?.ready(this.name);
      try {
        if ((await fileSize(this.blobPath(digest))) === undefined) observer?.receiving(this.name, taking, size);
        await storing(path, async () => {
          const file = await open(path, "r");
          await file.datasync().finally(() => file.close());
          await pool.adopt(path, digest, size, this.blobPath(digest));
        });
        observer?.stored(this.name, digest, size);
      } finally {
        observer?.ended(this.name, taking);
      }
    });
  }

  mountBlob(digest: Digest, from: string): Promise<boolean> {
    return this.#parts.leases.grant(this.name, digest, () => this.#mount(digest, from));
  }

  async #mount(digest: Digest, from: string): Promise<boolean> {
    const source = blobFile(repositoryDirectory(this.#parts.root, from), digest);
    const target = this.blobPath(digest);
    const { observer, pool } = this.#parts;
    if (observer === undefined) return storing(target, () => pool.share(source, target));
    await observer.ready(this.name);
    const size = await fileSize(source);
    if (size === undefined) return false;
    const mount = `mount ${digest}`;
    try {
      if ((await fileSize(target)) === undefined) observer.receiving(this.name, mount, size);
      const isShared = await storing(target, () => pool.share(source, target));
      if (isShared) observer.stored(this.name, digest, size);
      return isShared;
    } finally {
      observer.ended(this.name, mount);
    }
  }

  async tags(): Promise<string[]> {
    return [...((await this.#snapshot())?.tags.keys() ?? [])].sort();
  }

  async deleteTag(tag: string): Promise<boolean> {
    if ((await this.#snapshot())?.tags.has(tag) !== true) return this.#forget(tag);
    let isThere = false;
    await this.#change((snapshot) => {
      isThere = snapshot.tags.has(tag);
      return isThere ? snapshot.withoutTag(tag) : snapshot;
    });
    return isThere;
  }

  async deleteManifest(digest: Digest): Promise<boolean> {
    if ((await this.#snapshot())?.manifests.has(digest) !== true) return this.#forget(digest);
    let isThere = false;
    await this.#change((snapshot) => {
      const parent = snapshot.userOf(digest);
      if (parent !== undefined) throw ociErrors("manifest.in-use", { digest, parent }, { details: { parent } });
      isThere = snapshot.manifests.has(digest);
      return isThere ? snapshot.withoutManifest(digest) : snapshot;
    });
    if (isThere) await this.#release(digest);
    return isThere;
  }

  /** What is listed and cannot be read can be deleted, too. */
  async #forget(ref: string): Promise<boolean> {
    return (await (await this.#parts.layout(this.name, false))?.forget(ref)) ?? false;
  }

  async deleteBlob(digest: Digest): Promise<boolean> {
    if ((await this.blobSize(digest)) === undefined) return false;
    await this.#release(digest, true);
    return true;
  }

  /** Removes a blob's file unless a manifest needs it; in line with the changes, so that none comes to need it. */
  async #release(digest: Digest, mustGo = false): Promise<void> {
    await this.#change(async (snapshot) => {
      const manifest = snapshot.manifests.has(digest) ? digest : snapshot.userOf(digest);
      if (manifest !== undefined && mustGo)
        throw ociErrors("blob.in-use", { digest, manifest }, { details: { manifest } });
      const path = this.blobPath(digest);
      if (manifest === undefined) {
        await storing(path, () => this.#parts.pool.release(digest, path));
        this.#parts.observer?.released(this.name, digest);
      }
      return snapshot;
    });
  }

  async referrers(digest: Digest, artifactType?: string): Promise<Descriptor[]> {
    const all = (await this.#snapshot())?.referrersOf(digest) ?? [];
    return all.filter((descriptor) => artifactType === undefined || descriptor.artifactType === artifactType);
  }

  async blobs(): Promise<StoredBlob[]> {
    return listBlobs(this.#directory);
  }

  async manifests(): Promise<ManifestFacts[]> {
    const snapshot = await this.#snapshot();
    return [...(snapshot?.manifests.values() ?? [])].map(({ descriptor, subject, isIndex, content }) => {
      return { descriptor, subject, isIndex, content };
    });
  }

  #owner(): { name: string; target: (digest: Digest) => string } {
    return { name: this.name, target: (digest) => this.blobPath(digest) };
  }

  startUpload(algorithm?: DigestAlgorithm): Promise<Upload> {
    return this.#parts.uploads.start(this.#owner(), algorithm);
  }

  fillBlob(blob: StoredBlob, fill: (path: string) => Promise<void>): Promise<void> {
    return this.#parts.uploads.take(this.#owner(), blob, fill);
  }

  resumeUpload(id: string): Promise<Upload | undefined> {
    return this.#parts.uploads.resume(this.#owner(), id);
  }
}

async function fileSize(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
