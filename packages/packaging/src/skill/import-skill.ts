// From a skill as it was found to one that can be packed: valid as it is, or made valid with an explanation.
import { stringify } from "yaml";
import { sortEntries } from "../archive/tar-writer.ts";
import { packagingErrors } from "../errors.ts";
import { DEFAULT_VERSION, type PackableSource } from "../pack-source.ts";
import { canonicalSkillFile, skillMetadata, type CanonicalSkill } from "./canonical-skill.ts";
import { parseSkill, type Frontmatter } from "./frontmatter.ts";
import { parseSkillLeniently } from "./lenient.ts";
import { requireArtifactName, writeSkill, type SkillFormat } from "./skill-formats.ts";
import type { SkillFile } from "./skill-content.ts";
import type { FoundSkill } from "./skill-sources.ts";

export interface CheckedSkill {
  readonly frontmatter: Frontmatter;
  readonly body: string;
  /** Rules that it breaks; empty when it is valid. */
  readonly warnings: readonly string[];
}

/** @param lenient takes what breaks rules, with warnings @throws `skill.invalid`, `skill.not-found` */
export function checkFoundSkill(found: FoundSkill, lenient: boolean): CheckedSkill {
  const main = mainOf(found);
  const content = main?.bytes.toString("utf8") ?? "";
  const name = /^name:[ \t]*["']?([^"'\n]+?)["']?[ \t]*$/m.exec(content)?.[1] ?? "";
  // Without a directory around it, it may have any name.
  const directory = found.directory ?? name;
  const strict = parseSkill(content, directory);
  if (strict.ok) return { frontmatter: strict.frontmatter, body: strict.body, warnings: [] };
  const loose = lenient ? parseSkillLeniently(content, directory) : undefined;
  if (loose !== undefined) return loose;
  const reason = strict.problems.join("; ");
  throw packagingErrors(
    "skill.invalid",
    { path: `${found.source} ${main?.path ?? "SKILL.md"}`, reason },
    { details: [...strict.problems] },
  );
}

/** The files as they are packed: as they were found, but for a SKILL.md that breaks rules. */
export function mendedFiles(found: FoundSkill, checked: CheckedSkill): readonly SkillFile[] {
  if (checked.warnings.length === 0) return found.files;
  const main = mainOf(found);
  return found.files.map((file) => (file === main ? { ...file, bytes: Buffer.from(validSkillFile(checked)) } : file));
}

/** A skill that was found, ready to be packed in a format. */
export function skillSource(found: FoundSkill, checked: CheckedSkill, format: SkillFormat): PackableSource {
  const { frontmatter, warnings } = checked;
  const files = mendedFiles(found, checked);
  return {
    kind: "skill",
    name: frontmatter.name,
    parameters: { source: found.source, format, isMended: warnings.length > 0 },
    async plan(repository, { tag }) {
      requireArtifactName(frontmatter.name, found.source);
      const version = frontmatter.metadata["version"] ?? tag ?? DEFAULT_VERSION;
      const skill: CanonicalSkill = {
        kind: "skill",
        name: frontmatter.name,
        version,
        description: frontmatter.description,
        files: sortEntries(files.map(canonicalSkillFile)),
        metadata: skillMetadata(frontmatter),
        annotations: {},
        foreign: {},
      };
      const plan = await writeSkill(skill, format, {
        repository,
        version,
        buildType: "https://pratique.dev/build-types/import/skill/v1",
        materials: [{ uri: found.source, digest: digestOfSource(found.source), name: found.source }],
      });
      return { ...plan, notes: warnings };
    },
  };
}

/** Of a git repository the commit, which stands in the address; the files of any source have digests of their own. */
function digestOfSource(source: string): Record<string, string> {
  const [, commit] = /^git\+.*@([0-9a-f]{40}|[0-9a-f]{64})$/.exec(source) ?? [];
  return commit === undefined ? {} : { gitCommit: commit };
}

function mainOf({ files }: FoundSkill): FoundSkill["files"][number] | undefined {
  return files.find(({ path }) => path === "SKILL.md") ?? files.find(({ path }) => path === "skill.md");
}

/** The same instructions under a frontmatter that every reader takes. */
function validSkillFile({ frontmatter, body }: CheckedSkill): string {
  const { name, description, license, compatibility, allowedTools, metadata } = frontmatter;
  const fields = {
    name,
    // The reference cuts at any `---`, also inside of a value.
    description: description.replaceAll("---", "—"),
    ...(license === undefined ? {} : { license: license.replaceAll("---", "—") }),
    ...(compatibility === undefined ? {} : { compatibility: compatibility.replaceAll("---", "—") }),
    ...(allowedTools === undefined ? {} : { "allowed-tools": allowedTools }),
    ...(Object.keys(metadata).length === 0
      ? {}
      : {
          metadata: Object.fromEntries(
            Object.entries(metadata).map(([key, value]) => [key, value.replaceAll("---", "—")]),
          ),
        }),
  };
  return `---\n${stringify(fields, { lineWidth: 0 })}---\n\n${body.replace(/^\n+/, "")}`;
}
