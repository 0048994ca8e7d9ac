// The questions of the registry's read API: paging, search, what changed since, versions.
import { catalogErrors } from "../errors.ts";
import type { ListedServer } from "./answer.ts";

export interface ServerQuery {
  readonly cursor?: string | undefined;
  readonly limit: number;
  readonly search?: string | undefined;
  readonly updatedSince?: Date | undefined;
  /** `latest`, or an exact one. */
  readonly version?: string | undefined;
  readonly includeDeleted: boolean;
}

export interface ServerPage {
  readonly servers: readonly ListedServer[];
  readonly nextCursor: string | undefined;
}

const LIMIT_DEFAULT = 30;
const LIMIT_MAX = 100;

/** @throws `catalog.bad-query` */
export function parseServerQuery(query: URLSearchParams): ServerQuery {
  const bad = (problem: string): Error => catalogErrors("catalog.bad-query", { problem });
  const limitText = query.get("limit");
  const limit = limitText === null || limitText === "" ? LIMIT_DEFAULT : Number(limitText);
  if (!Number.isInteger(limit) || limit < 1) throw bad("limit must be a whole number, 1 or more");
  const since = query.get("updated_since");
  const updatedSince = since === null || since === "" ? undefined : new Date(since);
  const isTime = since === null || since === "" || /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}/.test(since);
  if (updatedSince !== undefined && (!isTime || Number.isNaN(updatedSince.getTime()))) {
    throw bad("updated_since must be a time of RFC 3339, such as 2025-08-07T13:15:04Z");
  }
  const search = query.get("search") ?? "";
  if (search.length > 200) throw bad("search takes at most 200 characters");
  return {
    cursor: query.get("cursor") || undefined,
    // As the official registry does: more than it gives at once is no error.
    limit: Math.min(limit, LIMIT_MAX),
    search: search === "" ? undefined : search.toLowerCase(),
    updatedSince,
    version: query.get("version") || undefined,
    // "always true when updated_since is provided" (OpenAPI 2025-12-01).
    includeDeleted: query.get("include_deleted") === "true" || updatedSince !== undefined,
  };
}

/**
 * The cursor names the last one that was given, so that a page stays right while entries come and go.
 * @throws `catalog.bad-query`
 */
export function pageOf(listed: readonly ListedServer[], query: ServerQuery): ServerPage {
  const { cursor, limit, search, updatedSince, version, includeDeleted } = query;
  const after = cursor === undefined ? undefined : parseCursor(cursor);
  const since = updatedSince?.getTime();
  const found: ListedServer[] = [];
  for (const one of listed) {
    if (after !== undefined && !isAfter(one, after)) continue;
    if (one.isDeleted && !includeDeleted) continue;
    if (search !== undefined && !one.name.toLowerCase().includes(search)) continue;
    if (since !== undefined && Date.parse(one.updatedAt) < since) continue;
    if (version === "latest" ? !one.isLatest : version !== undefined && one.version !== version) continue;
    found.push(one);
    if (found.length > limit) break;
  }
  const servers = found.slice(0, limit);
  const last = servers.at(-1);
  return { servers, nextCursor: found.length > limit && last !== undefined ? cursorOf(last) : undefined };
}

interface Place {
  readonly name: string;
  readonly version: string;
}

function cursorOf({ name, version }: Place): string {
  return Buffer.from(JSON.stringify([name, version])).toString("base64url");
}

function parseCursor(cursor: string): Place {
  const bad = (cause?: unknown): Error =>
    catalogErrors("catalog.bad-query", { problem: "the cursor is none of ours" }, cause === undefined ? {} : { cause });
  if (cursor.length > 2000) throw bad();
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
    if (!Array.isArray(parsed) || parsed.length !== 2) throw bad();
    const [name, version]: unknown[] = parsed;
    if (typeof name !== "string" || typeof version !== "string") throw bad();
    return { name, version };
  } catch (cause) {
    throw bad(cause);
  }
}

function isAfter(one: Place, after: Place): boolean {
  return one.name > after.name || (one.name === after.name && one.version > after.version);
}
