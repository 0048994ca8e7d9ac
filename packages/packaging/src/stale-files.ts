// Clears away what interrupted work left in a cache, and not what other work is writing now.
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

const STALE_MS = 60 * 60 * 1000;

/**
 * Removes entries whose name starts with `prefix` and that are an hour older than `fresh`, an entry just made.
 * Both times are the file system's own, so that no clock has to agree with it.
 */
export async function removeStale(directory: string, prefix: string, fresh: string): Promise<void> {
  const now = (await stat(fresh)).mtimeMs;
  for (const name of await readdir(directory)) {
    if (!name.startsWith(prefix)) continue;
    const path = join(directory, name);
    const made = await stat(path).catch(() => undefined);
    if (made !== undefined && made.mtimeMs < now - STALE_MS) await rm(path, { recursive: true, force: true });
  }
}
