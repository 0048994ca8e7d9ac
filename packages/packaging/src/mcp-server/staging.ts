// A directory in the cache for what is fetched while a server is read; a killed process's goes at the next open.
import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { ensureDirectory } from "@pratique/store";
import { removeStale } from "../stale-files.ts";

export interface Staging {
  readonly directory: string;
  close(): Promise<void>;
}

const PREFIX = "work-";

export async function openStaging(cacheDirectory: string): Promise<Staging> {
  const parent = join(cacheDirectory, "servers");
  const directory = join(parent, `${PREFIX}${randomBytes(8).toString("hex")}`);
  await ensureDirectory(directory);
  await removeStale(parent, PREFIX, directory);
  return { directory, close: () => rm(directory, { recursive: true, force: true }) };
}
