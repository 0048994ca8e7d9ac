// Entries out of others' catalogs, put into a catalog's file. Nothing of what they name is fetched or run.
import { distinct, mergeEntry } from "@pratique/catalog";
import type { Catalog, CatalogEditResult, CatalogImportRequest, Principal, ServerEntry } from "@pratique/contracts";
import { isJsonObject, type Clock, type Mutex } from "@pratique/core";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import { systemResource } from "../artifacts/artifacts.ts";
import { changeCatalogFile, readCatalogFile } from "./catalog-file.ts";
import {
  importDockerSource,
  importRegistrySource,
  importServerJsonSource,
  importToolhiveSource,
  type Fetcher,
} from "./import-source.ts";
import { importMcpbSource } from "./import-mcpb.ts";

export interface CatalogImportsOptions {
  readonly guard: Guard;
  readonly cacheDirectory: string;
  readonly clock: Clock;
  readonly fetcher: Fetcher;
  /** One edit of files after another. */
  readonly editing: Mutex;
}

interface Found {
  readonly entries: readonly ServerEntry[];
  readonly other: Catalog["other"];
  readonly notes: readonly string[];
}

export class CatalogImports {
  readonly #options: CatalogImportsOptions;

  constructor(options: CatalogImportsOptions) {
    this.#options = options;
  }

  import(principal: Principal, request: CatalogImportRequest): Promise<CatalogEditResult> {
    const { guard, editing } = this.#options;
    const { directory, format, source } = request;
    const details = { catalog: { directory, import: format, source: withoutQuery(source) } };
    const act = { principal, action: "admin:write", resource: systemResource, details } as const;
    return editing.run(async () =>
      allowedOrThrow(
        await guard.perform(act, async (_decision, note) => {
          const file = await readCatalogFile(directory);
          const found = await this.#find(request, file.catalog);
          const { chosen, missing } = chosenOf(found.entries, request.only);
          const { entries, added, changed } = placed(file.catalog, chosen);
          const catalog = await changeCatalogFile(file, { entries, other: { ...file.catalog.other, ...found.other } });
          note({ added: added.length, changed: changed.length });
          const unstated = entries.filter(({ network }) => network.unstated === true).length;
          const notes = [
            ...found.notes,
            ...(unstated === 0
              ? []
              : [`of ${unstated} servers nobody says what they reach: say it before they are published`]),
            ...missing.map((one) => `${withoutQuery(source)} brings no server ${one}`),
          ];
          const { name, version } = catalog;
          return { file: file.path, name, version, entries: catalog.entries.length, added, changed, notes };
        }),
      ),
    );
  }

  async #find(request: CatalogImportRequest, catalog: Catalog): Promise<Found> {
    const { fetcher, cacheDirectory, clock } = this.#options;
    const { format, source } = request;
    switch (format) {
      case "docker":
        return { notes: [], ...(await importDockerSource(source, fetcher)) };
      case "toolhive":
        return { notes: [], ...(await importToolhiveSource(source, fetcher)) };
      case "server-json":
        return { ...(await importServerJsonSource(source, fetcher)), notes: [] };
      case "mcpb":
        return await importMcpbSource(source, {
          fetcher,
          cacheDirectory,
          now: clock.now(),
          fileSha256: request.fileSha256,
        });
      case "registry": {
        // Asked before it answers: what changes meanwhile comes with the next import.
        const syncedAt = clock.now().toISOString();
        const since = request.updatedSince ?? lastSync(catalog, source);
        const list = await importRegistrySource(source, { search: request.search, updatedSince: since }, fetcher);
        const known = catalog.other["registry"];
        const synced = { ...(isJsonObject(known) ? known : {}), [source]: { syncedAt } };
        // A search says nothing of what it does not find.
        const other: Catalog["other"] =
          request.search === undefined ? { registry: JSON.parse(JSON.stringify(synced)) } : {};
        return { ...list, other, notes: since === undefined ? [] : [`only what changed since ${since}`] };
      }
    }
  }
}

function lastSync(catalog: Catalog, source: string): string | undefined {
  const known = catalog.other["registry"];
  const synced = isJsonObject(known) ? known[source] : undefined;
  return isJsonObject(synced) && typeof synced["syncedAt"] === "string" ? synced["syncedAt"] : undefined;
}

/** Those that were asked for, and the names of which there is none. */
export function chosenOf(
  entries: readonly ServerEntry[],
  only: readonly string[] | undefined,
): { readonly chosen: readonly ServerEntry[]; readonly missing: readonly string[] } {
  if (only === undefined) return { chosen: entries, missing: [] };
  const chosen = entries.filter(({ name }) => only.includes(name));
  return { chosen, missing: only.filter((name) => !chosen.some((entry) => entry.name === name)) };
}

/** Under their names, or those of entries that are the same server. */
function placed(
  catalog: Catalog,
  found: readonly ServerEntry[],
): { entries: ServerEntry[]; added: string[]; changed: string[] } {
  const byRegistryName = new Map(catalog.entries.map((entry) => [entry.registryName, entry]));
  const byName = new Map(catalog.entries.map((entry) => [entry.name, entry]));
  const changed: ServerEntry[] = [];
  const fresh: ServerEntry[] = [];
  for (const entry of found) {
    const known = entry.registryName === undefined ? byName.get(entry.name) : byRegistryName.get(entry.registryName);
    // Of one that was never here it need not be said that it is gone.
    if (known !== undefined) changed.push(mergeEntry(known, entry));
    else if (entry.status !== "deleted") fresh.push(entry);
  }
  const added = distinct(fresh, byName.keys());
  return {
    entries: [...changed, ...added],
    added: added.map(({ name }) => name),
    changed: changed.map(({ name }) => name),
  };
}

function withoutQuery(source: string): string {
  return source.replace(/[?#].*$/, "");
}
