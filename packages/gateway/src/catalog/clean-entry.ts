// Tools, prompts, resources and templates as servers list them, made fit to be shown to people and models.
import { LIST_ENTRY_LIMIT_BYTES } from "../limits.ts";
import { cleanJson, isShallow } from "./clean-result.ts";
import { cleanText, withoutUnseen } from "./clean-text.ts";

const LINE_BREAK = /[\t\n\r]/;
/** What tells an entry from others: it passes as it is, or not at all. */
const IDENTITY_KEYS = ["name", "uri", "uriTemplate"] as const;

/** The entry without secrets, control characters and the gateway's own `_meta`; undefined when it cannot pass. */
export function cleanEntry<T extends object>(entry: T): T | undefined {
  if (!isShallow(entry) || JSON.stringify(entry).length > LIST_ENTRY_LIMIT_BYTES) return undefined;
  const clean = cleanJson(entry, cleanListedText) as T;
  return IDENTITY_KEYS.every((key) => isSame(textAt(entry, key), textAt(clean, key))) ? clean : undefined;
}

function cleanListedText(text: string, key: string | undefined): string {
  // A pattern of a schema is an expression in which such characters have their meaning.
  return cleanText(key === "pattern" ? text : withoutUnseen(text));
}

function isSame(before: string | undefined, after: string | undefined): boolean {
  return before === after && (before === undefined || !LINE_BREAK.test(before));
}

function textAt(entry: object, key: string): string | undefined {
  const value: unknown = Object.hasOwn(entry, key) ? Reflect.get(entry, key) : undefined;
  return typeof value === "string" ? value : undefined;
}
