// `docker save` and `docker-archive:`: a manifest.json that names a config and layers, which become an OCI manifest.
import { isJsonObject, parseJson, readBounded, type Digest } from "@pratique/core";
import { MEDIA_TYPES, type LocalRepository } from "@pratique/oci";
import { z } from "zod";
import { packagingErrors } from "../errors.ts";

export type ArchiveFile =
  | { readonly type: "blob"; readonly digest: Digest; readonly size: number }
  | { readonly type: "link"; readonly target: string };

export interface DockerImage {
  readonly names: readonly string[];
  /** The OCI manifest. */
  readonly bytes: Buffer;
}

const Manifests = z
  .array(
    z.looseObject({
      Config: z.string().max(512),
      RepoTags: z.array(z.string().max(512)).max(1000).nullish(),
      Layers: z.array(z.string().max(512)).max(1000),
    }),
  )
  .max(1000);
const LIMIT_CONFIG = 4 * 1024 * 1024;
const GZIP_MAGIC = Buffer.from([0x1f, 0x8b]);

/** @throws `image.not-an-archive` when a part is missing, or a layer is not the one that the config names */
export async function dockerImages(
  manifestJson: Buffer,
  files: ReadonlyMap<string, ArchiveFile>,
  blobs: LocalRepository,
  path: string,
): Promise<DockerImage[]> {
  const wrong = (reason: string): Error => packagingErrors("image.not-an-archive", { path, reason });
  const parsed = Manifests.safeParse(parseJson(manifestJson.toString("utf8"), "manifest.json"));
  if (!parsed.success) throw wrong("its manifest.json is none of Docker's");
  const images: DockerImage[] = [];
  for (const { Config, RepoTags, Layers } of parsed.data) {
    const config = fileAt(files, Config);
    if (config === undefined) throw wrong(`${Config} is missing`);
    const diffIds = await diffIdsOf(blobs, config.digest);
    if (diffIds?.length !== Layers.length) throw wrong(`${Config} names another number of layers`);
    const layers: object[] = [];
    for (const [place, name] of Layers.entries()) {
      const layer = fileAt(files, name);
      if (layer === undefined) throw wrong(`${name} is missing`);
      const isGzip = (await firstBytes(blobs, layer.digest)).equals(GZIP_MAGIC);
      if (!isGzip && layer.digest !== diffIds[place]) throw wrong(`${name} is not the layer that ${Config} names`);
      layers.push({
        mediaType: isGzip ? MEDIA_TYPES.layerTarGzip : MEDIA_TYPES.layerTar,
        digest: layer.digest,
        size: layer.size,
      });
    }
    const manifest = {
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.imageManifest,
      config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: config.digest, size: config.size },
      layers,
    };
    images.push({ names: RepoTags ?? [], bytes: Buffer.from(JSON.stringify(manifest)) });
  }
  return images;
}

/** A file of the archive; layers that several images share are links in older archives. */
function fileAt(
  files: ReadonlyMap<string, ArchiveFile>,
  path: string,
): Extract<ArchiveFile, { type: "blob" }> | undefined {
  const found = files.get(path);
  if (found?.type !== "link") return found;
  // `../<id>/layer.tar`, seen from `<other id>/layer.tar`: one step, within the archive.
  const target = files.get(found.target.replace(/^\.\.\//, ""));
  return target?.type === "blob" ? target : undefined;
}

async function diffIdsOf(blobs: LocalRepository, digest: Digest): Promise<unknown[] | undefined> {
  const bytes = await readBounded(await blobs.openBlob(digest), LIMIT_CONFIG, "the image's config");
  const config = parseJson(bytes.toString("utf8"), "the image's config");
  const rootfs = isJsonObject(config) ? config["rootfs"] : undefined;
  const diffIds = isJsonObject(rootfs) ? rootfs["diff_ids"] : undefined;
  return Array.isArray(diffIds) ? diffIds : undefined;
}

async function firstBytes(blobs: LocalRepository, digest: Digest): Promise<Buffer> {
  const size = (await blobs.blobSize(digest)) ?? 0;
  if (size < 2) return Buffer.alloc(0);
  return readBounded(await blobs.openBlob(digest, { start: 0, end: 1 }), 2, "a layer");
}
