// Parts of JSON that others wrote: what has not the expected type is not there, and nothing is longer than it should be.
import { isJsonObject, type Json, type JsonObject } from "@pratique/core";

const LIMIT_TEXT = 65_536;

export function textAt(value: Json | undefined, key: string): string | undefined {
  const found = isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  return typeof found === "string" && found.length <= LIMIT_TEXT ? found : undefined;
}

export function objectAt(value: Json | undefined, key: string): JsonObject | undefined {
  const found = isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  return isJsonObject(found) ? found : undefined;
}

export function listAt(value: Json | undefined, key: string): readonly Json[] {
  const found = isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  return Array.isArray(found) ? found : [];
}

export function objectsAt(value: Json | undefined, key: string): JsonObject[] {
  return listAt(value, key).filter(isJsonObject);
}

export function textsAt(value: Json | undefined, key: string): string[] {
  return listAt(value, key).filter((one): one is string => typeof one === "string" && one.length <= LIMIT_TEXT);
}

/** A time as RFC 3339 has it; undefined for what is none, such as what redacts one. */
export function timeAt(value: Json | undefined, key: string): string | undefined {
  const text = textAt(value, key);
  return text !== undefined && RFC3339.test(text) && !Number.isNaN(Date.parse(text)) ? text : undefined;
}

const RFC3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/;

/** Without the keys that have no value. */
export function defined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const result: { [K in keyof T]?: Exclude<T[K], undefined> } = {};
  for (const key in values) {
    const value = values[key];
    if (isDefined(value)) result[key] = value;
  }
  return result;
}

function isDefined<T>(value: T): value is Exclude<T, undefined> {
  return value !== undefined;
}

/** The list, unless it is empty. */
export function listOrNone<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}

/** False when a value is nested deeper than that; it does not recurse further itself. */
export function isWithinDepth(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (depth === 0) return false;
  for (const item of Array.isArray(value) ? value : Object.values(value)) {
    if (typeof item === "object" && item !== null && !isWithinDepth(item, depth - 1)) return false;
  }
  return true;
}
