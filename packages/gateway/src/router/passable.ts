// What may pass from a server to a client: bounded, and without anything that only the gateway may say.
import type { Json, JsonObject } from "@pratique/core";
import { DEPTH_LIMIT } from "../limits.ts";

/** Keys under this prefix in `_meta` are the gateway's own word. */
const OWN_META_PREFIX = "dev.pratique/";
export const DECISION_META = `${OWN_META_PREFIX}decision`;

const UNPRINTABLE = /[^\u0021-\u007e]/g;

/** What is done with the texts and keys of a value. */
interface Passing {
  /** A string under a key, or in a list under it, as it may pass. */
  readonly text?: (text: string, key: string | undefined) => string;
}

/**
 * The very same value when all of it may pass; else a copy without the gateway's own keys anywhere in a `_meta`, and cut
 * where it nests too deep.
 */
export function passable<T extends Json>(value: T, passing: Passing = {}): T {
  // What a copy leaves out is optional wherever it stands.
  return pass(value, passing, 0, undefined, false) as T;
}

function pass(value: Json, passing: Passing, depth: number, key: string | undefined, isMeta: boolean): Json {
  if (typeof value === "string") return passing.text === undefined ? value : passing.text(value, key);
  if (typeof value !== "object" || value === null) return value;
  if (depth > DEPTH_LIMIT) return "«too deep»";
  return Array.isArray(value)
    ? passList(value, passing, depth, key, isMeta)
    : passObject(value as JsonObject, passing, depth, isMeta);
}

function passList(
  list: readonly Json[],
  passing: Passing,
  depth: number,
  key: string | undefined,
  isMeta: boolean,
): Json {
  let copy: Json[] | undefined;
  for (let at = 0; at < list.length; at++) {
    const item = list[at]!;
    const passed = pass(item, passing, depth + 1, key, isMeta);
    if (passed === item) continue;
    copy ??= [...list];
    copy[at] = passed;
  }
  return copy ?? list;
}

function passObject(object: JsonObject, passing: Passing, depth: number, isMeta: boolean): Json {
  let copy: Record<string, Json | undefined> | undefined;
  for (const name in object) {
    const item = object[name];
    if (name === "__proto__" || (isMeta && isOwn(name))) {
      copy ??= { ...object };
      delete copy[name];
      continue;
    }
    if (item === undefined) continue;
    const passed = pass(item, passing, depth + 1, name, isMeta || name === "_meta");
    if (passed === item) continue;
    copy ??= { ...object };
    copy[name] = passed;
  }
  return copy ?? object;
}

/** Written in capitals or with characters that nobody sees it is the same name. */
function isOwn(name: string): boolean {
  if (name.length < OWN_META_PREFIX.length) return false;
  return name.replaceAll(UNPRINTABLE, "").toLowerCase().startsWith(OWN_META_PREFIX);
}

/** True when a value nests no deeper than is allowed. */
export function isShallow(value: unknown, depth = 0): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (depth >= DEPTH_LIMIT) return false;
  for (const name in value) if (!isShallow(Reflect.get(value, name), depth + 1)) return false;
  return true;
}
