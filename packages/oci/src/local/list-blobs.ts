// What lies in a layout's `blobs`.
import { isDigest } from "@pratique/core";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { StoredBlob } from "../repository.ts";
import { isMissing } from "./storage-error.ts";

const AT_ONCE = 64;

/** Every blob of a layout with its size; of a layout that is not there, none. */
export async function listBlobs(layoutDirectory: string): Promise<StoredBlob[]> {
  const root = join(layoutDirectory, "blobs");
  const found: StoredBlob[] = [];
  for (const algorithm of await entriesOf(root)) {
    const names = await entriesOf(join(root, algorithm));
    for (let at = 0; at < names.length; at += AT_ONCE) {
      const some = names.slice(at, at + AT_ONCE);
      const blobs = await Promise.all(some.map((name) => blobOf(join(root, algorithm, name), `${algorithm}:${name}`)));
      found.push(...blobs.filter((blob) => blob !== undefined));
    }
  }
  return found;
}

async function entriesOf(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** Undefined for what is no blob, or went away meanwhile. */
async function blobOf(path: string, digest: string): Promise<StoredBlob | undefined> {
  if (!isDigest(digest)) return undefined;
  try {
    return { digest, size: (await stat(path)).size };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
