// Entries in others' forms again: what was imported comes out as it came in.
import type { Catalog, ServerEntry } from "@pratique/contracts";
import { isJsonObject, type Json, type JsonObject } from "@pratique/core";
import { dockerCatalog } from "./formats/docker-catalog.ts";
import { exportEntry } from "./formats/entry-format.ts";
import { serverJson } from "./formats/server-json.ts";
import { toolhive } from "./formats/toolhive.ts";
import { object, text } from "./loose.ts";

export type ExportFormat = "docker" | "server-json" | "toolhive";

/** The whole list in one document of the format. */
export function exportCatalog(catalog: Catalog, format: ExportFormat): JsonObject {
  switch (format) {
    case "docker":
      return { name: catalog.name, ...rest(catalog, "docker-catalog"), registry: keyed(catalog, dockerCatalog) };
    case "server-json":
      return {
        ...rest(catalog, "server-json"),
        servers: catalog.entries.map((entry) => registryAnswer(entry)),
      };
    case "toolhive":
      return {
        version: "1.0.0",
        ...rest(catalog, "toolhive"),
        servers: keyed({ ...catalog, entries: catalog.entries.filter(({ remote }) => remote === undefined) }, toolhive),
        remote_servers: keyed(
          { ...catalog, entries: catalog.entries.filter(({ remote }) => remote !== undefined) },
          toolhive,
        ),
      };
  }
}

function registryAnswer(entry: ServerEntry): JsonObject {
  const server = exportEntry(serverJson, entry);
  const answer = entry.other["registry-answer"];
  return isJsonObject(answer) ? { server, ...answer } : server;
}

function keyed(catalog: Catalog, format: typeof dockerCatalog): JsonObject {
  const pairs = catalog.entries.map((entry): [string, Json] => {
    const document = exportEntry(format, entry);
    return [text(document, "key", 10_000) ?? entry.name, object(document, "value") ?? {}];
  });
  return Object.fromEntries(pairs);
}

function rest(catalog: Catalog, format: string): JsonObject {
  const other = catalog.other[format];
  return isJsonObject(other) ? other : {};
}
