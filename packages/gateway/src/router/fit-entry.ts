// Tools, prompts, resources and templates as servers list them, made fit to be shown to people and models.
import type { JsonObject } from "@pratique/core";
import { withoutUnseen } from "./clean-text.ts";
import type { Screen } from "../exchange/ports.ts";
import { LIST_ENTRY_LIMIT_BYTES } from "../limits.ts";
import { isShallow, passable } from "./passable.ts";

const LINE_BREAK = /[\t\n\r]/;
/** What tells an entry from others: it passes as it is, or not at all. */
const IDENTITY_KEYS = ["name", "uri", "uriTemplate"] as const;

/** The entry without secrets, unseen characters and the gateway's own `_meta`; undefined when it cannot pass. */
export function fitEntry(entry: JsonObject, screen: Screen, server: string): JsonObject | undefined {
  if (!isShallow(entry) || JSON.stringify(entry).length > LIST_ENTRY_LIMIT_BYTES) return undefined;
  const seen = passable(entry, { text: listedText });
  let clean: JsonObject;
  try {
    clean = screen.value(seen, { direction: "to-client", server, what: nameOf(entry) }).value;
  } catch {
    return undefined;
  }
  return IDENTITY_KEYS.every((key) => isSame(textAt(entry, key), textAt(clean, key))) ? clean : undefined;
}

function listedText(text: string, key: string | undefined): string {
  // A pattern of a schema is an expression in which such characters have their meaning.
  return key === "pattern" ? text : withoutUnseen(text);
}

function isSame(before: string | undefined, after: string | undefined): boolean {
  return before === after && (before === undefined || !LINE_BREAK.test(before));
}

function nameOf(entry: JsonObject): string {
  return IDENTITY_KEYS.map((key) => textAt(entry, key)).find((text) => text !== undefined) ?? "";
}

/** The text under a key, where there is one. */
export function textAt(entry: JsonObject, key: string): string | undefined {
  const value = Object.hasOwn(entry, key) ? entry[key] : undefined;
  return typeof value === "string" ? value : undefined;
}
