// A catalog as bytes: what a person writes, and the canonical form that is signed.
import { Catalog, ServerEntry } from "@pratique/contracts";
import { canonicalJson, isJsonObject, type Json, type JsonObject } from "@pratique/core";
import { stringify } from "yaml";
import { catalogErrors } from "./errors.ts";
import { readDocument } from "./read-document.ts";

/** @throws `catalog.unreadable`, `catalog.invalid`, `catalog.duplicate-entry` */
export function parseCatalog(bytes: Uint8Array, file = "catalog.yaml"): Catalog {
  return checkCatalog(readDocument(bytes, file), file);
}

/** @throws `catalog.invalid`, `catalog.duplicate-entry` */
export function checkCatalog(value: unknown, file = "catalog.yaml"): Catalog {
  const result = Catalog.safeParse(value);
  if (!result.success) {
    const [issue] = result.error.issues;
    throw catalogErrors("catalog.invalid", { file, detail: sentence(value, issue?.path ?? [], issue?.message) });
  }
  const seen = new Set<string>();
  for (const { name } of result.data.entries) {
    if (seen.has(name)) throw catalogErrors("catalog.duplicate-entry", { name });
    seen.add(name);
  }
  return result.data;
}

/** Names the entry, and not only its place in the list. */
function sentence(value: unknown, path: readonly PropertyKey[], message = "wrong shape"): string {
  const entries = isJsonObject(value) ? value["entries"] : undefined;
  const [first, index, ...rest] = path;
  const entry: unknown =
    first === "entries" && Array.isArray(entries) && typeof index === "number" ? entries[index] : {};
  const name = isJsonObject(entry) && typeof entry["name"] === "string" ? entry["name"].slice(0, 80) : undefined;
  if (name === undefined) return `${path.map(String).join(".") || "the file"}: ${message}`;
  return `entry ${name}: ${rest.map(String).join(".") || "it"}: ${message}`;
}

/**
 * The one form of a catalog (RFC 8785): entries by name, every default written out, so that it means the same under
 * later versions of this program.
 */
export function encodeCatalog(catalog: Catalog): Buffer {
  const entries = catalog.entries.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const json: Json = JSON.parse(JSON.stringify({ ...catalog, entries }));
  return Buffer.from(canonicalJson(json));
}

const EMPTY_ENTRY = plainEntry(ServerEntry.parse({ name: "x", network: { hosts: [] } }));

/** For people: YAML without what goes without saying. */
export function writeCatalogYaml(catalog: Catalog): string {
  const { entries, other, ...head } = catalog;
  const json = {
    ...head,
    entries: entries.map((entry) => withoutDefaults(plainEntry(entry))),
    ...(Object.keys(other).length === 0 ? {} : { other }),
  };
  return stringify(json, { lineWidth: 0, aliasDuplicateObjects: false });
}

function withoutDefaults(entry: JsonObject): JsonObject {
  const kept = Object.entries(entry).filter(
    ([key, value]) =>
      key === "name" || key === "network" || canonicalJson(value ?? null) !== canonicalJson(EMPTY_ENTRY[key] ?? null),
  );
  const secrets = entry["secrets"];
  const short = kept.map(([key, value]): [string, Json | undefined] =>
    key === "secrets" && Array.isArray(secrets) ? [key, secrets.map((one: Json) => shortSecret(one))] : [key, value],
  );
  return Object.fromEntries(short);
}

function shortSecret(secret: Json): Json {
  if (!isJsonObject(secret)) return secret;
  const defaults: JsonObject = { required: true, scope: "shared" };
  return Object.fromEntries(Object.entries(secret).filter(([key, value]) => defaults[key] !== value));
}

function plainEntry(entry: ServerEntry): JsonObject {
  const json: JsonObject = JSON.parse(JSON.stringify(entry));
  return json;
}
