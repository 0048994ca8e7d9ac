// The right edge of the tree: all that must be known to extend it, and the files that an extension makes. Pure.
import { foldSubtrees, leafHash, nodeHash } from "./merkle.ts";
import { encodeBundle, TILE_WIDTH, tilePath } from "./tile.ts";

/** The tree's size, the hashes of each level's partial tile, and the entries of the partial bundle. */
export interface Edge {
  readonly size: number;
  readonly levels: readonly (readonly Buffer[])[];
  readonly bundle: readonly Uint8Array[];
}

export const EMPTY_EDGE: Edge = { size: 0, levels: [], bundle: [] };

/** A file of the log, by its path within it. */
export interface TileFile {
  readonly path: string;
  readonly bytes: Buffer;
}

/** Appends entries; gives the new edge and every tile and bundle that became full. The given edge stays as it was. */
export function extendEdge(edge: Edge, entries: readonly Uint8Array[]): { edge: Edge; full: TileFile[] } {
  const levels = edge.levels.map((hashes) => [...hashes]);
  const full: TileFile[] = [];
  let bundle = [...edge.bundle];
  let size = edge.size;
  for (const entry of entries) {
    bundle.push(entry);
    size += 1;
    pushHash(levels, 0, leafHash(entry), size, full);
    if (bundle.length === TILE_WIDTH) {
      const index = size / TILE_WIDTH - 1;
      full.push({ path: tilePath({ level: "entries", index, width: TILE_WIDTH }), bytes: encodeBundle(bundle) });
      bundle = [];
    }
  }
  return { edge: { size, levels, bundle }, full };
}

function pushHash(levels: Buffer[][], level: number, hash: Buffer, size: number, full: TileFile[]): void {
  const hashes = (levels[level] ??= []);
  hashes.push(hash);
  if (hashes.length < TILE_WIDTH) return;
  const index = size / TILE_WIDTH ** (level + 1) - 1;
  full.push({ path: tilePath({ level, index, width: TILE_WIDTH }), bytes: Buffer.concat(hashes) });
  levels[level] = [];
  pushHash(levels, level + 1, completeRoot(hashes), size, full);
}

/** The partial tiles and the partial bundle of an edge: with the full ones, the whole log. */
export function partialFiles({ size, levels, bundle }: Edge): TileFile[] {
  const files = levels.flatMap((hashes, level) => {
    const index = Math.floor(size / TILE_WIDTH ** (level + 1));
    return hashes.length === 0
      ? []
      : [{ path: tilePath({ level, index, width: hashes.length }), bytes: Buffer.concat(hashes) }];
  });
  if (bundle.length === 0) return files;
  const index = Math.floor(size / TILE_WIDTH);
  return [...files, { path: tilePath({ level: "entries", index, width: bundle.length }), bytes: encodeBundle(bundle) }];
}

/** The root hash of the tree whose right edge this is. */
export function edgeRoot({ levels }: Edge): Buffer {
  return foldSubtrees(levels.toReversed().flatMap((hashes) => completeSubtrees(hashes)));
}

/** Hashes of one level as complete subtrees, largest first: 13 as 8, 4 and 1. */
function completeSubtrees(hashes: readonly Buffer[]): Buffer[] {
  const subtrees: Buffer[] = [];
  for (let at = 0; at < hashes.length;) {
    const width = 2 ** Math.floor(Math.log2(hashes.length - at));
    subtrees.push(completeRoot(hashes.slice(at, at + width)));
    at += width;
  }
  return subtrees;
}

/** The root over a power of two of neighbouring hashes. */
export function completeRoot(hashes: readonly Buffer[]): Buffer {
  let level = hashes;
  while (level.length > 1) {
    level = Array.from({ length: level.length / 2 }, (_, at) => nodeHash(level[2 * at]!, level[2 * at + 1]!));
  }
  return level[0]!;
}
