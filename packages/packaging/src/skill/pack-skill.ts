// A directory with a SKILL.md → an agentskills OCI artifact: one deterministic tar+gzip rooted at the skill's name.
import { basename, resolve } from "node:path";
import type { LocalRepository } from "@pratique/oci";
import type { ArtifactPlan } from "../artifact-plan.ts";
import type { CanonicalFile } from "../canonical/canonical-artifact.ts";
import { packagingErrors } from "../errors.ts";
import { digestOfFile } from "../file-layer.ts";
import { listFiles, readFileChunks, readSmallFile, type SourceFile } from "../source-files.ts";
import { parseSkill, type Frontmatter } from "./frontmatter.ts";
import { roleOfSkillFile, skillMetadata, type CanonicalSkill, type SkillRole } from "./canonical-skill.ts";
import { requireArtifactName, writeSkill } from "./skill-formats.ts";
import { SKILL_LIMITS } from "./skill-media-types.ts";

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
  requireArtifactName(frontmatter.name, main.path);
  return { frontmatter, version: frontmatter.metadata["version"], files };
}

export async function planSkill(
  source: SkillSource,
  o: { repository: LocalRepository; version: string },
): Promise<ArtifactPlan> {
  const { frontmatter } = source;
  const files = await Promise.all(
    source.files.map(async (file): Promise<CanonicalFile<SkillRole>> => ({
      path: file.path,
      role: roleOfSkillFile(file.path),
      mode: file.executable ? 0o755 : 0o644,
      size: file.size,
      digest: await digestOfFile(file),
      open: () => readFileChunks(file),
    })),
  );
  const skill: CanonicalSkill = {
    kind: "skill",
    name: frontmatter.name,
    version: o.version,
    description: frontmatter.description,
    files,
    metadata: skillMetadata(frontmatter),
    annotations: {},
    foreign: {},
  };
  return writeSkill(skill, "agentskills", { ...o, buildType: "https://pratique.dev/build-types/pack/skill/v1" });
}
