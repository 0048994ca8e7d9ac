// A skill apart from any format: its files, what its frontmatter says, and what only one format says.
import { digestOf, type JsonObject } from "@pratique/core";
import { parseManifest, type Manifest, type Repository } from "@pratique/oci";
import { ANNOTATIONS } from "../artifact-plan.ts";
import { sortEntries } from "../archive/tar-writer.ts";
import type { CanonicalArtifact, CanonicalFile } from "../canonical/canonical-artifact.ts";
import { applyResidue, RESIDUE_ANNOTATION } from "../canonical/residue.ts";
import { packagingErrors } from "../errors.ts";
import type { Frontmatter } from "./frontmatter.ts";
import type { SkillFile } from "./skill-content.ts";
import { skillParts } from "./skill-parts.ts";
import { TOOLHIVE_REQUIRES } from "./shapes.ts";

export type SkillRole = "instructions" | "script" | "reference" | "asset";

export interface SkillMetadata extends JsonObject {
  readonly license?: string;
  readonly compatibility?: string;
  readonly allowedTools: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
}

export type CanonicalSkill = CanonicalArtifact<"skill", SkillMetadata, SkillRole>;

/** Annotations that formats derive from the members of a canonical skill. */
const DERIVED: readonly RegExp[] = [
  new RegExp(
    `^(?:${Object.values(ANNOTATIONS)
      .map((name) => name.replaceAll(".", "\\."))
      .join("|")})$`,
  ),
  /^io\.agentskills\.skill\./,
  /^dev\.toolhive\.skills\./,
  /^dev\.pratique\.canonical$/,
];

/** What a file of a skill is for, by where the specification puts such files. */
export function roleOfSkillFile(path: string): SkillRole {
  if (path === "SKILL.md" || path === "skill.md") return "instructions";
  if (path.startsWith("scripts/")) return "script";
  return path.startsWith("references/") || path.endsWith(".md") ? "reference" : "asset";
}

export function canonicalSkillFile({ path, executable, bytes }: SkillFile): CanonicalFile<SkillRole> {
  return {
    path,
    role: roleOfSkillFile(path),
    mode: executable ? 0o755 : 0o644,
    size: bytes.length,
    digest: digestOf(bytes),
    async *open(range) {
      yield range === undefined
        ? bytes
        : bytes.subarray(range.start, range.end === undefined ? undefined : range.end + 1);
    },
  };
}

export function skillMetadata(frontmatter: Frontmatter): SkillMetadata {
  const { license, compatibility, allowedTools, metadata } = frontmatter;
  return {
    ...(license === undefined ? {} : { license }),
    ...(compatibility === undefined ? {} : { compatibility }),
    allowedTools: allowedTools?.split(/\s+/).filter((tool) => tool !== "") ?? [],
    metadata,
  };
}

/** Reads a skill in any of its shapes. @throws `artifact.malformed`, `archive.*`, `skill.not-found` */
export async function readCanonicalSkill(repository: Repository, manifest: Manifest): Promise<CanonicalSkill> {
  const malformed = (reason: string): Error =>
    packagingErrors("artifact.malformed", {
      reference: `${repository.name}@${manifest.descriptor.digest}`,
      kind: "skill",
      reason,
    });
  const { skill, content } = await skillParts(repository, manifest, malformed);
  const { files } = await content();
  const annotations = parseManifest(manifest.bytes, manifest.mediaType).manifest.annotations ?? {};
  const { name, version, description, license, compatibility, allowedTools, metadata } = skill;
  const read: CanonicalSkill = {
    kind: "skill",
    name,
    ...(version === undefined ? {} : { version }),
    description,
    files: sortEntries(files.map(canonicalSkillFile)),
    metadata: {
      ...(license === undefined ? {} : { license }),
      ...(compatibility === undefined ? {} : { compatibility }),
      allowedTools,
      metadata,
    },
    annotations: Object.fromEntries(
      Object.entries(annotations).filter(([key]) => !DERIVED.some((pattern) => pattern.test(key))),
    ),
    foreign: foreignOf(annotations),
  };
  return applyResidue(read, annotations[RESIDUE_ANNOTATION]);
}

function foreignOf(annotations: Readonly<Record<string, string>>): CanonicalSkill["foreign"] {
  const requires = annotations[TOOLHIVE_REQUIRES];
  return requires === undefined ? {} : { toolhive: { requires } };
}
