// What `/log/` serves: the checkpoint, tiles and bundles, each by the path that tlog-tiles gives it.
import { join } from "node:path";
import { readIfThere } from "./log-files.ts";
import { decodeBundle, encodeBundle, HASH_BYTES, parseTilePath, tileOf, tilePath } from "./tile.ts";
import { CHECKPOINT } from "./tree.ts";

/** Reads a resource; undefined for what the log does not have. A partial tile is served after a wider one took its place. */
export async function serveTile(directory: string, path: string, size: () => number): Promise<Uint8Array | undefined> {
  if (path === CHECKPOINT) return readIfThere(join(directory, CHECKPOINT));
  const wanted = parseTilePath(path);
  if (wanted === undefined) return undefined;
  // The widest may be superseded between looking and reading; the next look then finds its successor.
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const widest = tileOf(wanted.level, wanted.index, size());
    if (widest === undefined || widest.width < wanted.width) return undefined;
    const bytes = await readIfThere(join(directory, tilePath(widest)));
    if (bytes === undefined) continue;
    if (widest.width === wanted.width) return bytes;
    if (wanted.level !== "entries") return bytes.subarray(0, wanted.width * HASH_BYTES);
    const entries = decodeBundle(bytes);
    return entries && encodeBundle(entries.slice(0, wanted.width));
  }
  return undefined;
}
