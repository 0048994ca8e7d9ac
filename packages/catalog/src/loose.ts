// Others' documents, looked into without trusting their shape: what does not fit is not there.
import { isJsonObject, type Json, type JsonObject } from "@pratique/core";

/** A text of at most so many characters; longer ones are cut. */
export function text(from: JsonObject | undefined, key: string, limit = 2000): string | undefined {
  const value = from?.[key];
  return typeof value === "string" && value !== "" ? value.slice(0, limit) : undefined;
}

export function flag(from: JsonObject | undefined, key: string): boolean | undefined {
  const value = from?.[key];
  return typeof value === "boolean" ? value : undefined;
}

export function whole(from: JsonObject | undefined, key: string): number | undefined {
  const value = from?.[key];
  return typeof value === "number" && Number.isSafeInteger(value) ? value : undefined;
}

export function object(from: JsonObject | undefined, key: string): JsonObject | undefined {
  const value = from?.[key];
  return isJsonObject(value) ? value : undefined;
}

/** The objects of a list. */
export function objects(from: JsonObject | undefined, key: string, limit = 1000): JsonObject[] {
  const value = from?.[key];
  return isList(value) ? value.filter((one) => isJsonObject(one)).slice(0, limit) : [];
}

/** The texts of a list. */
export function texts(from: JsonObject | undefined, key: string, limit = 200, length = 4000): string[] {
  const value = from?.[key];
  return isList(value) ? textsOf(value, limit, length) : [];
}

function textsOf(list: readonly Json[], limit: number, length: number): string[] {
  return list.filter((one) => typeof one === "string" && one.length <= length).slice(0, limit) as string[];
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** Without members that are undefined. */
export function present(members: Readonly<Record<string, Json | undefined>>): JsonObject {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

/** A name of an entry for whatever others call theirs. */
export function slug(name: string): string {
  const clean = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 63)
    .replace(/-+$/, "");
  return clean === "" ? "server" : clean;
}
