// What one JSON document lacks to be another, as a JSON Patch (RFC 6902) of add, remove and replace.
import { canonicalJson, isJsonObject, type Json, type JsonObject } from "@pratique/core";

export type PatchStep =
  | { readonly op: "add" | "replace"; readonly path: string; readonly value: Json }
  | { readonly op: "remove"; readonly path: string };

/**
 * The steps from `base` to `wanted`. Lists are compared place by place: in time linear in both documents, whatever they
 * hold, since both come from outside.
 */
export function patchBetween(base: Json, wanted: Json): PatchStep[] {
  const steps: PatchStep[] = [];
  compare(base, wanted, "", steps);
  return steps;
}

function compare(base: Json, wanted: Json, path: string, steps: PatchStep[]): void {
  if (isList(base) && isList(wanted)) return compareLists(base, wanted, path, steps);
  if (isJsonObject(base) && isJsonObject(wanted)) {
    for (const key of Object.keys(base)) {
      if (base[key] !== undefined && (!Object.hasOwn(wanted, key) || wanted[key] === undefined)) {
        steps.push({ op: "remove", path: `${path}/${escaped(key)}` });
      }
    }
    for (const [key, value] of Object.entries(wanted)) {
      if (value === undefined) continue;
      const at = `${path}/${escaped(key)}`;
      const before = Object.hasOwn(base, key) ? base[key] : undefined;
      if (before === undefined) steps.push({ op: "add", path: at, value });
      else compare(before, value, at, steps);
    }
    return;
  }
  if (canonicalJson(base) !== canonicalJson(wanted)) steps.push({ op: "replace", path, value: wanted });
}

function compareLists(base: readonly Json[], wanted: readonly Json[], path: string, steps: PatchStep[]): void {
  const shared = Math.min(base.length, wanted.length);
  for (let at = base.length - 1; at >= shared; at -= 1) steps.push({ op: "remove", path: `${path}/${at}` });
  for (let at = 0; at < shared; at += 1) compare(base[at]!, wanted[at]!, `${path}/${at}`, steps);
  for (const value of wanted.slice(shared)) steps.push({ op: "add", path: `${path}/-`, value });
}

/** The document after the steps. A step whose place is gone is left out: the entry has been edited since. */
export function applyPatch(document: Json, steps: readonly PatchStep[]): Json {
  return steps.reduce<Json>((value, step) => at(value, step.path === "" ? [] : partsOf(step.path), step), document);
}

function at(value: Json, parts: readonly string[], step: PatchStep): Json {
  const [key, ...rest] = parts;
  if (key === undefined) return step.op === "remove" ? null : step.value;
  if (isList(value)) {
    const index = key === "-" ? value.length : Number(key);
    if (!Number.isInteger(index) || index < 0 || index > value.length) return value;
    if (rest.length > 0) return index < value.length ? value.with(index, at(value[index]!, rest, step)) : value;
    if (step.op === "add") return value.toSpliced(index, 0, step.value);
    if (index === value.length) return value;
    return step.op === "remove" ? value.toSpliced(index, 1) : value.with(index, step.value);
  }
  if (!isJsonObject(value)) return value;
  // Defined and not assigned: a key such as __proto__ is a member like others.
  const members = new Map(Object.entries(value));
  const before = members.get(key);
  if (rest.length > 0) {
    if (before !== undefined) members.set(key, at(before, rest, step));
  } else if (step.op === "remove") members.delete(key);
  else members.set(key, step.value);
  const changed: JsonObject = Object.fromEntries(members);
  return changed;
}

/** Steps as an entry keeps them; undefined for what is none. */
export function readPatch(value: Json | undefined): PatchStep[] | undefined {
  if (!isList(value)) return undefined;
  const steps: PatchStep[] = [];
  for (const step of value) {
    if (!isJsonObject(step) || typeof step["path"] !== "string") return undefined;
    const { op, path, value: given } = step;
    if (op === "remove") steps.push({ op, path });
    else if ((op === "add" || op === "replace") && given !== undefined) steps.push({ op, path, value: given });
    else return undefined;
  }
  return steps;
}

function escaped(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}

function partsOf(path: string): string[] {
  return path
    .slice(1)
    .split("/")
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}
