// Others' lists and single documents → entries, each under a name of its own.
import type { Catalog, ServerEntry } from "@pratique/contracts";
import { isJsonObject, type Json, type JsonObject } from "@pratique/core";
import { catalogErrors } from "./errors.ts";
import { dockerCatalog } from "./formats/docker-catalog.ts";
import { dockerRegistry } from "./formats/docker-registry.ts";
import {
  asOther,
  exportEntry,
  importEntry,
  withOriginal,
  type EntryFormat,
  type ImportOrigin,
} from "./formats/entry-format.ts";
import { mcpb } from "./formats/mcpb.ts";
import { serverJson } from "./formats/server-json.ts";
import { toolhive } from "./formats/toolhive.ts";
import { toolhiveMeta } from "./formats/toolhive-meta.ts";
import { object, objects, text } from "./loose.ts";

export interface ImportedList {
  readonly entries: readonly ServerEntry[];
  /** What the list says beside its servers, for a catalog's `other`. */
  readonly other: Catalog["other"];
}

const LIMIT_ENTRIES = 20_000;
const FORMATS: ReadonlyMap<string, EntryFormat> = new Map(
  [dockerCatalog, dockerRegistry, mcpb, serverJson, toolhive, toolhiveMeta].map((format) => [format.id, format]),
);

export function formatNamed(id: string): EntryFormat | undefined {
  return FORMATS.get(id);
}

/** The document that an entry was imported from; undefined when it was not imported in this format. */
export function originalOf(entry: ServerEntry, format: string): JsonObject | undefined {
  const found = FORMATS.get(format);
  return found === undefined || entry.other[format] === undefined ? undefined : exportEntry(found, entry);
}

/** Docker: a catalog (`registry:` map), or one server.yaml with its tools.json. @throws `catalog.import-unknown` */
export function importDocker(document: Json, file: string, tools?: Json): ImportedList {
  const root = rootOf(document, file, "docker");
  const registry = object(root, "registry");
  if (registry !== undefined) {
    const { registry: _, ...rest } = root;
    const entries = mapped(registry, file).map(([name, tile]) =>
      importEntry(dockerCatalog, { key: name, value: tile }),
    );
    return list(entries, { "docker-catalog": rest });
  }
  if (text(root, "name") === undefined || text(root, "type") === undefined) {
    throw catalogErrors("catalog.import-unknown", {
      file,
      format: "docker",
      detail: "it has neither a map `registry` nor `name` and `type`",
    });
  }
  return list([importEntry(dockerRegistry, { server: root, ...(tools === undefined ? {} : { tools }) })], {});
}

/** server.json, one or a list of them, or a page of the registry's API. @throws `catalog.import-unknown` */
export function importServerJson(
  document: Json,
  file: string,
  source?: (server: JsonObject) => string | undefined,
): ImportedList {
  const root = rootOf(document, file, "server-json");
  const origin = (server: JsonObject): ImportOrigin => ({ source: source?.(server) });
  if (Array.isArray(root["servers"])) {
    const { servers: _, ...rest } = root;
    const entries = objects(root, "servers", LIMIT_ENTRIES).map((one) => {
      // The API puts what the registry says beside what the publisher says.
      const server = object(one, "server");
      return server === undefined
        ? importEntry(serverJson, one, origin(one))
        : fromRegistry(server, one, origin(server));
    });
    return list(entries, { "server-json": rest });
  }
  const server = object(root, "server");
  if (server !== undefined && text(server, "name") !== undefined) {
    return list([fromRegistry(server, root, origin(server))], {});
  }
  if (text(root, "name") === undefined || text(root, "version") === undefined) {
    throw catalogErrors("catalog.import-unknown", {
      file,
      format: "server-json",
      detail: "it has no name and version",
    });
  }
  return list([importEntry(serverJson, root, origin(root))], {});
}

const OFFICIAL = "io.modelcontextprotocol.registry/official";

