// All pages of a list of a server, within bounds: an endless or enormous one is cut, and entries that cannot pass are left out.
import { isJsonObject, type Json, type JsonObject } from "@pratique/core";
import type { ListKind } from "../exchange/upstream-port.ts";
import { DEPTH_LIMIT, LIST_BYTES_LIMIT, LIST_ENTRY_LIMIT_BYTES, LIST_LIMIT, LIST_PAGES_LIMIT } from "../limits.ts";

interface ListFacts {
  readonly method: string;
  /** Where the entries stand in the answer. */
  readonly member: string;
  /** What tells an entry from others. */
  readonly key: string;
  /** How a server says that it is not what it was. */
  readonly changed: string;
}

export const LISTS: Readonly<Record<ListKind, ListFacts>> = {
  tools: { method: "tools/list", member: "tools", key: "name", changed: "notifications/tools/list_changed" },
  prompts: { method: "prompts/list", member: "prompts", key: "name", changed: "notifications/prompts/list_changed" },
  resources: {
    method: "resources/list",
    member: "resources",
    key: "uri",
    changed: "notifications/resources/list_changed",
  },
  templates: {
    method: "resources/templates/list",
    member: "resourceTemplates",
    key: "uriTemplate",
    changed: "notifications/resources/list_changed",
  },
};

export interface FetchedList {
  readonly items: readonly JsonObject[];
  /** The items as JSON, to compare. */
  readonly text: string;
  readonly leftOut: number;
  readonly ttlMs: number | undefined;
  readonly cacheScope: "public" | "private" | undefined;
}

export async function fetchList(
  kind: ListKind,
  ask: (method: string, params: JsonObject) => Promise<JsonObject>,
): Promise<FetchedList> {
  const { method, member, key } = LISTS[kind];
  const items: JsonObject[] = [];
  const texts: string[] = [];
  let [sizeBytes, leftOut] = [0, 0];
  let [ttlMs, cacheScope]: [number | undefined, FetchedList["cacheScope"]] = [undefined, undefined];
  let cursor: string | undefined;
  for (let page = 0; page < LIST_PAGES_LIMIT; page++) {
    const result = await ask(method, cursor === undefined ? {} : { cursor });
    const hint = result["ttlMs"];
    if (typeof hint === "number") ttlMs = Math.max(0, Math.min(ttlMs ?? hint, hint));
    // One page for nobody else makes all of it so.
    if (result["cacheScope"] === "private" || (result["cacheScope"] === "public" && cacheScope === undefined))
      cacheScope = result["cacheScope"];
    for (const entry of entriesOf(result[member])) {
      const text = fitText(entry, key);
      if (text === undefined || items.length >= LIST_LIMIT || sizeBytes + text.length > LIST_BYTES_LIMIT) {
        leftOut += 1;
        continue;
      }
      items.push(entry as JsonObject);
      texts.push(text);
      sizeBytes += text.length;
    }
    const next = result["nextCursor"];
    if (typeof next !== "string" || next === cursor || items.length >= LIST_LIMIT || sizeBytes >= LIST_BYTES_LIMIT)
      break;
    cursor = next;
  }
  return { items, text: texts.join(), leftOut, ttlMs, cacheScope };
}

function entriesOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

/** The JSON of an entry; undefined for what is none, or too large or deep to pass. */
function fitText(entry: Json, key: string): string | undefined {
  if (!isJsonObject(entry) || typeof entry[key] !== "string" || !isShallow(entry)) return undefined;
  const text = JSON.stringify(entry);
  return text.length <= LIST_ENTRY_LIMIT_BYTES ? text : undefined;
}

function isShallow(value: Json | undefined, depth = 0): boolean {
  if (typeof value !== "object" || value === null) return true;
  return depth < DEPTH_LIMIT && Object.values(value).every((item: Json | undefined) => isShallow(item, depth + 1));
}
