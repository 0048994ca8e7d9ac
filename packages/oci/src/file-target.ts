// A repository, here or in a registry, as what is packed goes into it: files that it has are not even read.
import { algorithmOf, digestOf, type Digest, type DigestAlgorithm } from "@pratique/core";
import { Readable } from "node:stream";
import type { Descriptor } from "./descriptor.schema.ts";
import { fileIdentity, type DigestCache } from "./digest-cache.ts";
import { ociErrors } from "./errors.ts";
import { parseManifest } from "./manifest.schema.ts";
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
import { Slots } from "./s3/slots.ts";

const READ_BYTES = 256 * 1024;
/** Larger ones are not kept in memory until their manifest comes. */
const HELD_BYTES = 4 * 1024 * 1024;
const AT_ONCE = 4;

/**
 * Whoever packs needs to know neither where it goes nor what is there. What has a digest already is asked for and sent
 * only when a manifest needs it, side by side; a manifest or tag that is there as it should be is not sent again.
 */
export function fileTarget(
  repository: Repository,
  cache: DigestCache,
  onBytes?: (sizeBytes: number) => void,
  /** What is packed will be called so: whether it is already is asked together with the rest. */
  tag?: string,
): LocalRepository {
  return new FileTarget(repository, cache, { onBytes, tag });
}

interface Held {
  readonly sizeBytes: number;
  readonly bytes?: Uint8Array;
  readonly send: () => Promise<unknown>;
}

class FileTarget implements LocalRepository {
  readonly name: string;
  readonly origin: string;
  readonly #inner: Repository;
  readonly #cache: DigestCache;
  readonly #onBytes: ((sizeBytes: number) => void) | undefined;
  readonly #tag: string | undefined;
  /** What this target was given, also files too young for the cache. */
  readonly #given = new Map<string, StoredBlob>();
  /** Blobs that are wanted and not yet looked for. */
  readonly #held = new Map<Digest, Held>();
  /** Manifests and tags that are known to be there. */
  readonly #there = new Set<string>();
  readonly #slots = new Slots(AT_ONCE);

  constructor(
    inner: Repository,
    cache: DigestCache,
    { onBytes, tag }: { readonly onBytes: ((sizeBytes: number) => void) | undefined; readonly tag: string | undefined },
  ) {
    this.#tag = tag;
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

  async #known(stats: Parameters<DigestCache["find"]>[0], source: FileSource): Promise<StoredBlob | undefined> {
    const { sizeBytes } = source;
    const digest = await this.#cache.find(stats);
    if (digest === undefined) return undefined;
    this.#held.set(digest, { sizeBytes, send: () => this.#send({ ...source, digest }) });
    return { digest, size: sizeBytes };
  }

  /** Sends of what is held what the repository does not have. */
  async #settle(wanted: readonly Digest[] = [...this.#held.keys()]): Promise<void> {
    const ends = await Promise.allSettled(
      wanted.map(async (digest) => {
        const held = this.#held.get(digest);
        if (held === undefined) return;
        this.#held.delete(digest);
        const giveBack = await this.#slots.take();
        try {
          if ((await this.#inner.blobSize(digest)) !== held.sizeBytes) await held.send();
        } finally {
          giveBack();
        }
      }),
    );
    for (const end of ends) if (end.status === "rejected") throw end.reason;
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

  async putManifest(
    bytes: Uint8Array,
    mediaType: string,
    tag?: string,
    options: PutManifestOptions = {},
  ): Promise<Descriptor> {
    const digest = options.digest ?? digestOf(bytes);
    const descriptor = { mediaType, digest, size: bytes.byteLength };
    const name = tag === undefined ? digest : `${tag} ${digest}`;
    if (this.#there.has(name) && this.#held.size === 0 && options.tags === undefined) return descriptor;
    const isThere = options.tags === undefined && (await this.#isThere(digest, tag));
    // A registry takes no manifest without what it names: where one is, nothing is looked for. Here, where it costs
    // nothing, it is: what was lost from the disk comes back.
    if (isThere && this.#local() === undefined) this.#forget(bytes, mediaType);
    else await this.#settle();
    if (isThere) return descriptor;
    const put = await this.#inner.putManifest(bytes, mediaType, tag, options);
    this.#there.add(digest).add(name);
    return put;
  }

  /** True when it is there, and named so. What cannot be asked is sent, and fails by itself. */
  async #isThere(digest: Digest, tag: string | undefined): Promise<boolean> {
    const refs = tag === undefined ? [digest, ...(this.#tag === undefined ? [] : [this.#tag])] : [tag];
    const found = await Promise.allSettled(refs.map((ref) => this.#inner.resolve(ref)));
    const has = (at: number): boolean => {
      const one = found[at];
      return one?.status === "fulfilled" && one.value?.digest === digest;
    };
    if (has(0)) this.#there.add(tag === undefined ? digest : `${tag} ${digest}`);
    if (tag === undefined && has(1)) this.#there.add(`${this.#tag} ${digest}`);
    return has(0);
  }

  /** What a manifest names and is there with it need not be looked for. */
  #forget(bytes: Uint8Array, mediaType: string): void {
    const parsed = parseManifest(bytes, mediaType);
    if (parsed.type !== "image") return;
    for (const { digest } of [parsed.manifest.config, ...parsed.manifest.layers]) this.#held.delete(digest as Digest);
  }

  async blobSize(digest: Digest): Promise<number | undefined> {
    return this.#held.get(digest)?.sizeBytes ?? this.#inner.blobSize(digest);
  }

  async openBlob(digest: Digest, range?: ByteRange): Promise<Readable> {
    const bytes = this.#held.get(digest)?.bytes;
    if (bytes !== undefined) return Readable.from([bytes.subarray(range?.start ?? 0, (range?.end ?? Infinity) + 1)]);
    await this.#settle([digest]);
    return this.#inner.openBlob(digest, range);
  }

  async putBlob(source: Uint8Array | AsyncIterable<Uint8Array>, expected: ExpectedBlob = {}): Promise<StoredBlob> {
    if (!(source instanceof Uint8Array) || source.byteLength > HELD_BYTES) return this.#inner.putBlob(source, expected);
    const digest = digestOf(source, expected.digest === undefined ? "sha256" : algorithmOf(expected.digest));
    const sizeBytes = source.byteLength;
    if ((expected.digest ?? digest) !== digest || (expected.size ?? sizeBytes) !== sizeBytes) {
      // Refused, in the repository's own words.
      return this.#inner.putBlob(source, expected);
    }
    const send = (): Promise<unknown> => this.#inner.putBlob(source, { digest, size: sizeBytes });
    this.#held.set(digest, { sizeBytes, bytes: source, send });
    return { digest, size: sizeBytes };
  }

  mountBlob(digest: Digest, from: string): Promise<boolean> {
    return this.#inner.mountBlob(digest, from);
  }

  tags(): Promise<string[]> {
    return this.#inner.tags();
  }

  deleteTag(tag: string): Promise<boolean> {
    this.#there.clear();
    return this.#inner.deleteTag(tag);
  }

  deleteManifest(digest: Digest): Promise<boolean> {
    this.#there.clear();
    return this.#inner.deleteManifest(digest);
  }

  deleteBlob(digest: Digest): Promise<boolean> {
    return this.#inner.deleteBlob(digest);
  }

  referrers(digest: Digest, artifactType?: string): Promise<Descriptor[]> {
    return this.#inner.referrers(digest, artifactType);
  }

  async fetchBlob(blob: StoredBlob, path: string, options?: FetchOptions): Promise<void> {
    await this.#settle([blob.digest]);
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
    await this.#settle([digest]);
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
