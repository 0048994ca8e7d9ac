// A repository, here or in a registry, as what is packed goes into it: files that it has are not even read.
import type { Digest, DigestAlgorithm } from "@pratique/core";
import type { Readable } from "node:stream";
import type { Descriptor } from "./descriptor.schema.ts";
import { fileIdentity, type DigestCache } from "./digest-cache.ts";
import { ociErrors } from "./errors.ts";
import type {
  ByteRange,
  ExpectedBlob,
  FetchOptions,
  FileSource,
  LocalFile,
  LocalRepository,
  Manifest,
  ManifestFacts,
  PutManifestOptions,
  Repository,
  StoredBlob,
  Upload,
} from "./repository.ts";

const READ_BYTES = 256 * 1024;

/** Whoever packs needs to know neither where it goes nor what is there. */
export function fileTarget(
  repository: Repository,
  cache: DigestCache,
  onBytes?: (sizeBytes: number) => void,
): LocalRepository {
  return new FileTarget(repository, cache, onBytes);
}

class FileTarget implements LocalRepository {
  readonly name: string;
  readonly origin: string;
  readonly #inner: Repository;
  readonly #cache: DigestCache;
  readonly #onBytes: ((sizeBytes: number) => void) | undefined;
  /** What this target was given, also files too young for the cache. */
  readonly #given = new Map<string, StoredBlob>();

  constructor(inner: Repository, cache: DigestCache, onBytes: ((sizeBytes: number) => void) | undefined) {
    this.name = inner.name;
    this.origin = inner.origin ?? `target:${inner.name}`;
    this.#inner = inner;
    this.#cache = cache;
    this.#onBytes = onBytes;
  }

  async putFile(source: FileSource): Promise<StoredBlob> {
    const file = await source.open();
    try {
      const before = await file.stat({ bigint: true });
      const given = this.#given.get(fileIdentity(before));
      if (given !== undefined) return given;
      const stored = (await this.#known(before, source)) ?? (await this.#send(source));
      const after = await file.stat({ bigint: true });
      if (fileIdentity(after) !== fileIdentity(before)) {
        throw ociErrors("file.changed", {}, { details: { digest: stored.digest } });
      }
      await this.#cache.remember(after, stored.digest);
      this.#given.set(fileIdentity(after), stored);
      return stored;
    } finally {
      await file.close();
    }
  }

  async #known(stats: Parameters<DigestCache["find"]>[0], { sizeBytes }: FileSource): Promise<StoredBlob | undefined> {
    const digest = await this.#cache.find(stats);
    if (digest === undefined || (await this.#inner.blobSize(digest)) !== sizeBytes) return undefined;
    return { digest, size: sizeBytes };
  }

  async #send(source: FileSource): Promise<StoredBlob> {
    let told = 0;
    const onProgress = (sizeBytes: number): void => {
      if (sizeBytes > told) this.#onBytes?.(sizeBytes - told);
      told = Math.max(told, sizeBytes);
      source.onProgress?.(sizeBytes);
    };
    if (this.#inner.putFile !== undefined) return this.#inner.putFile({ ...source, onProgress });
    const { digest, sizeBytes: size } = source;
    return this.#inner.putBlob(readAll(source, onProgress), { digest, size });
  }

  resolve(ref: string): Promise<Descriptor | undefined> {
    return this.#inner.resolve(ref);
  }

  manifest(ref: string): Promise<Manifest | undefined> {
    return this.#inner.manifest(ref);
  }

  putManifest(bytes: Uint8Array, mediaType: string, tag?: string, options?: PutManifestOptions): Promise<Descriptor> {
    return this.#inner.putManifest(bytes, mediaType, tag, options);
  }

  blobSize(digest: Digest): Promise<number | undefined> {
    return this.#inner.blobSize(digest);
  }

  openBlob(digest: Digest, range?: ByteRange): Promise<Readable> {
    return this.#inner.openBlob(digest, range);
  }

  putBlob(source: Uint8Array | AsyncIterable<Uint8Array>, expected?: ExpectedBlob): Promise<StoredBlob> {
    return this.#inner.putBlob(source, expected);
  }

  mountBlob(digest: Digest, from: string): Promise<boolean> {
    return this.#inner.mountBlob(digest, from);
  }

  tags(): Promise<string[]> {
    return this.#inner.tags();
  }

  deleteTag(tag: string): Promise<boolean> {
    return this.#inner.deleteTag(tag);
  }

  deleteManifest(digest: Digest): Promise<boolean> {
    return this.#inner.deleteManifest(digest);
  }

  deleteBlob(digest: Digest): Promise<boolean> {
    return this.#inner.deleteBlob(digest);
  }

  referrers(digest: Digest, artifactType?: string): Promise<Descriptor[]> {
    return this.#inner.referrers(digest, artifactType);
  }

  async fetchBlob(blob: StoredBlob, path: string, options?: FetchOptions): Promise<void> {
    if (this.#inner.fetchBlob === undefined) throw this.#notHere();
    await this.#inner.fetchBlob(blob, path, options);
  }

  async exists(): Promise<boolean> {
    return this.#local()?.exists() ?? true;
  }

  blobPath(digest: Digest): string | undefined {
    return this.#local()?.blobPath(digest);
  }

  async localFile(digest: Digest): Promise<LocalFile> {
    return this.#here().localFile(digest);
  }

  async blobAddress(digest: Digest, sizeBytes: number): Promise<URL | undefined> {
    return this.#local()?.blobAddress(digest, sizeBytes);
  }

  async startUpload(algorithm?: DigestAlgorithm): Promise<Upload> {
    return this.#here().startUpload(algorithm);
  }

  async resumeUpload(id: string): Promise<Upload | undefined> {
    return this.#here().resumeUpload(id);
  }

  async blobs(): Promise<StoredBlob[]> {
    return this.#here().blobs();
  }

  async manifests(): Promise<ManifestFacts[]> {
    return this.#here().manifests();
  }

  #local(): LocalRepository | undefined {
    return "localFile" in this.#inner ? (this.#inner as LocalRepository) : undefined;
  }

  #here(): LocalRepository {
    const local = this.#local();
    if (local === undefined) throw this.#notHere();
    return local;
  }

  #notHere(): Error {
    return ociErrors("repository.not-here", { repository: this.name });
  }
}

async function* readAll(source: FileSource, onBytes: (sizeBytes: number) => void): AsyncGenerator<Uint8Array> {
  const file = await source.open();
  try {
    let sizeBytes = 0;
    for await (const chunk of file.createReadStream({ autoClose: false, highWaterMark: READ_BYTES })) {
      const bytes: unknown = chunk;
      if (!(bytes instanceof Uint8Array)) continue;
      yield bytes;
      onBytes((sizeBytes += bytes.byteLength));
    }
  } finally {
    await file.close();
  }
}
