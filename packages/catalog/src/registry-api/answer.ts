// An entry as the official registry's API shows it (OpenAPI 2025-12-01, ServerResponse).
import type { ServerEntry } from "@pratique/contracts";
import { isJsonObject, type Json, type JsonObject } from "@pratique/core";
import { exactVersionOf, registryNameOf, serverJson } from "../formats/server-json.ts";
import { applyPatch, readPatch } from "../json-patch.ts";
import { object } from "../loose.ts";

export const OFFICIAL_META = "io.modelcontextprotocol.registry/official";
/** Under which this platform says what server.json has no word for. */
const OWN_META = "dev.pratique/entry";
const EPOCH = "1970-01-01T00:00:00Z";

export interface ListedServer {
  readonly name: string;
  readonly version: string;
  readonly updatedAt: string;
  readonly publishedAt: string;
  readonly isDeleted: boolean;
  readonly isLatest: boolean;
  readonly entry: ServerEntry;
}

/** What a client is told of an entry. @param address where it is served by us, for those that the gateway has */
export function serverAnswer(listed: ListedServer, address: string | undefined): JsonObject {
  const { entry, version } = listed;
  const statusChangedAt = listed.updatedAt;
  return {
    server: { ...documentOf(entry, address), version },
    _meta: {
      [OFFICIAL_META]: {
        status: entry.status,
        statusChangedAt,
        publishedAt: listed.publishedAt,
        updatedAt: listed.updatedAt,
        isLatest: listed.isLatest,
      },
    },
  };
}

/**
 * As its author wrote it, but for how it is run: behind the gateway it is an address of ours, and an image that was
 * packed here takes the place of the package that it was packed from, which nobody here has looked at.
 */
function documentOf(entry: ServerEntry, address: string | undefined): JsonObject {
  const written = serverJson.write(entry);
  const original = readPatch(entry.other[serverJson.id]) ?? [];
  const isOurs = entry.image?.digest !== undefined && entry.source !== undefined;
  const steps = original.filter(({ path }) => !isOurs || !/^\/(?:packages|remotes)(?:\/|$)/.test(path));
  const patched = applyPatch(written, steps);
  const { packages, remotes, ...rest } = isJsonObject(patched) ? patched : written;
  const runs: JsonObject =
    address === undefined
      ? { ...(packages === undefined ? {} : { packages }), ...(remotes === undefined ? {} : { remotes }) }
      : { remotes: [{ type: "streamable-http", url: address }] };
  const meta = object(rest, "_meta");
  return { ...rest, name: registryNameOf(entry), ...runs, _meta: { ...meta, [OWN_META]: ownFacts(entry) } };
}

function ownFacts({ name, image, network, tools }: ServerEntry): JsonObject {
  return {
    entry: name,
    ...(image?.digest === undefined ? {} : { digest: image.digest }),
    hosts: [...network.hosts],
    tools: tools.map((tool): Json => ({ name: tool.name, readOnly: tool.readOnly === true })),
  };
}

/** Entries of all catalogs, the earlier ones first; one name may stand there in several versions. */
export function listServers(entries: readonly ServerEntry[]): ListedServer[] {
  const newest = new Map<string, ServerEntry>();
  for (const entry of entries) if (!newest.has(registryNameOf(entry))) newest.set(registryNameOf(entry), entry);
  const seen = new Set<string>();
  const listed: ListedServer[] = [];
  for (const entry of entries) {
    const name = registryNameOf(entry);
    const version = exactVersionOf(entry);
    if (seen.has(`${name} ${version}`)) continue;
    seen.add(`${name} ${version}`);
    listed.push({
      name,
      version,
      publishedAt: entry.publishedAt ?? EPOCH,
      updatedAt: entry.updatedAt ?? entry.publishedAt ?? EPOCH,
      isDeleted: entry.status === "deleted",
      isLatest: newest.get(name) === entry,
      entry,
    });
  }
  return listed.toSorted((a, b) => order(a.name, b.name) || order(a.version, b.version));
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
