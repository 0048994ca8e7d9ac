// A SKILL.md as it is found in the wild: taken as far as it makes sense, with a warning for each rule that it breaks.
import { isMap, isScalar, isSeq, parseDocument, type Node, type Pair } from "yaml";
import { ALLOWED_FIELDS, parseSkill, problemsOf, type Frontmatter } from "./frontmatter.ts";

export interface LenientSkill {
  readonly frontmatter: Frontmatter;
  readonly body: string;
  /** Rules of the specification that it breaks, and what was done about each. Empty when it is valid. */
  readonly warnings: readonly string[];
}

const LIMIT_FRONTMATTER = 64 * 1024;
const LIMIT_DESCRIPTION = 1024;

/**
 * Reads what other readers of skills accept: any name, a missing one, more fields, YAML lists, long descriptions.
 * Undefined when there is nothing that could be used: no frontmatter, or no description.
 */
export function parseSkillLeniently(content: string, directoryName: string): LenientSkill | undefined {
  const strict = parseSkill(content, directoryName);
  if (strict.ok) return { frontmatter: strict.frontmatter, body: strict.body, warnings: [] };
  const text = content.replace(/^\uFEFF/, "").replace(/\r\n/g, "\n");
  const match = /^---[ \t]*\n([\s\S]*?)\n---[ \t]*(?:\n|$)/.exec(text);
  if (match === null || match[1]!.length > LIMIT_FRONTMATTER) return undefined;
  const fields = readFields(match[1]!);
  const description = firstLine(fields.get("description"), LIMIT_DESCRIPTION);
  if (description === undefined) return undefined;
  const name = usableName(textOf(fields.get("name")) ?? directoryName) ?? usableName(directoryName);
  if (name === undefined) return undefined;
  const [license, compatibility] = [textOf(fields.get("license")), firstLine(fields.get("compatibility"), 500)];
  const allowedTools = toolsOf(fields.get("allowed-tools") ?? fields.get("allowed_tools"));
  return {
    frontmatter: {
      name,
      description,
      ...(license === undefined ? {} : { license }),
      ...(compatibility === undefined ? {} : { compatibility }),
      ...(allowedTools === undefined ? {} : { allowedTools }),
      metadata: metadataOf(fields),
    },
    body: text.slice(match[0].length),
    warnings: [...new Set([...strict.problems, ...rulesBroken(fields, directoryName)])].map((problem) =>
      explain(problem, name),
    ),
  };
}

/** Values as plain data; what is nested deeper than a skill has use for becomes its YAML text. */
type Value = string | readonly string[] | ReadonlyMap<string, string>;

function readFields(yaml: string): ReadonlyMap<string, Value> {
  const document = parseDocument(yaml, { uniqueKeys: false, logLevel: "silent" });
  const fields = new Map<string, Value>();
  if (!isMap(document.contents)) return looseLines(yaml);
  for (const { key, value } of document.contents.items as readonly Pair<Node, Node | null>[]) {
    if (isScalar(key) && value !== null) fields.set(String(key.value), valueOf(value));
  }
  // `description: Use it: always` is no YAML, and common.
  if (document.errors.length > 0) {
    for (const [key, value] of looseLines(yaml)) if (typeof fields.get(key) !== "string") fields.set(key, value);
  }
  return fields;
}

function valueOf(node: Node): Value {
  if (isScalar(node)) return String(node.value ?? "");
  if (isSeq(node)) return node.items.map((item) => (isScalar(item) ? String(item.value ?? "") : String(item)));
  if (!isMap(node)) return String(node);
  const entries = node.items as readonly Pair<Node, Node | null>[];
  return new Map(
    entries.map(({ key, value }) => {
      const shown = value === null ? "" : valueOf(value);
      return [isScalar(key) ? String(key.value) : String(key), typeof shown === "string" ? shown : String(value)];
    }),
  );
}

/** `key: anything` on lines of its own. */
function looseLines(yaml: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of yaml.split("\n")) {
    const match = /^([A-Za-z][\w-]{0,63}):[ \t]+(\S.*)$/.exec(line);
    if (match !== null) fields.set(match[1]!, match[2]!.trim().replace(/^(["'])(.*)\1$/, "$2"));
  }
  return fields;
}

function textOf(value: Value | undefined): string | undefined {
  return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
}

function firstLine(value: Value | undefined, limit: number): string | undefined {
  const text = textOf(value)?.replace(/\s+/g, " ");
  if (text === undefined) return undefined;
  const characters = [...text];
  return characters.length <= limit ? text : `${characters.slice(0, limit - 1).join("")}…`;
}

/** `k8s:logs` → `k8s-logs`. */
function usableName(text: string): string | undefined {
  const name = text
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-+|-+$/g, "");
  const cut = [...name].slice(0, 64).join("").replace(/-+$/, "");
  return cut === "" ? undefined : cut;
}

function toolsOf(value: Value | undefined): string | undefined {
  if (value === undefined || value instanceof Map) return undefined;
  const text = typeof value === "string" ? value.replace(/^\[(.*)\]$/, "$1") : "";
  const list = typeof value === "string" ? (text.includes(",") ? text.split(",") : [text]) : (value as string[]);
  const tools = list.map((tool) => tool.trim()).filter((tool) => tool !== "");
  return tools.length === 0 ? undefined : tools.join(" ");
}

/** What the specification has no field for is kept as metadata. */
function metadataOf(fields: ReadonlyMap<string, Value>): Record<string, string> {
  const metadata: Record<string, string> = {};
  for (const [key, value] of fields) {
    if (key === "metadata" && value instanceof Map) for (const [name, inner] of value) metadata[name] = inner;
    else if (!ALLOWED_FIELDS.includes(key) && key !== "allowed_tools") {
      metadata[key] = typeof value === "string" ? value : value instanceof Map ? "" : (value as string[]).join(", ");
    }
  }
  return metadata;
}

/** The rules for values, which the reference does not come to when the YAML is broken. */
function rulesBroken(fields: ReadonlyMap<string, Value>, directoryName: string): string[] {
  const values = [...fields].map(([key, value]): [string, string | ReadonlyMap<string, string>] => [
    key,
    typeof value === "string" || value instanceof Map ? value : (value as string[]).join(" "),
  ]);
  return problemsOf(new Map(values), directoryName);
}

/** The reference validator's words, and what was made of it. */
function explain(problem: string, name: string): string {
  if (/^(?:Skill name|Directory name|Missing required field in frontmatter: name)/.test(problem)) {
    return `${problem}: it is called \`${name}\` here`;
  }
  if (problem.startsWith("Unexpected fields")) return `${problem}: kept as metadata`;
  if (problem.startsWith("Description exceeds")) return `${problem}: cut there`;
  if (problem.startsWith("Compatibility exceeds")) return `${problem}: cut there`;
  return `${problem.replace(/:$/, "")}: read as well as it can be`;
}
