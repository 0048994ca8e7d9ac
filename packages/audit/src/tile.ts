// Tiles and entry bundles: their paths and bytes (C2SP tlog-tiles). Pure.

/** Hashes in a full tile, entries in a full bundle. */
export const TILE_WIDTH = 256;
/** A bundle gives each entry's length in 16 bits. */
export const MAX_ENTRY_BYTES = 0xffff;
export const HASH_BYTES = 32;

/** Which tile or bundle: `level` is a tile level, or `entries`. `width` is below 256 for a partial one. */
export interface TileAddress {
  readonly level: number | "entries";
  readonly index: number;
  readonly width: number;
}

/** `tile/0/x001/x234/067`, with `.p/12` when partial. */
export function tilePath({ level, index, width }: TileAddress): string {
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, "0").match(/\d{3}/g) ?? [];
  const name = groups.map((group, at) => (at === groups.length - 1 ? group : `x${group}`)).join("/");
  return `tile/${level}/${name}${width === TILE_WIDTH ? "" : `.p/${width}`}`;
}

const PATH = /^tile\/(entries|[0-5])\/((?:x\d{3}\/){0,4}\d{3})(?:\.p\/([1-9]\d{0,2}))?$/;

/** Reads a path; undefined for every text that `tilePath` would not write. */
export function parseTilePath(path: string): TileAddress | undefined {
  const match = PATH.exec(path);
  if (match === null) return undefined;
  const address: TileAddress = {
    level: match[1] === "entries" ? "entries" : Number(match[1]),
    index: Number(match[2]!.replaceAll(/[x/]/g, "")),
    width: match[3] === undefined ? TILE_WIDTH : Number(match[3]),
  };
  return tilePath(address) === path && address.width <= TILE_WIDTH ? address : undefined;
}

/** The widest form of a tile that a log of `size` entries has; undefined when it has none. */
export function tileOf(level: number | "entries", index: number, size: number): TileAddress | undefined {
  const nodes = Math.floor(size / TILE_WIDTH ** (level === "entries" ? 0 : level));
  const width = Math.min(TILE_WIDTH, nodes - index * TILE_WIDTH);
  return width > 0 ? { level, index, width } : undefined;
}

/** Entries, each after its length as a big-endian uint16. */
export function encodeBundle(entries: readonly Uint8Array[]): Buffer {
  const parts = entries.flatMap((entry) => {
    if (entry.length > MAX_ENTRY_BYTES) throw new RangeError(`an entry has ${entry.length} bytes`);
    const length = Buffer.alloc(2);
    length.writeUInt16BE(entry.length);
    return [length, entry];
  });
  return Buffer.concat(parts);
}

/** The entries of a bundle; undefined when its bytes do not come out even. */
export function decodeBundle(bytes: Uint8Array): Buffer[] | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: Buffer[] = [];
  let at = 0;
  while (at < buffer.length) {
    if (at + 2 > buffer.length) return undefined;
    const end = at + 2 + buffer.readUInt16BE(at);
    if (end > buffer.length) return undefined;
    entries.push(buffer.subarray(at + 2, end));
    at = end;
  }
  return entries;
}

/** The hashes of a tile; undefined when its bytes do not come out even. */
export function decodeTile(bytes: Uint8Array): Buffer[] | undefined {
  if (bytes.length % HASH_BYTES !== 0) return undefined;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / HASH_BYTES }, (_, at) =>
    buffer.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES),
  );
}
