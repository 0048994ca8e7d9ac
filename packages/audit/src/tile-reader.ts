// Hashes out of a log's directory, and the proofs made of them.
import { join } from "node:path";
import { auditErrors } from "./errors.ts";
import { completeRoot } from "./edge.ts";
import { readIfThere } from "./log-files.ts";
import {
  consistencyRanges,
  foldSubtrees,
  inclusionRanges,
  subtreesOf,
  type LeafRange,
  type Subtree,
} from "./merkle.ts";
import { decodeBundle, decodeTile, TILE_WIDTH, tileOf, tilePath, type TileAddress } from "./tile.ts";

const TILE_LEVELS = Math.log2(TILE_WIDTH);

/** Reads the hash of a complete subtree. */
export type HashReader = (subtree: Subtree) => Promise<Buffer>;

/**
 * Reads hashes from the tiles of a log of `size` entries.
 * `partial`, when given, is the right edge as memory holds it: files of it may be replaced meanwhile.
 * @throws `audit.corrupt` naming the tile
 */
export function tileHashes(directory: string, size: number, partial?: readonly (readonly Buffer[])[]): HashReader {
  const kept = new Map<string, Promise<readonly Buffer[]>>();
  const hashesOf = (address: TileAddress): Promise<readonly Buffer[]> => {
    const inMemory = partial?.[Number(address.level)];
    if (address.width < TILE_WIDTH && inMemory !== undefined) return Promise.resolve(inMemory);
    const path = tilePath(address);
    const known = kept.get(path);
    if (known !== undefined) return known;
    const read = readTile(directory, address);
    kept.set(path, read);
    return read;
  };
  return async ({ level, index }) => {
    const tileLevel = Math.floor(level / TILE_LEVELS);
    const width = 2 ** (level % TILE_LEVELS);
    const first = index * width;
    const tileIndex = Math.floor(first / TILE_WIDTH);
    const address = tileOf(tileLevel, tileIndex, size);
    const from = first - tileIndex * TILE_WIDTH;
    if (address === undefined || from + width > address.width) {
      throw new RangeError(`no subtree ${level}/${index} in a tree of ${size}`);
    }
    return completeRoot((await hashesOf(address)).slice(from, from + width));
  };
}

async function readTile(directory: string, address: TileAddress): Promise<Buffer[]> {
  const file = tilePath(address);
  const hashes = decodeTile(await readFileOf(directory, file));
  if (hashes?.length !== address.width) throw auditErrors("audit.corrupt", { file, reason: "its length is wrong" });
  return hashes;
}

/** The entries of a bundle of a log of `size` entries. @throws `audit.corrupt` naming it */
export async function readBundle(directory: string, index: number, size: number): Promise<Buffer[]> {
  const address = tileOf("entries", index, size);
  if (address === undefined) return [];
  const file = tilePath(address);
  const entries = decodeBundle(await readFileOf(directory, file));
  if (entries?.length !== address.width) throw auditErrors("audit.corrupt", { file, reason: "its length is wrong" });
  return entries;
}

async function readFileOf(directory: string, file: string): Promise<Buffer> {
  const bytes = await readIfThere(join(directory, file));
  if (bytes === undefined) throw auditErrors("audit.corrupt", { file, reason: "it is missing" });
  return bytes;
}

/** The hashes that prove entry `index` in a tree of `size`. */
export function inclusionPath(index: number, size: number, read: HashReader): Promise<Buffer[]> {
  return hashesOf(inclusionRanges(index, size), read);
}

/** The hashes that prove that a tree of `size` extends one of `oldSize`. */
export function consistencyPath(oldSize: number, size: number, read: HashReader): Promise<Buffer[]> {
  return hashesOf(consistencyRanges(oldSize, size), read);
}

async function hashesOf(ranges: readonly LeafRange[], read: HashReader): Promise<Buffer[]> {
  const hashes: Buffer[] = [];
  for (const range of ranges) hashes.push(foldSubtrees(await Promise.all(subtreesOf(range).map(read))));
  return hashes;
}
