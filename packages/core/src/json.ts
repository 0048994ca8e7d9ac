// JSON values, and their canonical form (RFC 8785) for digests and signatures.
import canonicalizeJson from "canonicalize";

/** Any JSON value. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json | undefined };

/** A JSON object. */
export type JsonObject = { readonly [key: string]: Json | undefined };

/** The canonical JSON text of a value: RFC 8785 (JCS). */
export function canonicalJson(value: Json): string {
  const text = canonicalizeJson(value);
  if (text === undefined) throw new TypeError("value has no JSON form");
  return text;
}

/** True for a plain JSON object (not an array, not null). */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
