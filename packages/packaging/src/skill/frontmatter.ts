// The frontmatter of a SKILL.md, read as strictly as the reference validator reads it (skills-ref 0.1.0).
import { isAlias, isMap, isScalar, parseDocument, visit } from "yaml";

/** Every value is text, as in strictyaml; `metadata` maps text to text. */
export interface Frontmatter {
  readonly name: string;
  readonly description: string;
  readonly license?: string;
  readonly compatibility?: string;
  readonly allowedTools?: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export type FrontmatterResult =
  | { readonly ok: true; readonly frontmatter: Frontmatter; readonly body: string }
  | { readonly ok: false; readonly problems: readonly string[] };

export const ALLOWED_FIELDS: readonly string[] = [
  "allowed-tools",
  "compatibility",
  "description",
  "license",
  "metadata",
  "name",
];
const LIMIT_FRONTMATTER = 64 * 1024;

/** Reads and checks a SKILL.md. Problems come in the reference validator's order and words. */
export function parseSkill(content: string, directoryName: string): FrontmatterResult {
  const text = content.replace(/\r\n/g, "\n");
  if (!text.startsWith("---")) return { ok: false, problems: ["SKILL.md must start with YAML frontmatter (---)"] };
  // Cut at the first two `---` wherever they stand, as the reference does.
  const end = text.indexOf("---", 3);
  if (end === -1) return { ok: false, problems: ["SKILL.md frontmatter not properly closed with ---"] };
  if (end > LIMIT_FRONTMATTER) return { ok: false, problems: ["SKILL.md frontmatter is larger than 64 KiB"] };
  const yaml = parseStrictYaml(text.slice(3, end));
  if (!yaml.ok) return { ok: false, problems: [`Invalid YAML in frontmatter: ${yaml.problem}`] };
  const problems = problemsOf(yaml.fields, directoryName);
  if (problems.length > 0) return { ok: false, problems };
  const text_ = (key: string): string | undefined => {
    const value = yaml.fields.get(key);
    return typeof value === "string" ? value : undefined;
  };
  const metadata = yaml.fields.get("metadata");
  const license = text_("license");
  const compatibility = text_("compatibility");
  const allowedTools = text_("allowed-tools");
  const frontmatter: Frontmatter = {
    name: (text_("name") ?? "").trim().normalize("NFKC"),
    description: text_("description") ?? "",
    ...(license === undefined ? {} : { license }),
    ...(compatibility === undefined ? {} : { compatibility }),
    ...(allowedTools === undefined ? {} : { allowedTools }),
    metadata: metadata instanceof Map ? Object.fromEntries(metadata) : {},
  };
  return { ok: true, frontmatter, body: text.slice(end + 3).replace(/^\n/, "") };
}

export type Fields = ReadonlyMap<string, string | ReadonlyMap<string, string> | null>;

/** strictyaml's subset: block style only; no anchors, tags or duplicate keys; every scalar is text. */
function parseStrictYaml(source: string): { ok: true; fields: Fields } | { ok: false; problem: string } {
  const document = parseDocument(source, { schema: "failsafe", uniqueKeys: true, logLevel: "silent" });
  const error = document.errors[0] ?? document.warnings[0];
  if (error !== undefined) return { ok: false, problem: error.message.split("\n")[0] ?? "not YAML" };
  let problem: string | undefined;
  visit(document, {
    Node(_, node) {
      if (isAlias(node)) problem ??= "aliases are not allowed";
      else if (node.anchor !== undefined) problem ??= "anchors are not allowed";
      else if (node.tag !== undefined && !node.tag.startsWith("tag:yaml.org,2002:")) problem ??= "tags are not allowed";
      if ("flow" in node && node.flow === true) problem ??= "flow style is not allowed";
    },
  });
  if (problem !== undefined) return { ok: false, problem };
  if (!isMap(document.contents)) return { ok: false, problem: "SKILL.md frontmatter must be a YAML mapping" };
  const fields = new Map<string, string | ReadonlyMap<string, string> | null>();
  for (const { key, value } of document.contents.items) {
    if (!isScalar(key) || typeof key.value !== "string") return { ok: false, problem: "keys must be text" };
    if (value === null || isScalar(value)) {
      fields.set(key.value, value === null || typeof value.value !== "string" ? "" : value.value);
    } else if (isMap(value)) {
      const inner = new Map<string, string>();
      for (const item of value.items) {
        const [k, v] = [item.key, item.value];
        if (!isScalar(k) || (v !== null && !isScalar(v)))
          return { ok: false, problem: `${key.value} must map text to text` };
        inner.set(String(k.value), v === null ? "" : String(v.value ?? ""));
      }
      fields.set(key.value, inner);
    } else fields.set(key.value, null);
  }
  return { ok: true, fields };
}

const lengthOf = (text: string): number => [...text].length;

/** What the rules say of fields, in the reference validator's words and order. */
export function problemsOf(fields: Fields, directoryName: string): string[] {
  const problems: string[] = [];
  const unexpected = [...fields.keys()].filter((key) => !ALLOWED_FIELDS.includes(key)).sort();
  if (unexpected.length > 0) {
    problems.push(
      `Unexpected fields in frontmatter: ${unexpected.join(", ")}. Only [${ALLOWED_FIELDS.map((k) => `'${k}'`).join(", ")}] are allowed.`,
    );
  }
  problems.push(...nameProblems(fields, directoryName));
  const description = fields.get("description");
  if (description === undefined) problems.push("Missing required field in frontmatter: description");
  else if (typeof description !== "string" || description.trim() === "") {
    problems.push("Field 'description' must be a non-empty string");
  } else if (lengthOf(description) > 1024) {
    problems.push(`Description exceeds 1024 character limit (${lengthOf(description)} chars)`);
  }
  const compatibility = fields.get("compatibility");
  if (compatibility !== undefined) {
    if (typeof compatibility !== "string") problems.push("Field 'compatibility' must be a string");
    else if (lengthOf(compatibility) > 500) {
      problems.push(`Compatibility exceeds 500 character limit (${lengthOf(compatibility)} chars)`);
    }
  }
  return problems;
}

function nameProblems(fields: Fields, directoryName: string): string[] {
  const value = fields.get("name");
  if (value === undefined) return ["Missing required field in frontmatter: name"];
  if (typeof value !== "string" || value.trim() === "") return ["Field 'name' must be a non-empty string"];
  const name = value.trim().normalize("NFKC");
  const problems: string[] = [];
  if (lengthOf(name) > 64) problems.push(`Skill name '${name}' exceeds 64 character limit (${lengthOf(name)} chars)`);
  if (name !== name.toLowerCase()) problems.push(`Skill name '${name}' must be lowercase`);
  if (name.startsWith("-") || name.endsWith("-")) problems.push("Skill name cannot start or end with a hyphen");
  if (name.includes("--")) problems.push("Skill name cannot contain consecutive hyphens");
  if (!/^[\p{L}\p{N}-]+$/u.test(name)) {
    problems.push(`Skill name '${name}' contains invalid characters. Only letters, digits, and hyphens are allowed.`);
  }
  if (directoryName.normalize("NFKC") !== name) {
    problems.push(`Directory name '${directoryName}' must match skill name '${name}'`);
  }
  return problems;
}
