// The screen of a gateway that was given no other: takes well-known secrets out of every text and key.
import type { Json, JsonObject, Redaction } from "@pratique/core";
import { cleanText } from "./clean-text.ts";
import type { Screen, Screened } from "../exchange/ports.ts";

export const textScreen: Screen = {
  value<T extends Json>(value: T): Screened<T> {
    const found: Redaction[] = [];
    // Text stays text and objects stay objects, whatever is taken out of them.
    const clean = screened(value, found) as T;
    if (found.length === 0) return { value, redactions: [] };
    return { value: clean, redactions: found.map(({ kind, digest }) => `${kind}:${digest}`) };
  },
};

function screened(value: Json, found: Redaction[]): Json {
  if (typeof value === "string") return cleanText(value, found);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item: Json) => screened(item, found));
  const entries = Object.entries(value as JsonObject).map(([key, item]): [string, Json | undefined] => [
    cleanText(key, found),
    item === undefined ? undefined : screened(item, found),
  ]);
  return Object.fromEntries(entries);
}
