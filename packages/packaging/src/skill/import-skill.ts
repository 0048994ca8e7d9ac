// From a skill as it was found to a directory that can be packed: valid as it is, or made valid with an explanation.
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { stringify } from "yaml";
import { packagingErrors } from "../errors.ts";
import { parseSkill, type Frontmatter } from "./frontmatter.ts";
import { parseSkillLeniently } from "./lenient.ts";
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

/** Writes the skill below `directory`, in a directory of its name, which is returned. */
export async function writeFoundSkill(found: FoundSkill, checked: CheckedSkill, directory: string): Promise<string> {
  const root = join(directory, checked.frontmatter.name);
  const main = mainOf(found);
  for (const { path, bytes, executable } of found.files) {
    const isChanged = path === main?.path && checked.warnings.length > 0;
    const to = join(root, path);
    await mkdir(dirname(to), { recursive: true });
    await writeFile(to, isChanged ? validSkillFile(checked) : bytes, { flag: "wx", mode: executable ? 0o755 : 0o644 });
  }
  return root;
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
