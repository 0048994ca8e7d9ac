// What a skill artifact says of itself, whatever its shape: its config where the format has one, else its SKILL.md.
import type { Manifest, Repository } from "@pratique/oci";
import { parseManifest } from "@pratique/oci";
import { parseSkillLeniently } from "./lenient.ts";
import { skillShapeOf, type SkillShape } from "./shapes.ts";
import { readSkillConfig, type SkillConfig } from "./skill-config.schema.ts";
import { hostPlatform, platformManifest, readSkillContent, type SkillContent } from "./skill-content.ts";

export interface SkillParts {
  readonly skill: SkillConfig;
  readonly shape: SkillShape;
  content(): Promise<SkillContent>;
}

/** Of an index, the variant for this machine. @throws what `malformed` makes, `skill.not-found`, `archive.*` */
export async function skillParts(
  repository: Repository,
  found: Manifest,
  malformed: (reason: string) => Error,
): Promise<SkillParts> {
  const manifest = await platformManifest(repository, found, hostPlatform());
  if (manifest === undefined) throw malformed("it has no variant for this platform");
  const parsed = parseManifest(manifest.bytes, manifest.mediaType);
  if (parsed.type === "index") throw malformed("it is an index of indexes");
  const shape = skillShapeOf(parsed);
  const content = async (): Promise<SkillContent> => readSkillContent(repository, manifest);
  if (shape !== "agentskills") return { skill: configOf(await content(), malformed), shape, content };
  const skill = await readSkillConfig(repository, parsed.manifest.config, malformed);
  return {
    skill,
    shape,
    async content() {
      const read = await content();
      // The format roots its archive at the skill's name; another root would be another skill than policy saw.
      if (read.directory !== skill.name) throw malformed(`its files are not below ${skill.name}/`);
      return read;
    },
  };
}

function configOf({ files, directory }: SkillContent, malformed: (reason: string) => Error): SkillConfig {
  const main = files.find(({ path }) => path === "SKILL.md") ?? files.find(({ path }) => path === "skill.md");
  const parsed = main === undefined ? undefined : parseSkillLeniently(main.bytes.toString("utf8"), directory ?? "");
  if (parsed === undefined) throw malformed("its SKILL.md has no frontmatter with a name and a description");
  const { name, description, license, compatibility, allowedTools, metadata } = parsed.frontmatter;
  return {
    name,
    version: metadata["version"],
    description,
    license,
    compatibility,
    allowedTools: allowedTools?.split(/\s+/) ?? [],
    metadata,
  };
}
