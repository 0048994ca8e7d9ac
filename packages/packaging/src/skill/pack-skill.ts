// A directory with a SKILL.md → an agentskills OCI artifact: one deterministic tar+gzip rooted at the skill's name.
import { basename, resolve } from "node:path";
import { hexOf } from "@pratique/core";
import type { LocalRepository } from "@pratique/oci";
import type { SbomComponent } from "@pratique/evidence";
import { gzipStream } from "../archive/gzip.ts";
import { writeTar, type TarEntry } from "../archive/tar-writer.ts";
import type { ArtifactPlan, Material } from "../artifact-plan.ts";
import { packagingErrors } from "../errors.ts";
import { digestOfFile } from "../file-layer.ts";
import { listFiles, readFileChunks, readSmallFile, type SourceFile } from "../source-files.ts";
import { parseSkill, type Frontmatter } from "./frontmatter.ts";
import { SKILL_LIMITS, SKILL_MEDIA_TYPES } from "./skill-media-types.ts";

/** What the artifact format takes as a name; the skill specification itself allows more. */
const ARTIFACT_NAME = /^[a-z0-9][a-z0-9-]{0,62}[a-z0-9]$/;
const LIMIT_SKILL_FILE = 1024 * 1024;

export interface SkillSource {
  readonly frontmatter: Frontmatter;
  readonly version: string | undefined;
  readonly files: readonly SourceFile[];
}

/** Checks a skill by the reference validator's rules. @throws `skill.invalid`, `artifact.unsafe-file`, `artifact.too-large` */
export async function readSkillSource(directory: string): Promise<SkillSource> {
  const files = await listFiles(directory, SKILL_LIMITS);
  const main = files.find(({ path }) => path === "SKILL.md") ?? files.find(({ path }) => path === "skill.md");
  if (main === undefined) throw packagingErrors("artifact.unknown-kind", { directory });
  const content = (await readSmallFile(main, LIMIT_SKILL_FILE)).toString("utf8");
  const result = parseSkill(content, basename(resolve(directory)));
  if (!result.ok) {
    throw packagingErrors(
      "skill.invalid",
      { path: main.path, reason: result.problems.join("; ") },
      { details: [...result.problems] },
    );
  }
  const { frontmatter } = result;
  if (!ARTIFACT_NAME.test(frontmatter.name)) {
    const reason = `the name \`${frontmatter.name}\` cannot name an artifact: 2 to 64 of a-z, 0-9 and hyphen are allowed`;
    throw packagingErrors("skill.invalid", { path: main.path, reason });
  }
  return { frontmatter, version: frontmatter.metadata["version"], files };
}

/** The entries of the content layer: every directory and file below `<name>/`. */
function entriesOf(root: string, files: readonly SourceFile[]): TarEntry[] {
  const directories = new Set([root]);
  for (const { path } of files) {
    const parts = path.split("/").slice(0, -1);
    for (let depth = 1; depth <= parts.length; depth += 1)
      directories.add(`${root}/${parts.slice(0, depth).join("/")}`);
  }
  return [
    ...[...directories].map((path): TarEntry => ({ type: "directory", path })),
    ...files.map((file): TarEntry => ({
      type: "file",
      path: `${root}/${file.path}`,
      size: file.size,
      mode: file.executable ? 0o755 : 0o644,
      open: () => readFileChunks(file),
    })),
  ];
}

export async function planSkill(
  source: SkillSource,
  o: { repository: LocalRepository; version: string },
): Promise<ArtifactPlan> {
  const { frontmatter, files } = source;
  const stream = gzipStream(writeTar(entriesOf(frontmatter.name, files)), 6);
  const stored = await o.repository.putBlob(stream.compressed);
  const materials: Material[] = [];
  const components: SbomComponent[] = [];
  for (const file of files) {
    const sha256 = hexOf(await digestOfFile(file));
    materials.push({ uri: `file:${encodeURI(file.path)}`, digest: { sha256 }, name: file.path });
    components.push({ type: "file", name: file.path, hashes: { sha256 } });
  }
  const { name, description, license, compatibility, allowedTools, metadata } = frontmatter;
  const config = {
    schemaVersion: "1",
    name,
    version: o.version,
    description,
    ...(license === undefined ? {} : { license }),
    ...(compatibility === undefined ? {} : { compatibility }),
    ...(allowedTools === undefined ? {} : { allowedTools: allowedTools.split(/\s+/).filter((tool) => tool !== "") }),
    metadata,
  };
  return {
    kind: "skill",
    name,
    version: o.version,
    description,
    licences: license === undefined ? [] : [license],
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
      "io.agentskills.skill.name": name,
      ...(compatibility === undefined ? {} : { "io.agentskills.skill.compatibility": compatibility }),
    },
    components,
    materials,
    buildType: "https://pratique.dev/build-types/pack/skill/v1",
  };
}
