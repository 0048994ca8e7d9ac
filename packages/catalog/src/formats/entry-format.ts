// One of others' forms of a server: read into an entry and written again, with nothing lost in between.
import { ServerEntry } from "@pratique/contracts";
import type { Json, JsonObject } from "@pratique/core";
import type { z } from "zod";
import { applyPatch, patchBetween, readPatch } from "../json-patch.ts";

export type EntryInput = z.input<typeof ServerEntry>;

/** What the document itself does not say of where it came from. */
export interface ImportOrigin {
  /** What it is packed from, as `pratique pack` takes it. */
  readonly source?: string | undefined;
}

export interface EntryFormat {
  /** Key in an entry's `other`. */
  readonly id: string;
  /** Whatever the document says that the entry has a word for. Never throws for an object. */
  read(document: JsonObject, origin?: ImportOrigin): EntryInput;
  /** The entry in the format's words, as far as it goes. */
  write(entry: ServerEntry): JsonObject;
}

/**
 * `other` of the entry holds what `write` cannot say again, as a JSON Patch: so `exportEntry` gives exactly the document
 * that came in, and one that was edited since still has what nobody touched.
 */
export function importEntry(format: EntryFormat, document: JsonObject, origin: ImportOrigin = {}): ServerEntry {
  return withOriginal(format, ServerEntry.parse(format.read(document, origin)), document);
}

/** The entry, from which `exportEntry` gives exactly this document. */
export function withOriginal(format: EntryFormat, entry: ServerEntry, document: JsonObject): ServerEntry {
  const rest = patchBetween(plain(format.write(entry)), plain(document));
  return { ...entry, other: { ...entry.other, [format.id]: asOther(JSON.parse(JSON.stringify(rest))) } };
}

export function exportEntry(format: EntryFormat, entry: ServerEntry): JsonObject {
  const written = plain(format.write(entry));
  const steps = readPatch(entry.other[format.id]) ?? [];
  const document = applyPatch(written, steps);
  return typeof document === "object" && document !== null && !Array.isArray(document)
    ? (document as JsonObject)
    : written;
}

function plain(value: JsonObject): JsonObject {
  const json: JsonObject = JSON.parse(JSON.stringify(value));
  return json;
}

/** JSON as an entry keeps it. */
export function asOther(value: Json): ServerEntry["other"][string] {
  const json: ServerEntry["other"][string] = JSON.parse(JSON.stringify(value));
  return json;
}
