// What can be done with catalogs: made, filled, reviewed, published, compared, looked into. Each act passes guard.
import { catalogErrors, exportCatalog, writeCatalogYaml } from "@pratique/catalog";
import {
  Catalog,
  type CatalogEditResult,
  type CatalogEntryDetails,
  type CatalogEntrySummary,
  type CatalogExportRequest,
  type CatalogInitRequest,
  type CatalogListing,
  type CatalogReviewRequest,
  type CatalogReviewResult,
  type Principal,
  type ServerEntry,
} from "@pratique/contracts";
import type { JsonObject } from "@pratique/core";
import { allowedOrThrow, type Guard, type GuardResource } from "@pratique/guard";
import { isAbsolute } from "node:path";
import { systemResource, type Artifacts } from "../artifacts/artifacts.ts";
import type { CatalogAdds } from "./catalog-adds.ts";
import { createCatalogFile, readCatalogFile } from "./catalog-file.ts";
import type { CatalogImports } from "./catalog-imports.ts";
import { publishPlace, withoutIncomplete, type CatalogPublishing } from "./catalog-publishing.ts";
import { accept, catalogAt, isAccepted, publishedAt, review, type CatalogAt } from "./catalog-reviews.ts";
import type { Catalogs } from "./catalogs.ts";

export interface CatalogDeskOptions {
  readonly artifacts: Artifacts;
  readonly guard: Guard;
  readonly catalogs: Catalogs;
  /** `localhost:7340`. */
  readonly registry: string;
  readonly adds: CatalogAdds;
  readonly imports: CatalogImports;
  readonly publishing: CatalogPublishing;
}

export class CatalogDesk {
  readonly #options: CatalogDeskOptions;
  readonly adds: CatalogAdds;
  readonly imports: CatalogImports;
  readonly publishing: CatalogPublishing;

  constructor(options: CatalogDeskOptions) {
    this.#options = options;
    this.adds = options.adds;
    this.imports = options.imports;
    this.publishing = options.publishing;
  }

