// Leases outlive a proper end of the process: written at its end, read once. File times would not do, since the links of
// a blob share them.
import { parseJson } from "@pratique/core";
import { syncDirectory, writeFileDurably } from "@pratique/store";
import { readFile, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import type { RememberedLeases } from "./leases.ts";
import { isMissing } from "./storage-error.ts";

const LIMIT_BYTES = 64 * 1024 * 1024;

const LeaseFile = z.strictObject({
  floor: z.number().nonnegative(),
  told: z.array(z.tuple([z.string(), z.number().nonnegative()])).max(1_000_000),
});

/**
 * Reads and removes the file: what is said from now on is not in it, so that after a crash it may not be believed.
 * Undefined when there is none, or none that can be read.
 */
export async function takeLeases(path: string): Promise<RememberedLeases | undefined> {
  let text: string | undefined;
  try {
    if ((await stat(path)).size <= LIMIT_BYTES) text = await readFile(path, "utf8");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  await rm(path);
  await syncDirectory(dirname(path));
  try {
    return text === undefined ? undefined : LeaseFile.parse(parseJson(text, path));
  } catch {
    return undefined;
  }
}

export async function leaveLeases(path: string, leases: RememberedLeases): Promise<void> {
  await writeFileDurably(path, JSON.stringify(leases));
}
