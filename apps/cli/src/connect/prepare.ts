// From a plan to texts: what each file will hold, and what has to be remembered to take it back.
import { redactText } from "@pratique/core";
import { isDeepStrictEqual } from "node:util";
import { cliErrors } from "../errors.ts";
import type { WrittenFile } from "./connection.ts";
import { digestOfText, parseObject, readIfThere, type FoundFile } from "./files.ts";
import { styleOf, valueAt, withValue, writeJson } from "./json-text.ts";
import { lineDiff } from "./line-diff.ts";
import type { JsonFile, Plan, WholeFile } from "./plan.ts";

export interface PreparedFile {
  readonly path: string;
  readonly text: string;
  readonly mode: number;
  readonly written: WrittenFile;
  /** What a person is told. */
  readonly change: string;
}

/** Reads what is there, writes nothing. @throws `connect.in-the-way`, `connect.unreadable` */
export async function prepare(plan: Plan): Promise<PreparedFile[]> {
  const prepared: PreparedFile[] = [];
  for (const file of plan.files) {
    const found = await readIfThere(file.path);
    prepared.push(file.kind === "whole" ? prepareWhole(file, found) : prepareJson(file, found));
  }
  return prepared;
}

function prepareWhole({ path, text, mode }: WholeFile, found: FoundFile | undefined): PreparedFile {
  if (found !== undefined && found.text !== text) {
    const diff = lineDiff(withoutSecrets(found.text), withoutSecrets(text));
    throw cliErrors("connect.in-the-way", { file: path }, { details: { diff } });
  }
  const written: WrittenFile = { kind: "whole", path, digest: digestOfText(text), shown: withoutSecrets(text) };
  return { path, text, mode, written, change: "written" };
}

function prepareJson({ path, entries, mode }: JsonFile, found: FoundFile | undefined): PreparedFile {
  const before = found === undefined ? {} : parseObject(found.text, path);
  const style = found === undefined ? { indent: "\t", ending: "\n" } : styleOf(found.text);
  let after = before;
  const made: string[][] = [];
  for (const { at, value } of entries) {
    for (let depth = 1; depth < at.length; depth += 1) {
      const above = at.slice(0, depth);
      if (valueAt(after, above) === undefined) made.push(above);
    }
    after = withValue(after, at, value);
  }
  const text = writeJson(after, style);
  const kept = entries.map(({ at, value }) => {
    const old = valueAt(before, at);
    return { at: [...at], value, ...(old === undefined ? {} : { before: old }) };
  });
  const isSame = found === undefined || writeJson(before, style) === found.text;
  const written: WrittenFile = {
    kind: "json",
    path: found?.path ?? path,
    digest: digestOfText(text),
    entries: kept,
    made,
    isNew: found === undefined,
    ...(isSame || found === undefined ? {} : { original: found.text }),
  };
  const changed = entries.filter(({ at, value }) => !isDeepStrictEqual(valueAt(before, at), value));
  const change = changed.length === 0 ? "as it was" : `${changed.map(({ at }) => at.join(" → ")).join(", ")} set`;
  return { path: found?.path ?? path, text, mode: found?.mode ?? mode, written, change };
}

const BASE64_SECRET = /(Basic |"auth"\s*:\s*")[A-Za-z0-9+/=]{8,}/g;

/** What may be shown of a configuration. */
export function withoutSecrets(text: string): string {
  return redactText(text.replace(BASE64_SECRET, "$1…"));
}
