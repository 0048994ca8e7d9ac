// Which build platforms are trusted, who may speak for each, up to which SLSA level, and what it must have been told.
import { isJsonObject, type Json, type JsonObject } from "@pratique/core";
import type { ProvenanceFacts } from "./provenance-facts.ts";

/** A build platform (SLSA 1.2, verifying artifacts): trusted up to a level, when its own identity signed. */
export interface TrustedBuilder {
  /** The name under which it is shown. */
  readonly name: string;
  /** Pattern of `builder.id`. */
  readonly id: string;
  /** Names of keys and identities that speak for it. */
  readonly signers: readonly string[];
  readonly slsaLevel: number;
  readonly buildTypes?: readonly string[] | undefined;
  /** Patterns of the source repository. */
  readonly sources?: readonly string[] | undefined;
  /** Patterns of each external parameter by its dotted path; one that is not named is refused. */
  readonly parameters?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** `*` stands for any characters but `/`, `**` for any at all. Linear in the text, which comes from outside. */
export function fitsUri(pattern: string, text: string): boolean {
  const parts = pattern.split(/(\*{1,2})/);
  // Every place in the text that the pattern so far can end at.
  let ends = new Set([0]);
  for (const part of parts) {
    if (part === "") continue;
    const next = new Set<number>();
    if (part === "*" || part === "**") {
      let isOpen = false;
      for (let at = 0; at <= text.length; at += 1) {
        isOpen ||= ends.has(at);
        if (isOpen) next.add(at);
        if (part === "*" && text[at] === "/") isOpen = false;
      }
    } else for (const end of ends) if (text.startsWith(part, end)) next.add(end + part.length);
    ends = next;
    if (ends.size === 0) return false;
  }
  return ends.has(text.length);
}

/** A part of a path that whoever fetches it resolves, so that it leads elsewhere (RFC 3986, 5.2.4). */
const DOT_PART = /[\\/](?:\.|%2e){1,2}(?:[\\/]|$)/i;
const MAX_LEAVES = 1000;
const MAX_SHOWN = 5;
const MAX_TEXT = 2000;

/** The builder's entry, by the id alone: who may speak for it is asked afterwards. */
export function buildersOf(builders: readonly TrustedBuilder[], id: string): TrustedBuilder[] {
  return id.length > MAX_TEXT ? [] : builders.filter((builder) => fitsUri(builder.id, id));
}

/** What provenance says that a builder's entry does not allow, a sentence each. */
export function unmetBy(builder: TrustedBuilder, { buildType, source, parameters }: ProvenanceFacts): string[] {
  const { buildTypes, sources, parameters: expected } = builder;
  const unmet: string[] = [];
  if (buildTypes !== undefined && !buildTypes.some((pattern) => fitsUri(pattern, buildType.slice(0, MAX_TEXT)))) {
    unmet.push(`its build type ${buildType.slice(0, 200)} is not one of ${builder.name}`);
  }
  if (sources !== undefined && !fitsSource(sources, source)) {
    unmet.push(`its source ${source?.repository.slice(0, 200) ?? "is not told and"} is not one of ${builder.name}`);
  }
  if (expected !== undefined) unmet.push(...unmetParameters(expected, parameters));
  return unmet;
}

/** Whether the source repository fits one of the patterns, however it is fetched. */
export function fitsSource(patterns: readonly string[], source: ProvenanceFacts["source"]): boolean {
  if (source === undefined || source.repository.length > MAX_TEXT) return false;
  if (DOT_PART.test(source.repository)) return false;
  return patterns.some((pattern) => fitsUri(pattern.replace(/^git\+/, "").replace(/\.git$/, ""), source.repository));
}

function unmetParameters(expected: NonNullable<TrustedBuilder["parameters"]>, parameters: JsonObject): string[] {
  const leaves = leavesOf(parameters);
  if (leaves === undefined) return ["it has too many parameters to be checked"];
  // One path may stand for several values, since a key may have a dot in it: each of them counts.
  const given = Map.groupBy(leaves, ([path]) => path);
  const unknown = leaves.filter(([path]) => !Object.hasOwn(expected, path)).map(([path]) => path);
  const unmet = unknown.slice(0, MAX_SHOWN).map((path) => `its parameter ${path.slice(0, 100)} is not expected`);
  for (const [path, patterns] of Object.entries(expected)) {
    const values = given.get(path);
    if (values === undefined) unmet.push(`its parameter ${path} is missing`);
    const fits = (value: string): boolean =>
      value.length <= MAX_TEXT && patterns.some((pattern) => fitsUri(pattern, value));
    const other = values?.find(([, value]) => !fits(value))?.[1];
    if (other !== undefined) unmet.push(`its parameter ${path} is ${JSON.stringify(other.slice(0, 100))}`);
  }
  return unmet;
}

/** Every value in parameters by its dotted path, as text; empty lists and mappings are none. */
function leavesOf(parameters: JsonObject): [string, string][] | undefined {
  const leaves: [string, string][] = [];
  const visit = (value: Json | undefined, path: string): boolean => {
    if (leaves.length > MAX_LEAVES) return false;
    if (value === undefined) return true;
    if (Array.isArray(value)) return value.every((item: Json, at) => visit(item, `${path}.${at}`));
    if (isJsonObject(value)) {
      return Object.entries(value).every(([key, item]) => visit(item, path === "" ? key : `${path}.${key}`));
    }
    leaves.push([path, typeof value === "string" ? value : JSON.stringify(value)]);
    return true;
  };
  return visit(parameters, "") ? leaves : undefined;
}
