// One server into a catalog's file: packed when it has to be, signed and cleared, and asked for its tools in a sandbox.
import { randomBytes } from "node:crypto";
import { isAbsolute } from "node:path";
import { catalogErrors, importServerJson, mergeEntry, readDocument } from "@pratique/catalog";
import {
  ServerEntry,
  type CatalogAddRequest,
  type CatalogAddResult,
  type EntryTool,
  type Principal,
} from "@pratique/contracts";
import { describeError, type JsonObject, type Log, type Mutex } from "@pratique/core";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import { isServerAddress, readArtifact, type McpServerInfo } from "@pratique/packaging";
import { systemResource, type Artifacts } from "../artifacts/artifacts.ts";
import type { Found } from "../artifacts/find-artifact.ts";
import type { ServerPacks } from "../artifacts/server-packs.ts";
import type { Clearances } from "../clearance/clearances.ts";
import { daemonErrors } from "../errors.ts";
import type { SigningDesk } from "../signing/signing-desk.ts";
import { changeCatalogFile, readCatalogFile } from "./catalog-file.ts";

/** Starts a cleared server alone and without network, and asks it for its tools. */
export type ToolProbe = (
  principal: Principal,
  found: Found,
  name: string,
  /** What is known of it: its environment and secrets by name. */
  entry: ServerEntry,
) => Promise<JsonObject[] | undefined>;

export interface CatalogAddsOptions {
  readonly artifacts: Artifacts;
  readonly packs: Pick<ServerPacks, "pack">;
  readonly signing: Pick<SigningDesk, "sign">;
  readonly clearances: Pick<Clearances, "clear">;
  readonly guard: Guard;
  readonly probe: ToolProbe;
  readonly editing: Mutex;
  readonly log: Log;
}

export class CatalogAdds {
  readonly #options: CatalogAddsOptions;

  constructor(options: CatalogAddsOptions) {
    this.#options = options;
  }

  async add(principal: Principal, request: CatalogAddRequest): Promise<CatalogAddResult> {
    const { artifacts, guard, editing } = this.#options;
    const { directory, source } = request;
    const looking = {
      principal,
      action: "admin:read",
      resource: systemResource,
      details: { catalog: { directory } },
    } as const;
    const before = allowedOrThrow(await guard.perform(looking, () => readCatalogFile(directory)));
    const notes: string[] = [];
    const isPacked = !isServerAddress(source) && !isAbsolute(source);
    const found = await artifacts.find(isPacked ? source : await this.#pack(principal, source, notes));
    if (found.kind !== "mcp-server") {
      throw daemonErrors("artifact.wrong-kind", { reference: found.reference, kind: found.kind, wanted: "mcp-server" });
    }
    const cleared = await this.#clear(principal, found, request.clear, notes);
    const info = await this.#look(principal, found);
    const base = entryOf(found, info, isPacked ? undefined : source, request.name);
    const written = before.catalog.entries.find(({ name }) => name === base.name) ?? base;
    const tools = cleared ? await this.#probe(principal, found, written, notes) : undefined;
    const fresh = withTools(base, info, tools);
    const act = {
      principal,
      action: "admin:write",
      resource: systemResource,
      details: { catalog: { directory, add: fresh.name, digest: found.descriptor.digest } },
    } as const;
    return await editing.run(async () =>
      allowedOrThrow(
        await guard.perform(act, async () => {
          const file = await readCatalogFile(directory);
          const known = file.catalog.entries.find(({ name }) => name === fresh.name);
          const merged = known === undefined ? fresh : keepWords(known, mergeEntry(known, fresh));
          const entry = request.hosts === undefined ? merged : { ...merged, network: { hosts: [...request.hosts] } };
          const catalog = await changeCatalogFile(file, { entries: [entry] });
          if (entry.network.unstated === true) {
            notes.push("nobody says what it reaches: --host HOST:PORT, or --no-network");
          }
          return {
            file: before.path,
            name: catalog.name,
            version: catalog.version,
            entries: catalog.entries.length,
            added: known === undefined ? [entry.name] : [],
            changed: known === undefined ? [] : [entry.name],
            notes,
            entry,
            cleared,
            inspected: tools !== undefined,
          };
        }),
      ),
    );
  }

  async #pack(principal: Principal, source: string, notes: string[]): Promise<string> {
    const packed = await this.#options.packs.pack(principal, { source });
    notes.push(...packed.notes);
    return `${packed.reference.replace(/:[^:/]+$/, "")}@${packed.digest}`;
  }

