// Pages of lists. A cursor says where the next page begins, and nothing else: any gateway with the same servers reads it.
import type { JsonObject } from "@pratique/core";
import { gatewayErrors } from "../errors.ts";
import { PAGE_CHARACTERS, PAGE_ENTRIES } from "../limits.ts";

export interface PageEntry {
  readonly item: JsonObject;
  /** Its server, in whose order lists are, and what it is called there. */
  readonly server: string;
  readonly own: string;
  /** Of it as JSON, where that was worked out before. */
  readonly characters?: number;
}

export interface Page {
  readonly items: readonly JsonObject[];
  readonly nextCursor?: string;
}

const CURSOR_LIMIT = 8192;

/** The page behind a cursor; the first without one. @throws `gateway.bad-cursor` */
export function pageOf(
  entries: readonly PageEntry[],
  cursor: unknown,
  limits: { readonly entries: number; readonly characters: number } = {
    entries: PAGE_ENTRIES,
    characters: PAGE_CHARACTERS,
  },
): Page {
  const start = cursor === undefined ? 0 : startAfter(entries, cursor);
  const items: JsonObject[] = [];
  let characters = 0;
  for (let at = start; at < entries.length; at++) {
    const entry = entries[at]!;
    // Only a list of many entries can be too long: most are not measured at all.
    if (entries.length > 100) characters += entry.characters ?? JSON.stringify(entry.item).length;
    if (items.length > 0 && (items.length >= limits.entries || characters > limits.characters)) {
      const { server, own } = entries[at - 1]!;
      return { items, nextCursor: Buffer.from(JSON.stringify([server, own])).toString("base64url") };
    }
    items.push(entry.item);
  }
  return { items };
}

/** Behind the entry that the cursor names; if that has gone, at the next server: nothing comes twice. */
function startAfter(entries: readonly PageEntry[], cursor: unknown): number {
  const [server, own] = readCursor(cursor);
  const at = entries.findIndex((entry) => entry.server === server && entry.own === own);
  if (at !== -1) return at + 1;
  const next = entries.findIndex((entry) => entry.server > server);
  return next === -1 ? entries.length : next;
}

function readCursor(cursor: unknown): readonly [server: string, own: string] {
  try {
    if (typeof cursor !== "string" || cursor.length > CURSOR_LIMIT) throw new Error("it is no cursor");
    const parts: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
    if (!Array.isArray(parts) || parts.length !== 2) throw new Error("it is no cursor");
    const [server, own]: unknown[] = parts;
    if (typeof server !== "string" || typeof own !== "string") throw new Error("it is no cursor");
    return [server, own];
  } catch (cause) {
    throw gatewayErrors("gateway.bad-cursor", {}, { cause });
  }
}
