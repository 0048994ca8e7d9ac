// The official registry's read API over the catalogs in force: what a client may see is what policy lets it see.
import type { IncomingMessage, ServerResponse } from "node:http";
import { listServers, pageOf, parseServerQuery, serverAnswer, type ListedServer } from "@pratique/catalog";
import type { Principal } from "@pratique/contracts";
import { describeError, isPratiqueError, type JsonObject, type Log } from "@pratique/core";
import type { Guard } from "@pratique/guard";
import { systemResource } from "../artifacts/artifacts.ts";
import { entryResource } from "./catalog-desk.ts";
import type { Catalogs } from "./catalogs.ts";

export interface RegistryApiOptions {
  readonly catalogs: Pick<Catalogs, "inForce">;
  readonly guard: Guard;
  /** Who reads for those that have no token, where the configuration lets them. */
  readonly anonymous: Principal | undefined;
  /** Where the gateway serves an entry, when it does. */
  readonly addressOf: (entry: string) => string | undefined;
  readonly log: Log;
}

export type RegistryApi = (
  req: IncomingMessage,
  res: ServerResponse,
  url: URL,
  principal: Principal | undefined,
) => Promise<void>;

const PATH = /^\/v0(?:\.1)?\/servers(?:\/([^/]{1,600})(?:\/versions(?:\/([^/]{1,600}))?)?)?\/?$/;
/** Editors that are no web pages: their pages have no http origin. */
const EDITOR_ORIGIN = /^(?:vscode-file|vscode-webview|app|file):\/\/[\w.-]*$/;

export function isRegistryPath(path: string): boolean {
  return path.startsWith("/v0.1/") || path.startsWith("/v0/");
}

/** True for an origin that may read the list: it is no page of the web. */
export function isEditorOrigin(origin: string | undefined): boolean {
  return origin !== undefined && EDITOR_ORIGIN.test(origin);
}

export function createRegistryApi(options: RegistryApiOptions): RegistryApi {
  const { log } = options;
  return async (req, res, url, principal) => {
    const { origin } = req.headers;
    if (origin !== undefined && isEditorOrigin(origin)) {
      res.setHeader("access-control-allow-origin", origin);
      res.setHeader("vary", "Origin");
      res.setHeader("access-control-allow-headers", "authorization, content-type");
      res.setHeader("access-control-allow-methods", "GET, OPTIONS");
    }
    if (req.method === "OPTIONS") return void res.writeHead(204).end();
    if (req.method !== "GET") {
      res.setHeader("allow", "GET, OPTIONS");
      return send(res, 405, { error: "this registry is read-only" });
    }
    const reader = principal ?? options.anonymous;
    if (reader === undefined) {
      res.setHeader("www-authenticate", 'Bearer realm="pratique"');
      return send(res, 401, { error: "a token is needed: pratique token" });
    }
    try {
      await answer(options, res, url, reader);
    } catch (error) {
      if (!isPratiqueError(error))
        log.error("the registry API failed", { path: url.pathname, ...describeError(error) });
      const status = isPratiqueError(error) ? error.status : 500;
      send(res, status, { error: status === 500 ? "it failed" : describeError(error).message });
    }
  };
}

async function answer(options: RegistryApiOptions, res: ServerResponse, url: URL, reader: Principal): Promise<void> {
  const [match, name, version] = PATH.exec(url.pathname) ?? [];
  if (match === undefined) {
    const isHealth = /^\/v0(?:\.1)?\/(?:health|ping)$/.test(url.pathname);
    return isHealth ? send(res, 200, { status: "ok" }) : send(res, 404, { error: "Not found" });
  }
  const query = parseServerQuery(url.searchParams);
  const listed = await visible(options, reader);
  if (name === undefined) {
    const { servers, nextCursor } = pageOf(listed, query);
    return send(res, 200, listOf(options, servers, nextCursor));
  }
  const wanted = decoded(name);
  const versions = listed.filter((one) => one.name === wanted && (!one.isDeleted || query.includeDeleted));
  if (versions.length === 0) return send(res, 404, { error: "Server not found" });
  const isList = url.pathname.replace(/\/$/, "").endsWith("/versions");
  if (version === undefined && isList) {
    const newest = versions.toSorted((a, b) => (a.publishedAt < b.publishedAt ? 1 : -1));
    return send(res, 200, listOf(options, newest, undefined));
  }
  const one =
    version === undefined || version === "latest"
      ? versions.find(({ isLatest }) => isLatest)
      : versions.find((each) => each.version === decoded(version));
  if (one === undefined) return send(res, 404, { error: "Server not found" });
  send(res, 200, serverAnswer(one, options.addressOf(one.entry.name)));
}

/** One record for the whole list, whatever was asked of it. */
async function visible({ catalogs, guard }: RegistryApiOptions, principal: Principal): Promise<ListedServer[]> {
  const entries = (await catalogs.inForce()).flatMap(({ catalog }) => catalog.entries);
  const act = { principal, action: "tool:list", scope: systemResource, details: { registry: true } } as const;
  return await guard.filter(act, listServers(entries), ({ entry }) => entryResource(entry));
}

function listOf(
  options: RegistryApiOptions,
  servers: readonly ListedServer[],
  nextCursor: string | undefined,
): JsonObject {
  return {
    servers: servers.map((one) => serverAnswer(one, options.addressOf(one.entry.name))),
    metadata: { count: servers.length, ...(nextCursor === undefined ? {} : { nextCursor }) },
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return "";
  }
}

function send(res: ServerResponse, status: number, body: JsonObject): void {
  const bytes = Buffer.from(JSON.stringify(body));
  res.writeHead(status, {
    "content-type": "application/json",
    "content-length": bytes.length,
    "cache-control": "no-store",
  });
  res.end(bytes);
}
