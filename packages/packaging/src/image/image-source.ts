// Images from outside a registry: an OCI layout in a directory, or an archive as `podman save`, `docker save` and skopeo write them.
import { isDigest, readBounded, type Digest } from "@pratique/core";
import { MEDIA_TYPES, type Descriptor, type LocalRepository, type Repository } from "@pratique/oci";
import { createReadStream } from "node:fs";
import { lstat, open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { createZstdDecompress } from "node:zlib";
import { gunzipStream } from "../archive/gzip.ts";
import { readTar } from "../archive/tar-reader.ts";
import { packagingErrors } from "../errors.ts";
import { dockerImages, type ArchiveFile } from "./docker-archive.ts";
import { LayoutRepository, parseIndexFile, type BlobSource } from "./layout-repository.ts";

/** An image or artifact in an archive or layout. */
export interface FoundImage {
  /** As the archive names it: a tag, `repository:tag`, a whole reference, or nothing. */
  readonly name: string | undefined;
  readonly descriptor: Descriptor;
}

export interface ImageSource {
  /** To copy from, by digest. */
  readonly repository: Repository;
  readonly images: readonly FoundImage[];
  /** Blobs in the staging repository that are only needed until the images are copied. */
  close(): Promise<void>;
}

const LIMITS = { maxEntries: 200_000, maxBytes: 2 ** 42 } as const;
const LIMIT_JSON = 16 * 1024 * 1024;
const BLOB = /^blobs\/(sha256|sha512)\/([0-9a-f]+)$/;
const NAME = "org.opencontainers.image.ref.name";
const FULL_NAME = "io.containerd.image.name";
const REPOSITORY_NAME = "dev.pratique.repository";

/**
 * Opens a layout or an archive (plain, gzip or zstd). An archive's blobs go into `staging`, checked against their
 * digests on the way; nothing is written beside the store.
 * @throws `image.not-an-archive`, `archive.*`, `digest.mismatch`
 */
export async function openImageSource(path: string, staging: LocalRepository): Promise<ImageSource> {
  const status = await lstat(path).catch((cause: unknown) => {
    throw packagingErrors("image.not-an-archive", { path, reason: "there is no such file" }, { cause });
  });
  if (status.isDirectory()) return openLayout(path);
  if (!status.isFile()) throw packagingErrors("image.not-an-archive", { path, reason: "it is no plain file" });
  const staged = new Set<Digest>();
  const close = async (): Promise<void> => {
    for (const digest of staged) await staging.deleteBlob(digest);
  };
  try {
    return { ...(await stageArchive(path, staging, staged)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openLayout(directory: string): Promise<ImageSource> {
  const index = await readFile(join(directory, "index.json")).catch((cause: unknown) => {
    throw packagingErrors("image.not-an-archive", { path: directory, reason: "it has no index.json" }, { cause });
  });
  const listed = parseIndexFile(index, directory);
  const repository = new LayoutRepository(directoryBlobs(directory), listed);
  return { repository, images: listed.map(namedImage), close: async () => undefined };
}

/** A layout's blobs as files; links are not followed. */
function directoryBlobs(directory: string): BlobSource {
  const fileOf = (digest: Digest): string => join(directory, "blobs", ...digest.split(":"));
  return {
    name: directory,
    async blobSize(digest) {
      const status = await lstat(fileOf(digest)).catch(() => undefined);
      return status?.isFile() === true ? status.size : undefined;
    },
    async openBlob(digest, range) {
      if ((await this.blobSize(digest)) === undefined) throw packagingErrors("image.blob-missing", { digest });
      return createReadStream(fileOf(digest), range === undefined ? {} : { start: range.start, end: range.end });
    },
  };
}

async function stageArchive(
  path: string,
  staging: LocalRepository,
  staged: Set<Digest>,
): Promise<Omit<ImageSource, "close">> {
  const files = new Map<string, ArchiveFile>();
  let index: Buffer | undefined;
  let docker: Buffer | undefined;
  for await (const entry of readTar(await archiveBytes(path), LIMITS, { symlinks: true })) {
    if (entry.type === "symlink") files.set(entry.path, { type: "link", target: entry.target });
    if (entry.type !== "file") continue;
    if (entry.path === "index.json") index = await readBounded(entry.body, LIMIT_JSON, "index.json");
    else if (entry.path === "manifest.json") docker = await readBounded(entry.body, LIMIT_JSON, "manifest.json");
    else if (isContent(entry.path)) {
      const named = BLOB.exec(entry.path);
      const digest = named === null ? undefined : `${named[1]}:${named[2]}`;
      if (digest !== undefined && !isDigest(digest)) continue;
      const stored = await staging.putBlob(entry.body, { size: entry.size, digest });
      staged.add(stored.digest);
      files.set(entry.path, { type: "blob", ...stored });
    }
  }
  if (index !== undefined) {
    const listed = parseIndexFile(index, path);
    return { repository: new LayoutRepository(staging, listed), images: listed.map(namedImage) };
  }
  if (docker === undefined) {
    throw packagingErrors("image.not-an-archive", { path, reason: "it has neither index.json nor manifest.json" });
  }
  const images: FoundImage[] = [];
  const listed: Descriptor[] = [];
  for (const { names, bytes } of await dockerImages(docker, files, staging, path)) {
    const stored = await staging.putBlob(bytes);
    staged.add(stored.digest);
    const descriptor = { mediaType: MEDIA_TYPES.imageManifest, ...stored };
    listed.push(descriptor);
    for (const name of names.length === 0 ? [undefined] : names) images.push({ name, descriptor });
  }
  return { repository: new LayoutRepository(staging, listed), images };
}

/** Blobs of a layout, and what `docker save` writes: `<id>.json`, `<id>/layer.tar`. */
function isContent(path: string): boolean {
  return BLOB.test(path) || /^[^/]+\.(?:json|tar)$/.test(path) || /^[^/]+\/layer\.tar$/.test(path);
}

async function archiveBytes(path: string): Promise<AsyncIterable<Uint8Array>> {
  const file = await open(path, "r");
  const magic = Buffer.alloc(4);
  await file.read(magic, 0, 4, 0);
  const bytes = file.createReadStream({ start: 0, highWaterMark: 1024 * 1024 });
  if (magic[0] === 0x1f && magic[1] === 0x8b) return gunzipStream(bytes);
  if (magic.readUInt32LE(0) === 0xfd2fb528) {
    const unzstd = createZstdDecompress();
    bytes.on("error", (error) => unzstd.destroy(error));
    return bytes.pipe(unzstd);
  }
  return bytes;
}

function namedImage(descriptor: Descriptor): FoundImage {
  const { annotations = {} } = descriptor;
  return { name: annotations[REPOSITORY_NAME] ?? annotations[FULL_NAME] ?? annotations[NAME], descriptor };
}