/** `_meta` of the answer is the registry's own: its status counts, all of it is kept. */
function fromRegistry(server: JsonObject, answer: JsonObject, origin: ImportOrigin): ServerEntry {
  const entry = importEntry(serverJson, server, origin);
  const { server: _, ...rest } = answer;
  const status = text(object(object(answer, "_meta"), OFFICIAL), "status");
  return {
    ...entry,
    ...(status === "deprecated" || status === "deleted" ? { status } : {}),
    other: { ...entry.other, "registry-answer": asOther(rest) },
  };
}

/** ToolHive: its own form (also one spec.yaml), or the one on top of server.json. @throws `catalog.import-unknown` */
export function importToolhive(document: Json, file: string): ImportedList {
  const root = rootOf(document, file, "toolhive");
  const data = object(root, "data");
  if (data !== undefined && Array.isArray(data["servers"])) {
    const { servers: _, ...others } = data;
    const entries = objects(data, "servers", LIMIT_ENTRIES).map((one) => importEntry(toolhiveMeta, one));
    return list(entries, { toolhive: { ...root, data: others } });
  }
  const [servers, remotes] = [object(root, "servers"), object(root, "remote_servers")];
  if (servers === undefined && remotes === undefined) {
    if (text(root, "image") === undefined && text(root, "url") === undefined) {
      throw catalogErrors("catalog.import-unknown", { file, format: "toolhive", detail: "it lists no servers" });
    }
    return list([importEntry(toolhive, { key: text(root, "name") ?? "server", value: root })], {});
  }
  const { servers: _, remote_servers: __, ...rest } = root;
  const entries = [servers ?? {}, remotes ?? {}]
    .flatMap((map) => mapped(map, file))
    .map(([name, server]) => importEntry(toolhive, { key: name, value: server }));
  // Servers of groups are servers too; the groups keep who belongs to which.
  for (const group of objects(root, "groups")) {
    for (const key of ["servers", "remote_servers"]) {
      for (const [name, server] of mapped(object(group, key) ?? {}, file))
        entries.push(importEntry(toolhive, { key: name, value: server }));
    }
  }
  return list(entries, { toolhive: rest });
}

/** The manifest of a bundle. @throws `catalog.import-unknown` */
export function importMcpb(manifest: Json, file: string, source: string): ImportedList {
  const root = rootOf(manifest, file, "mcpb");
  if (text(root, "name") === undefined) {
    throw catalogErrors("catalog.import-unknown", { file, format: "mcpb", detail: "its manifest has no name" });
  }
  return list([importEntry(mcpb, root, { source })], {});
}

function list(entries: readonly ServerEntry[], other: JsonObject): ImportedList {
  return {
    entries: distinct(entries),
    other: Object.fromEntries(Object.entries(other).map(([key, value]) => [key, asOther(value ?? null)])),
  };
}

/** Names that are taken get a number; what tells two apart is kept in `other` and in registryName. */
export function distinct(entries: readonly ServerEntry[], taken: Iterable<string> = []): ServerEntry[] {
  const names = new Set(taken);
  return entries.map((entry) => {
    let { name } = entry;
    for (let count = 2; names.has(name); count += 1) name = `${entry.name.slice(0, 58)}-${count}`;
    names.add(name);
    return name === entry.name ? entry : renamed(entry, name);
  });
}

/** Under another name, and still exported as it came. */
function renamed(entry: ServerEntry, name: string): ServerEntry {
  const originals = Object.keys(entry.other).map((id) => [FORMATS.get(id), originalOf(entry, id)] as const);
  let next: ServerEntry = { ...entry, name };
  for (const [format, original] of originals) {
    if (format === undefined || original === undefined) continue;
    next = withOriginal(format, next, original);
  }
  return next;
}

function mapped(map: JsonObject, file: string): [string, JsonObject][] {
  const pairs = Object.entries(map);
  if (pairs.length > LIMIT_ENTRIES) {
    throw catalogErrors("catalog.unreadable", { file, detail: `it has more than ${LIMIT_ENTRIES} servers` });
  }
  return pairs.flatMap(([name, value]): [string, JsonObject][] => (isJsonObject(value) ? [[name, value]] : []));
}

function rootOf(document: Json, file: string, format: string): JsonObject {
  if (isJsonObject(document)) return document;
  throw catalogErrors("catalog.import-unknown", { file, format, detail: "it is no object" });
}