  async #clear(principal: Principal, found: Found, wanted: boolean, notes: string[]): Promise<boolean> {
    const { artifacts, signing, clearances } = this.#options;
    const standing = await artifacts.clearedNow(found);
    if (standing.cleared || !wanted) return standing.cleared;
    const reference = pinned(found);
    const { signers } = await artifacts.evidence(found);
    if (signers.length === 0) await signing.sign(principal, { reference });
    const { cleared, decision } = await clearances.clear(principal, reference);
    if (!cleared)
      notes.push(`it is not cleared: ${decision.policies.map(({ id }) => id).join(", ") || "no policy allows it"}`);
    return cleared;
  }

  async #look(principal: Principal, found: Found): Promise<McpServerInfo> {
    const { artifacts, guard } = this.#options;
    const act = { principal, action: "artifact:pull", resource: await artifacts.resource(found) } as const;
    const info = allowedOrThrow(
      await guard.perform(act, () => readArtifact(found.repository, found.descriptor.digest)),
    );
    if (info.kind === "mcp-server") return info;
    throw daemonErrors("artifact.wrong-kind", { reference: found.reference, kind: info.kind, wanted: "mcp-server" });
  }

  async #probe(
    principal: Principal,
    found: Found,
    entry: ServerEntry,
    notes: string[],
  ): Promise<JsonObject[] | undefined> {
    const { name } = entry;
    try {
      const own = `${name.slice(0, 40)}-${randomBytes(4).toString("hex")}`;
      const tools = await this.#options.probe(principal, found, own, entry);
      if (tools === undefined) notes.push("its tools were not listed: nothing here isolates it (pratique doctor)");
      return tools;
    } catch (error) {
      // Many servers do not start without what they need: then the entry has the tools that its author names.
      this.#options.log.warn("a server does not list its tools", { server: name, ...describeError(error) });
      notes.push("it does not list its tools without what it needs");
      return undefined;
    }
  }
}

function pinned(found: Found): string {
  return `${found.repository.name}@${found.descriptor.digest}`;
}

function entryOf(found: Found, info: McpServerInfo, source: string | undefined, name: string | undefined): ServerEntry {
  const { serverJson } = info;
  const [described] =
    serverJson === ""
      ? []
      : importServerJson(readDocument(Buffer.from(serverJson), "server.json"), "server.json").entries;
  const own = ServerEntry.parse({ name: slugOf(found), network: { hosts: [], unstated: true } });
  const entry = described ?? own;
  const { command } = entry.image ?? {};
  return ServerEntry.parse({
    ...entry,
    name: name ?? entry.name,
    version: info.version ?? entry.version,
    ...(source === undefined ? {} : { source }),
    image: {
      reference: found.repository.name,
      digest: found.descriptor.digest,
      // Arguments replace those of the image: all of them, or none where nothing has to be asked for.
      ...(command?.some((one) => one.includes("{{")) === true ? { command } : {}),
    },
    remote: undefined,
  });
}

function slugOf(found: Found): string {
  const last = found.repository.name.slice(found.repository.name.lastIndexOf("/") + 1);
  return (
    last
      .replace(/[^a-z0-9-]+/g, "-")
      .replace(/^-+|-+$/g, "")
      .slice(0, 63) || "server"
  );
}

/** What it lists itself; else what server.json has verdicts on. Verdicts come from the signed server.json. */
function withTools(entry: ServerEntry, info: McpServerInfo, listed: readonly JsonObject[] | undefined): ServerEntry {
  const names = listed ?? Object.keys(info.tools).map((name): JsonObject => ({ name }));
  const tools = names.flatMap((tool): EntryTool[] => {
    const { name, title, description, inputSchema, outputSchema, annotations } = tool;
    if (typeof name !== "string") return [];
    const parsed = ServerEntry.shape.tools.safeParse([
      JSON.parse(
        JSON.stringify({ name, title, description, inputSchema, outputSchema, annotations, ...info.tools[name] }),
      ),
    ]);
    if (!parsed.success) throw catalogErrors("catalog.tool-unfit", { name: entry.name, tool: name.slice(0, 200) });
    return parsed.data;
  });
  return tools.length === 0 ? entry : { ...entry, tools };
}

/** What a person wrote of it stays: a packing knows nothing of what a server is for. */
function keepWords(known: ServerEntry, entry: ServerEntry): ServerEntry {
  const command = known.image?.command ?? entry.image?.command;
  return {
    ...entry,
    ...(known.title === undefined ? {} : { title: known.title }),
    ...(known.description === undefined ? {} : { description: known.description }),
    tags: known.tags.length > 0 ? known.tags : entry.tags,
    ...(entry.image === undefined ? {} : { image: { ...entry.image, ...(command === undefined ? {} : { command }) } }),
    env: { ...entry.env, ...known.env },
    secrets: known.secrets.length > 0 ? known.secrets : entry.secrets,
    ...(known.config === undefined ? {} : { config: known.config }),
    volumes: known.volumes.length > 0 ? known.volumes : entry.volumes,
    ...(known.source === undefined || entry.source !== undefined ? {} : { source: known.source }),
  };
}
