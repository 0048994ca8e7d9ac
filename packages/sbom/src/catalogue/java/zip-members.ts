// Members of a zip archive that lies in memory, by its central directory (PKWARE APPNOTE 6.3). Reads only what is asked for.
import { inflateRawSync } from "node:zlib";
import { Unreadable } from "../facts.ts";

const END = 0x0605_4b50;
const ENTRY = 0x0201_4b50;
const LOCAL = 0x0403_4b50;
const END_BYTES = 22;
const ENTRY_BYTES = 46;
const LOCAL_BYTES = 30;
const MAX_COMMENT = 65_535;
const MAX_ENTRIES = 200_000;

export interface ZipMember {
  readonly path: string;
  /** Bytes, as the directory claims. */
  readonly size: number;
  /** @throws Unreadable when it is damaged or larger than `maxBytes` */
  read(maxBytes: number): Buffer;
}

/** @throws Unreadable */
export function* zipMembers(file: Buffer): Generator<ZipMember> {
  const end = endOf(file);
  const count = file.readUInt16LE(end + 10);
  const directory = file.readUInt32LE(end + 16);
  const size = file.readUInt32LE(end + 12);
  if (count === 0xffff || directory === 0xffff_ffff) throw new Unreadable("zip64 archives are not read");
  // What stands before the archive (a start script) shifts every offset.
  const shift = end - size - directory;
  if (count > MAX_ENTRIES || shift < 0) throw new Unreadable("its directory is damaged");
  let at = directory + shift;
  for (let entry = 0; entry < count; entry += 1) {
    if (at + ENTRY_BYTES > end || file.readUInt32LE(at) !== ENTRY) throw new Unreadable("its directory is damaged");
    const nameBytes = file.readUInt16LE(at + 28);
    const next = at + ENTRY_BYTES + nameBytes + file.readUInt16LE(at + 30) + file.readUInt16LE(at + 32);
    if (next > end) throw new Unreadable("its directory is damaged");
    const path = file.toString("utf8", at + ENTRY_BYTES, at + ENTRY_BYTES + nameBytes);
    const header = at;
    yield {
      path,
      size: file.readUInt32LE(header + 24),
      read: (maxBytes) => contentOf(file, header, { shift, maxBytes }),
    };
    at = next;
  }
}

function endOf(file: Buffer): number {
  const first = Math.max(0, file.length - END_BYTES - MAX_COMMENT);
  for (let at = file.length - END_BYTES; at >= first; at -= 1) {
    if (file[at] === 0x50 && file.readUInt32LE(at) === END) return at;
  }
  throw new Unreadable("it is no zip archive");
}

function contentOf(file: Buffer, header: number, o: { shift: number; maxBytes: number }): Buffer {
  const method = file.readUInt16LE(header + 10);
  const packed = file.readUInt32LE(header + 20);
  const size = file.readUInt32LE(header + 24);
  const local = file.readUInt32LE(header + 42) + o.shift;
  if ((file.readUInt16LE(header + 8) & 1) !== 0) throw new Unreadable("a member is encrypted");
  if (size > o.maxBytes) throw new Unreadable("a member is too large");
  if (local + LOCAL_BYTES > file.length || file.readUInt32LE(local) !== LOCAL)
    throw new Unreadable("a member is missing");
  const start = local + LOCAL_BYTES + file.readUInt16LE(local + 26) + file.readUInt16LE(local + 28);
  if (start + packed > file.length) throw new Unreadable("a member is cut off");
  const content = file.subarray(start, start + packed);
  if (method === 0) return content;
  if (method !== 8) throw new Unreadable("a member is packed in an unknown way");
  try {
    return inflateRawSync(content, { maxOutputLength: Math.max(1, size) });
  } catch {
    throw new Unreadable("a member is damaged");
  }
}
