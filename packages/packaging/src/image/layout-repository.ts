// An OCI image layout as a repository to copy from: blobs by digest, and an index.json that says what there is.
import { isDigest, readBounded, type Digest } from "@pratique/core";
import {
  ImageIndex,
  isIndexMediaType,
  isManifestMediaType,
  MANIFEST_LIMIT_BYTES,
  MEDIA_TYPES,
  ociErrors,
  parseManifest,
  referrerDescriptor,
  type ByteRange,
  type Descriptor,
  type Manifest,
  type PutManifestOptions,
  type Repository,
  type StoredBlob,
} from "@pratique/oci";
import type { Readable } from "node:stream";
import { packagingErrors } from "../errors.ts";

/** Where the blobs of a layout lie. */
export interface BlobSource {
  /** Blobs of equal origin can be linked instead of copied. */
  readonly origin?: string;
  /** The repository to mount from, when there is an origin. */
  readonly name: string;
  blobSize(digest: Digest): Promise<number | undefined>;
  openBlob(digest: Digest, range?: ByteRange): Promise<Readable>;
}

/** Manifests that referrers are looked for in. */
const MANIFESTS_LIMIT = 10_000;

/** Read only: whatever would change it is refused. */
export class LayoutRepository implements Repository {
  readonly name: string;
  readonly origin?: string;
  readonly #blobs: BlobSource;
  readonly #listed: readonly Descriptor[];
  /** Digest of a subject → what refers to it. */
  #referrers: Map<string, Descriptor[]> | undefined;

  constructor(blobs: BlobSource, listed: readonly Descriptor[]) {
    this.name = blobs.name;
    if (blobs.origin !== undefined) this.origin = blobs.origin;
    this.#blobs = blobs;
    this.#listed = listed;
  }

  async resolve(ref: string): Promise<Descriptor | undefined> {
    return (await this.manifest(ref))?.descriptor;
  }

  async manifest(ref: string): Promise<Manifest | undefined> {
    if (!isDigest(ref)) return undefined;
    const size = await this.#blobs.blobSize(ref);
    if (size === undefined) return undefined;
    if (size > MANIFEST_LIMIT_BYTES) throw ociErrors("manifest.too-large", { limitBytes: MANIFEST_LIMIT_BYTES });
    const bytes = await readBounded(await this.#blobs.openBlob(ref), MANIFEST_LIMIT_BYTES, "the manifest");
    const listed = this.#listed.find(({ digest }) => digest === ref)?.mediaType;
    const mediaType = listed !== undefined && isManifestMediaType(listed) ? listed : mediaTypeOf(bytes);
    return { descriptor: { mediaType, digest: ref, size }, bytes, mediaType };
  }

  blobSize(digest: Digest): Promise<number | undefined> {
    return this.#blobs.blobSize(digest);
  }

  openBlob(digest: Digest, range?: ByteRange): Promise<Readable> {
    return this.#blobs.openBlob(digest, range);
  }

  async tags(): Promise<string[]> {
    return [];
  }

  async referrers(digest: Digest, artifactType?: string): Promise<Descriptor[]> {
    this.#referrers ??= await this.#findReferrers();
    const all = this.#referrers.get(digest) ?? [];
    return all.filter((one) => artifactType === undefined || one.artifactType === artifactType);
  }

  /** A layout has no referrers API: every manifest it lists is read (image-spec, image-layout.md). */
  async #findReferrers(): Promise<Map<string, Descriptor[]>> {
    const found = new Map<string, Descriptor[]>();
    for (const { digest } of this.#listed.slice(0, MANIFESTS_LIMIT)) {
      const manifest = await this.manifest(digest);
      if (manifest === undefined) continue;
      const parsed = parseManifest(manifest.bytes, manifest.mediaType);
      const subject = parsed.manifest.subject?.digest;
      if (subject === undefined) continue;
      const list = found.get(subject) ?? [];
      found.set(subject, [...list, referrerDescriptor(parsed, digest, manifest.bytes.byteLength)]);
    }
    return found;
  }

  putManifest(_bytes: Uint8Array, _type: string, _tag?: string, _options?: PutManifestOptions): Promise<Descriptor> {
    return Promise.reject(readOnly());
  }
  putBlob(): Promise<StoredBlob> {
    return Promise.reject(readOnly());
  }
  mountBlob(): Promise<boolean> {
    return Promise.resolve(false);
  }
  deleteTag(): Promise<boolean> {
    return Promise.reject(readOnly());
  }
  deleteManifest(): Promise<boolean> {
    return Promise.reject(readOnly());
  }
  deleteBlob(): Promise<boolean> {
    return Promise.reject(readOnly());
  }
}

function readOnly(): Error {
  return new Error("an image layout that is imported is only read");
}

/** What a manifest says of itself; without that, what it has inside. */
function mediaTypeOf(bytes: Buffer): string {
  const json: unknown = parse(bytes);
  const index = ImageIndex.safeParse(json);
  const stated = typeof json === "object" && json !== null && "mediaType" in json ? json.mediaType : undefined;
  if (typeof stated === "string" && isManifestMediaType(stated)) return stated;
  return index.success ? MEDIA_TYPES.imageIndex : MEDIA_TYPES.imageManifest;
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return undefined;
  }
}

/** Parses an index.json. @throws `image.not-an-archive` */
export function parseIndexFile(bytes: Buffer, path: string): Descriptor[] {
  const result = ImageIndex.safeParse(parse(bytes));
  if (!result.success) throw packagingErrors("image.not-an-archive", { path, reason: "its index.json is none" });
  return result.data.manifests.filter(({ mediaType }) => isManifestMediaType(mediaType) || isIndexMediaType(mediaType));
}
