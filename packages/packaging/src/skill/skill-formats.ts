// The formats that skills are written in, and writing so that nothing is lost.
import { hexOf } from "@pratique/core";
import type { SbomComponent } from "@pratique/sbom";
import { MEDIA_TYPES, type LocalRepository, type Platform } from "@pratique/oci";
import { gzipStream } from "../archive/gzip.ts";
import { writeTar, type TarEntry } from "../archive/tar-writer.ts";
import { draftManifest, type ArtifactPlan, type Material, type PlannedManifest } from "../artifact-plan.ts";
import { RESIDUE_ANNOTATION, residueOf } from "../canonical/residue.ts";
import { packagingErrors } from "../errors.ts";
import { readCanonicalSkill, type CanonicalSkill } from "./canonical-skill.ts";
import { SKILL_MEDIA_TYPES } from "./skill-media-types.ts";
import { TOOLHIVE_REQUIRES, TOOLHIVE_TYPE } from "./shapes.ts";

export type SkillFormat = "agentskills" | "toolhive";

export interface WriteSkillOptions {
  readonly repository: LocalRepository;
  readonly version: string;
  readonly buildType: string;
  /** What it was made from, beside its own files. */
  readonly materials?: readonly Material[];
}

/** Those that ToolHive builds for. */
const PLATFORMS: readonly Platform[] = [
  { os: "linux", architecture: "amd64" },
  { os: "linux", architecture: "arm64" },
];
const TOOLHIVE = "dev.toolhive.skills";

/** What the artifact format takes as a name; the skill specification itself allows more. */
const ARTIFACT_NAME = /^[a-z0-9][a-z0-9-]{0,62}[a-z0-9]$/;

/** @throws `skill.invalid` */
export function requireArtifactName(name: string, path: string): void {
  if (ARTIFACT_NAME.test(name)) return;
  const reason = `the name \`${name}\` cannot name an artifact: 2 to 64 of a-z, 0-9 and hyphen are allowed`;
  throw packagingErrors("skill.invalid", { path, reason });
}

/** Stores a skill's layers in a format, and keeps what the format cannot say in an annotation. */
export async function writeSkill(
  skill: CanonicalSkill,
  format: SkillFormat,
  o: WriteSkillOptions,
): Promise<ArtifactPlan> {
  const version = skill.version ?? o.version;
  const manifest = format === "toolhive" ? await toolhive(skill, version, o) : await agentSkills(skill, version, o);
  const { license } = skill.metadata;
  const plan: ArtifactPlan = {
    kind: "skill",
    name: skill.name ?? "skill",
    version,
    description: skill.description,
    licences: license === undefined ? [] : [license],
    components: skill.files.map(({ path, digest }): SbomComponent => ({
      type: "file",
      name: path,
      hashes: { sha256: hexOf(digest) },
    })),
    materials: [
      ...skill.files.map(({ path, digest }): Material => ({
        uri: `file:${encodeURI(path)}`,
        digest: { sha256: hexOf(digest) },
        name: path,
      })),
      ...(o.materials ?? []),
    ],
    buildType: o.buildType,
    ...manifest,
  };
  const residue = residueOf(skill, await readCanonicalSkill(o.repository, await draftManifest(plan, o.repository)));
  return residue === undefined ? plan : withResidue(plan, residue);
}

function withResidue(plan: ArtifactPlan, residue: string): ArtifactPlan {
  const add = <P extends PlannedManifest>(part: P): P => ({
    ...part,
    annotations: { ...part.annotations, [RESIDUE_ANNOTATION]: residue },
  });
  const { besides } = plan;
  return { ...add(plan), ...(besides === undefined ? {} : { besides: besides.map(add) }) };
}

