// YAML or JSON from outside, bounded before it is looked at: size, depth, number of values, and no aliases.
import { isAlias, isMap, isSeq, parseDocument, type Node } from "yaml";
import type { Json } from "@pratique/core";
import { catalogErrors } from "./errors.ts";

export const DOCUMENT_LIMITS = { bytes: 64 * 1024 * 1024, depth: 64, values: 4_000_000 } as const;
/** YAML costs a tree of nodes, some hundred bytes a value. */
const YAML_BYTES = 8 * 1024 * 1024;

/** @throws `catalog.unreadable` */
export function readDocument(bytes: Uint8Array, file: string): Json {
  const unreadable = (detail: string, cause?: unknown): Error =>
    catalogErrors("catalog.unreadable", { file, detail }, cause === undefined ? {} : { cause });
  if (bytes.byteLength > DOCUMENT_LIMITS.bytes) throw unreadable(`it is larger than ${DOCUMENT_LIMITS.bytes} bytes`);
  let source: string;
  try {
    source = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw unreadable("it is not UTF-8", cause);
  }
  const value = /^\s*[[{]/.test(source) ? parseJsonText(source) : undefined;
  if (value !== undefined) {
    boundJson(value, unreadable);
    return value;
  }
  if (bytes.byteLength > YAML_BYTES) throw unreadable(`as YAML it may have ${YAML_BYTES} bytes; write it as JSON`);
  const parsed = parseYaml(source, unreadable);
  boundJson(parsed, unreadable);
  return parsed;
}

/** Undefined when it is no JSON: a flow mapping of YAML begins the same. */
function parseJsonText(source: string): Json | undefined {
  try {
    const value: Json = JSON.parse(source);
    return value;
  } catch {
    return undefined;
  }
}

function boundJson(value: Json, unreadable: (detail: string) => Error): void {
  let count = 0;
  let level: Json[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > DOCUMENT_LIMITS.depth) throw unreadable("it nests too deeply");
    count += level.length;
    if (count > DOCUMENT_LIMITS.values) throw unreadable("it has too many values");
    // No format has such a member, and too much of what handles JSON trips over it.
    if (level.some((one) => typeof one === "object" && one !== null && Object.hasOwn(one, "__proto__"))) {
      throw unreadable("it has a member __proto__");
    }
    level = level.flatMap((one) =>
      typeof one === "object" && one !== null
        ? Object.values(one).filter((inner): inner is Json => inner !== undefined)
        : [],
    );
  }
}

function parseYaml(source: string, unreadable: (detail: string, cause?: unknown) => Error): Json {
  let document: ReturnType<typeof parseDocument>;
  try {
    document = parseDocument(source, {
      version: "1.2",
      strict: true,
      uniqueKeys: true,
      merge: false,
      logLevel: "silent",
    });
  } catch (cause) {
    // Deep nesting exhausts the parser's stack.
    throw unreadable(cause instanceof RangeError ? "it nests too deeply" : "it cannot be parsed", cause);
  }
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) {
    const message = problem.message.split("\n")[0] ?? "bad YAML";
    throw unreadable(/call stack/.test(message) ? "it nests too deeply" : message);
  }
  boundYaml(document.contents, 0, { values: 0 }, unreadable);
  try {
    // What YAML knows and JSON does not (dates, binary, numbers past 2^53) becomes JSON's or goes.
    const value: Json = JSON.parse(JSON.stringify(document.toJS({ maxAliasCount: 0 }) ?? null));
    return value;
  } catch (cause) {
    throw unreadable("it holds what JSON has no form for", cause);
  }
}

function boundYaml(
  node: Node | null,
  depth: number,
  seen: { values: number },
  unreadable: (detail: string) => Error,
): void {
  if (node === null || node === undefined) return;
  if (depth > DOCUMENT_LIMITS.depth) throw unreadable("it nests too deeply");
  if ((seen.values += 1) > DOCUMENT_LIMITS.values / 4) throw unreadable("it has too many values");
  if (isAlias(node)) throw unreadable(`it has an alias (*${node.source})`);
  if (isMap(node)) {
    for (const pair of node.items) {
      boundYaml(pair.key as Node | null, depth + 1, seen, unreadable);
      boundYaml(pair.value as Node | null, depth + 1, seen, unreadable);
    }
  }
  if (isSeq(node)) for (const item of node.items) boundYaml(item as Node | null, depth + 1, seen, unreadable);
}