  async init(principal: Principal, { directory, name, title }: CatalogInitRequest): Promise<CatalogEditResult> {
    const details = { catalog: { directory, init: name } };
    return await this.#admin(principal, "admin:write", details, async () => {
      const catalog = Catalog.parse({ name, version: "0.1.0", ...(title === undefined ? {} : { title }) });
      const file = await createCatalogFile(directory, writeCatalogYaml(catalog));
      return { file, name, version: catalog.version, entries: 0, added: [], changed: [], notes: [] };
    });
  }

  async review(principal: Principal, request: CatalogReviewRequest): Promise<CatalogReviewResult> {
    const { artifacts, registry } = this.#options;
    const { directory } = request;
    const details = { catalog: { directory, ...(request.accept ? { accept: true } : { review: true }) } };
    return await this.#admin(principal, request.accept ? "admin:write" : "admin:read", details, async (note) => {
      const { path, catalog: file } = await readCatalogFile(directory);
      const catalog = request.skipIncomplete ? withoutIncomplete(file) : file;
      const { repository } = publishPlace(catalog, request.reference, registry);
      const from = await (request.against === undefined
        ? publishedAt(artifacts, `${registry}/${repository}:latest`)
        : this.#readable(principal, request.against));
      const to: CatalogAt = { place: path, catalog };
      if (request.accept) await accept(directory, from, to);
      const reviewed = review(from, to, request.accept || (await isAccepted(directory, from, to)));
      note({ to: reviewed.to.digest, widens: reviewed.widens, changes: reviewed.changes.length });
      return reviewed;
    });
  }

  async diff(
    principal: Principal,
    places: { readonly from: string; readonly to: string },
  ): Promise<CatalogReviewResult> {
    return await this.#admin(principal, "admin:read", { catalog: { diff: true } }, async () => {
      const [from, to] = [await this.#readable(principal, places.from), await this.#readable(principal, places.to)];
      return review(from, to, false);
    });
  }

  /** Of those in force, or of one place. Entries are those that the principal may see. */
  async list(principal: Principal, place: string | undefined, search: string | undefined): Promise<CatalogListing> {
    const { guard } = this.#options;
    const sources = await this.#sources(principal, place);
    const all = sources.flatMap(({ at }) =>
      at === undefined ? [] : at.catalog.entries.map((entry) => ({ entry, catalog: at.place })),
    );
    const words = (search ?? "")
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== "");
    const matching = all.filter(
      ({ entry }) => entry.status !== "deleted" && words.every((word) => textOf(entry).includes(word)),
    );
    const act = { principal, action: "tool:list", scope: systemResource, details: { catalog: true } } as const;
    const visible = await guard.filter(act, matching, ({ entry }) => entryResource(entry));
    return {
      catalogs: sources.map(({ summary }) => summary),
      entries: visible.map(({ entry, catalog }) => summaryOf(entry, catalog)),
    };
  }

  async show(principal: Principal, name: string, place: string | undefined): Promise<CatalogEntryDetails> {
    const { guard } = this.#options;
    for (const { at } of await this.#sources(principal, place)) {
      const entry = at?.catalog.entries.find((one) => one.name === name || one.registryName === name);
      if (at === undefined || entry === undefined) continue;
      const act = { principal, action: "tool:list", resource: entryResource(entry) } as const;
      return allowedOrThrow(await guard.perform(act, async () => ({ catalog: at.place, entry })));
    }
    throw catalogErrors("catalog.unknown-entry", { name });
  }

  async export(principal: Principal, { place, format }: CatalogExportRequest): Promise<{ text: string }> {
    return await this.#admin(principal, "admin:read", { catalog: { export: format } }, async () => {
      const { catalog } = await this.#readable(principal, place);
      if (format === "yaml") return { text: writeCatalogYaml(catalog) };
      return { text: `${JSON.stringify(exportCatalog(catalog, format), null, 2)}\n` };
    });
  }

  async #sources(
    principal: Principal,
    place: string | undefined,
  ): Promise<{ summary: CatalogListing["catalogs"][number]; at: CatalogAt | undefined }[]> {
    const { catalogs } = this.#options;
    if (place === undefined) return (await catalogs.list()).map(({ summary, inForce }) => ({ summary, at: inForce }));
    const at = await this.#readable(principal, place);
    const { name, title, version } = at.catalog;
    const { artifacts } = this.#options;
    // A file is nothing that could be cleared.
    const cleared = !isAbsolute(place) && (await artifacts.clearedNow(await artifacts.find(place))).cleared;
    const summary = { place: at.place, name, ...(title === undefined ? {} : { title }), version, cleared };
    return [{ summary, at }];
  }

  /** A file of the owner's machine, or an artifact that the principal may pull. */
  async #readable(principal: Principal, place: string): Promise<CatalogAt> {
    const { artifacts, guard } = this.#options;
    if (isAbsolute(place)) {
      return await this.#admin(principal, "admin:read", { catalog: { directory: place } }, () =>
        catalogAt(artifacts, place),
      );
    }
    const resource = await artifacts.resource(await artifacts.find(place));
    const act = { principal, action: "artifact:pull", resource } as const;
    return allowedOrThrow(await guard.perform(act, () => catalogAt(artifacts, place)));
  }

  async #admin<T>(
    principal: Principal,
    action: "admin:read" | "admin:write",
    details: JsonObject,
    run: (note: (details: JsonObject) => void) => Promise<T>,
  ): Promise<T> {
    const act = { principal, action, resource: systemResource, details } as const;
    return allowedOrThrow(await this.#options.guard.perform(act, (_decision, note) => run(note)));
  }
}

/** A server that nobody has started, as policy sees it: by its entry. */
export function entryResource({ name, image }: ServerEntry): GuardResource {
  const digest = image?.digest;
  return {
    type: "Server",
    id: name,
    attributes: { name, isolated: true, cleared: true, ...(digest === undefined ? {} : { digest }) },
  };
}

function textOf({ name, registryName, title, description, tags, tools }: ServerEntry): string {
  return [name, registryName, title, description, ...tags, ...tools.map((tool) => tool.name)].join(" ").toLowerCase();
}

function summaryOf(entry: ServerEntry, catalog: string): CatalogEntrySummary {
  const { name, title, description, version, network, tools, secrets, status, remote, image } = entry;
  return {
    name,
    catalog,
    ...(title === undefined ? {} : { title }),
    ...(description === undefined ? {} : { description }),
    ...(version === undefined ? {} : { version }),
    runs: remote !== undefined ? "remote" : image?.digest === undefined ? "nothing" : "image",
    hosts: network.hosts,
    unstated: network.unstated === true,
    tools: tools.length,
    writing: tools.filter(({ readOnly }) => readOnly !== true).length,
    secrets: secrets.map((secret) => secret.name),
    status,
  };
}