/** One deterministic archive rooted at the skill's name, and a config that says what its frontmatter says. */
async function agentSkills(skill: CanonicalSkill, version: string, o: WriteSkillOptions): Promise<PlannedManifest> {
  const { name = "skill", description, metadata } = skill;
  const { license, compatibility, allowedTools, metadata: more } = metadata;
  const stored = await o.repository.putBlob(gzipStream(writeTar(entriesOf(skill, name)), 6).compressed);
  const config = {
    schemaVersion: "1",
    name,
    version,
    description,
    ...(license === undefined ? {} : { license }),
    ...(compatibility === undefined ? {} : { compatibility }),
    ...(allowedTools.length === 0 ? {} : { allowedTools }),
    metadata: more,
  };
  return {
    artifactType: SKILL_MEDIA_TYPES.artifact,
    configMediaType: SKILL_MEDIA_TYPES.config,
    config: () => JSON.stringify(config),
    layers: [
      {
        mediaType: SKILL_MEDIA_TYPES.content,
        digest: stored.digest,
        size: stored.size,
        annotations: { "org.opencontainers.image.title": `${name}.tar.gz` },
      },
    ],
    annotations: {
      ...skill.annotations,
      "io.agentskills.skill.name": name,
      ...(compatibility === undefined ? {} : { "io.agentskills.skill.compatibility": compatibility }),
    },
  };
}

/** An index of one manifest a platform, each an image with the skill at its root (toolhive-core, oci/skills). */
async function toolhive(skill: CanonicalSkill, version: string, o: WriteSkillOptions): Promise<PlannedManifest> {
  const { name = "skill", description = "", metadata, files } = skill;
  const archive = gzipStream(writeTar(entriesOf(skill, undefined)), 6);
  const layer = await o.repository.putBlob(archive.compressed);
  const labels = {
    [`${TOOLHIVE}.name`]: name,
    [`${TOOLHIVE}.description`]: description,
    [`${TOOLHIVE}.version`]: version,
    [`${TOOLHIVE}.allowedTools`]: JSON.stringify(metadata.allowedTools),
    [`${TOOLHIVE}.license`]: metadata.license ?? "",
    [`${TOOLHIVE}.files`]: JSON.stringify(files.map(({ path }) => path)),
  };
  const part = (platform: Platform): PlannedManifest => ({
    artifactType: TOOLHIVE_TYPE,
    configMediaType: "application/vnd.oci.image.config.v1+json",
    config: (created) =>
      JSON.stringify({
        created,
        architecture: platform.architecture,
        os: platform.os,
        config: { Labels: labels },
        rootfs: { type: "layers", diff_ids: [archive.diffId()] },
        history: [{ created, created_by: "pratique" }],
      }),
    layers: [{ mediaType: MEDIA_TYPES.layerTarGzip, digest: layer.digest, size: layer.size }],
    annotations: {
      ...skill.annotations,
      [`${TOOLHIVE}.name`]: name,
      [`${TOOLHIVE}.description`]: description,
      [`${TOOLHIVE}.version`]: version,
      ...requires(skill),
    },
    platform,
    indexType: TOOLHIVE_TYPE,
  });
  const [first, ...besides] = PLATFORMS.map(part);
  return { ...first!, besides };
}

/** What ToolHive said before, else one reference a line in the metadata. */
function requires({ foreign, metadata }: CanonicalSkill): Record<string, string> {
  const said = foreign["toolhive"]?.["requires"];
  if (typeof said === "string") return { [TOOLHIVE_REQUIRES]: said };
  const lines = (metadata.metadata["toolhive.requires"] ?? "").split("\n").map((line) => line.trim());
  const references = lines.filter((line) => line !== "");
  return references.length === 0 ? {} : { [TOOLHIVE_REQUIRES]: JSON.stringify(references) };
}

/** Every file, and below a root every directory. */
function entriesOf({ files }: CanonicalSkill, root: string | undefined): TarEntry[] {
  const prefix = root === undefined ? "" : `${root}/`;
  const directories = new Set(root === undefined ? [] : [root]);
  for (const { path } of root === undefined ? [] : files) {
    const parts = path.split("/").slice(0, -1);
    for (let depth = 1; depth <= parts.length; depth += 1) directories.add(prefix + parts.slice(0, depth).join("/"));
  }
  return [
    ...[...directories].map((path): TarEntry => ({ type: "directory", path })),
    ...files.map((file): TarEntry => ({
      type: "file",
      path: prefix + file.path,
      size: file.size,
      mode: (file.mode & 0o100) === 0 ? 0o644 : 0o755,
      open: () => file.open(),
    })),
  ];
}
