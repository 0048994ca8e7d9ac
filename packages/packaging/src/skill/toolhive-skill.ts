// A skill in ToolHive's format: an index of one manifest a platform, each an image with the skill at its root.
import { gzipStream } from "../archive/gzip.ts";
import { writeTar } from "../archive/tar-writer.ts";
import { MEDIA_TYPES, type Descriptor, type LocalRepository, type Platform } from "@pratique/oci";
import type { Frontmatter } from "./frontmatter.ts";
import { TOOLHIVE_TYPE } from "./shapes.ts";
import type { SkillFile } from "./skill-content.ts";

/** Those that ToolHive builds for. */
const PLATFORMS: readonly Platform[] = [
  { os: "linux", architecture: "amd64" },
  { os: "linux", architecture: "arm64" },
];
const PREFIX = "dev.toolhive.skills";
/** Nothing in it says when it was made: the same skill is the same index. */
const EPOCH = "1970-01-01T00:00:00Z";

export interface ToolhiveSkill {
  readonly frontmatter: Frontmatter;
  readonly version: string;
  readonly files: readonly SkillFile[];
}

/** Stores blobs, manifests and the index, and returns the index; the tag is the caller's. */
export async function writeToolhiveSkill(repository: LocalRepository, skill: ToolhiveSkill): Promise<Descriptor> {
  const { frontmatter, files, version } = skill;
  const { name, description, license, allowedTools, metadata } = frontmatter;
  const entries = files.map(({ path, bytes, executable }) => ({
    type: "file" as const,
    path,
    mode: executable ? 0o755 : 0o644,
    body: bytes,
  }));
  const archive = gzipStream(writeTar(entries), 6);
  const layer = await repository.putBlob(archive.compressed);
  const annotations: Record<string, string> = {
    "org.opencontainers.image.created": EPOCH,
    [`${PREFIX}.name`]: name,
    [`${PREFIX}.description`]: description,
    [`${PREFIX}.version`]: version,
    ...requires(metadata["toolhive.requires"]),
  };
  const labels = {
    [`${PREFIX}.name`]: name,
    [`${PREFIX}.description`]: description,
    [`${PREFIX}.version`]: version,
    [`${PREFIX}.allowedTools`]: JSON.stringify(allowedTools?.split(/\s+/).filter((tool) => tool !== "") ?? []),
    [`${PREFIX}.license`]: license ?? "",
    [`${PREFIX}.files`]: JSON.stringify(files.map(({ path }) => path).toSorted()),
  };
  const manifests: object[] = [];
  for (const platform of PLATFORMS) {
    const config = {
      created: EPOCH,
      architecture: platform.architecture,
      os: platform.os,
      config: { Labels: labels },
      rootfs: { type: "layers", diff_ids: [archive.diffId()] },
      history: [{ created: EPOCH, created_by: "pratique" }],
    };
    const stored = await repository.putBlob(Buffer.from(JSON.stringify(config)));
    const manifest = {
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.imageManifest,
      artifactType: TOOLHIVE_TYPE,
      config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: stored.digest, size: stored.size },
      layers: [{ mediaType: MEDIA_TYPES.layerTarGzip, digest: layer.digest, size: layer.size }],
      annotations,
    };
    const { digest, size } = await repository.putManifest(
      Buffer.from(JSON.stringify(manifest)),
      MEDIA_TYPES.imageManifest,
    );
    manifests.push({ mediaType: MEDIA_TYPES.imageManifest, digest, size, platform });
  }
  const index = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.imageIndex,
    artifactType: TOOLHIVE_TYPE,
    manifests,
    annotations,
  };
  return repository.putManifest(Buffer.from(JSON.stringify(index)), MEDIA_TYPES.imageIndex);
}

/** One reference a line in the metadata, a JSON list in the annotation. */
function requires(text: string | undefined): Record<string, string> {
  const references = (text ?? "")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  return references.length === 0 ? {} : { [`${PREFIX}.requires`]: JSON.stringify(references) };
}
