// Files of an uncompressed tar layer: where their bytes lie (POSIX pax, ustar header block). A hint, checked by digest later.
import type { FileWindow } from "./file-window.ts";

const BLOCK = 512;
const ENTRIES_LIMIT = 100_000;

export interface TarMember {
  readonly name: string;
  readonly start: number;
  readonly length: number;
}

/** The regular files, or `undefined` when this is no tar. */
export async function tarMembers(file: FileWindow): Promise<TarMember[] | undefined> {
  const members: TarMember[] = [];
  let position = 0;
  for (let seen = 0; seen < ENTRIES_LIMIT; seen++) {
    const header = await file.read(position, BLOCK);
    if (header.length < BLOCK || header[0] === 0) break;
    if (header.toString("latin1", 257, 262) !== "ustar") return seen === 0 ? undefined : members;
    const length = sizeField(header);
    if (length === undefined) return seen === 0 ? undefined : members;
    const start = position + BLOCK;
    const type = String.fromCharCode(header[156] ?? 0);
    if ((type === "0" || type === "\0") && start + length <= file.size) {
      members.push({ name: header.toString("utf8", 0, 100).split("\0")[0] ?? "", start, length });
    }
    position = start + Math.ceil(length / BLOCK) * BLOCK;
  }
  return members.length === 0 ? undefined : members;
}

/** Octal digits, or base 256 when the first bit is set (GNU, for 8 GiB and more). */
function sizeField(header: Buffer): number | undefined {
  if ((header[124]! & 0x80) !== 0) {
    const size = header.readBigUInt64BE(128);
    return size <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(size) : undefined;
  }
  const digits = header
    .toString("latin1", 124, 136)
    .replace(/[\0 ]+$/, "")
    .trim();
  return /^[0-7]{1,12}$/.test(digits) ? Number.parseInt(digits, 8) : undefined;
}
