// A skill as an agent takes it: the instructions, and the texts that stand beside them.
import type { Repository } from "@pratique/oci";
import { filesOf } from "../artifact-files.ts";
import { packagingErrors } from "../errors.ts";
import { readArtifact } from "../read-artifact.ts";
import { parseSkillLeniently, type LenientSkill } from "./lenient.ts";
import type { SkillConfig } from "./skill-config.schema.ts";

export interface SkillFiles {
  readonly name: string;
  readonly description: string;
  /** SKILL.md without its frontmatter. */
  readonly body: string;
  /** Every other file that is text (UTF-8, at most 256 KiB), by its path in the skill. */
  readonly files: Readonly<Record<string, string>>;
}

const LIMIT_FILE = 256 * 1024;
const LIMIT_TOTAL = 16 * 1024 * 1024;

/**
 * Reads a skill artifact whole.
 * @throws `artifact.malformed` when it is no skill, or its SKILL.md says another thing than its config
 */
export async function readSkillFiles(repository: Repository, ref: string): Promise<SkillFiles> {
  const info = await readArtifact(repository, ref);
  const malformed = (reason: string) =>
    packagingErrors("artifact.malformed", {
      reference: `${repository.name}@${info.descriptor.digest}`,
      kind: "skill",
      reason,
    });
  if (info.kind !== "skill") throw malformed(`it is of kind ${info.kind}`);
  const { name } = info.skill;
  const texts = new Map<string, string>();
  let total = 0;
  for await (const { path, body } of filesOf(repository, info)) {
    const text = await textOf(body, LIMIT_FILE);
    if (text === undefined) continue;
    total += text.length;
    if (total > LIMIT_TOTAL) throw packagingErrors("archive.too-large", { what: "more than 16 MiB of text" });
    texts.set(path.slice(name.length + 1), text);
  }
  const main = texts.has("SKILL.md") ? "SKILL.md" : "skill.md";
  const content = texts.get(main);
  if (content === undefined) throw malformed("it has no SKILL.md");
  const parsed = read(content, info.skill, malformed);
  texts.delete(main);
  return { name, description: parsed.frontmatter.description, body: parsed.body, files: Object.fromEntries(texts) };
}

/** What others packed breaks rules; but policy and people read the config, so the model must not read another thing. */
function read(content: string, skill: SkillConfig, malformed: (reason: string) => Error): LenientSkill {
  const parsed = parseSkillLeniently(content, skill.name);
  if (parsed === undefined) throw malformed("its SKILL.md has no frontmatter with a name and a description");
  const { name, description } = parsed.frontmatter;
  if (name !== skill.name) throw malformed(`its SKILL.md is that of \`${name}\``);
  if (onOneLine(description) !== onOneLine(skill.description)) {
    throw malformed("its SKILL.md and its config describe it differently");
  }
  return parsed;
}

function onOneLine(text: string): string {
  return text.trim().replace(/\s+/g, " ");
}

async function textOf(body: AsyncIterable<Uint8Array>, limit: number): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size <= limit) chunks.push(chunk);
  }
  if (size > limit) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    return undefined;
  }
}
