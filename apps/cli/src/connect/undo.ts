// Takes back what was written, exactly, or says who changed it since.
import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { syncDirectory, writeFileDurably } from "@pratique/store";
import { isDeepStrictEqual } from "node:util";
import { cliErrors } from "../errors.ts";
import type { Connection, WrittenEntry, WrittenFile, WrittenJson } from "./connection.ts";
import { digestOfText, parseObject, readIfThere, type FoundFile } from "./files.ts";
import { styleOf, valueAt, withValue, writeJson } from "./json-text.ts";
import { withoutEntry } from "../mcp-clients/entry-text.ts";
import { lineDiff } from "./line-diff.ts";
import { withoutSecrets } from "./prepare.ts";

export type UndoStep =
  | { readonly type: "remove"; readonly path: string }
  | { readonly type: "write"; readonly path: string; readonly text: string; readonly mode: number }
  | { readonly type: "nothing"; readonly path: string };

/** What has to be done; nothing is done yet, so a refusal leaves all as it is. @throws `connect.changed-since` */
export async function planUndo({ files, client }: Connection): Promise<UndoStep[]> {
  const steps: UndoStep[] = [];
  for (const file of files) {
    const found = await readIfThere(file.path);
    steps.push(found === undefined ? { type: "nothing", path: file.path } : undoFile(client, file, found));
  }
  return steps;
}

function undoFile(client: string, file: WrittenFile, found: FoundFile): UndoStep {
  if (file.kind === "json") return undoJson(client, file, found);
  if (file.kind === "entry") return undoEntry(file, found);
  if (digestOfText(found.text) === file.digest) return { type: "remove", path: file.path };
  throw changedSince(client, file.path, file.shown, withoutSecrets(found.text));
}

function undoJson(client: string, file: WrittenJson, found: FoundFile): UndoStep {
  const isUntouched = digestOfText(found.text) === file.digest;
  if (isUntouched && file.isNew) return { type: "remove", path: found.path };
  if (isUntouched && file.original !== undefined) {
    return { type: "write", path: found.path, text: file.original, mode: found.mode };
  }
  let tree = parseObject(found.text, file.path);
  for (const { at, value, before } of file.entries) {
    const now = valueAt(tree, at);
    // Somebody took it away already, as `podman logout` does.
    if (now === undefined) continue;
    // It was never written: connecting ended before.
    if (isDeepStrictEqual(now, before)) continue;
    if (!isDeepStrictEqual(now, value)) {
      const text = (one: unknown): string => withoutSecrets(JSON.stringify({ [at.join(".")]: one }, undefined, 2));
      throw changedSince(client, file.path, text(value), text(now));
    }
    tree = withValue(tree, at, before);
  }
  for (const at of file.made.toReversed()) {
    const now = valueAt(tree, at);
    if (typeof now === "object" && now !== null && Object.keys(now).length === 0) tree = withValue(tree, at, undefined);
  }
  if (file.isNew && Object.keys(tree).length === 0) return { type: "remove", path: found.path };
  return { type: "write", path: found.path, text: writeJson(tree, styleOf(found.text)), mode: found.mode };
}

/** What is as we left it becomes what it was, to the byte; of what others changed since, only our entry goes. */
function undoEntry(file: WrittenEntry, found: FoundFile): UndoStep {
  if (digestOfText(found.text) === file.digest) {
    if (file.original === undefined) return { type: "remove", path: found.path };
    return { type: "write", path: found.path, text: file.original, mode: file.mode ?? found.mode };
  }
  const text = withoutEntry(file.format, found.text, file, file.madeHolder, file.path);
  if (text === found.text) return { type: "nothing", path: found.path };
  return { type: "write", path: found.path, text, mode: file.mode ?? found.mode };
}

function changedSince(client: string, file: string, before: string, after: string): Error {
  return cliErrors("connect.changed-since", { file, diff: lineDiff(before, after), client });
}

export async function runUndo(steps: readonly UndoStep[]): Promise<void> {
  for (const step of steps) {
    if (step.type === "write") await writeFileDurably(step.path, step.text, { mode: step.mode });
    if (step.type !== "remove") continue;
    await rm(step.path, { force: true });
    await syncDirectory(dirname(step.path));
  }
}
