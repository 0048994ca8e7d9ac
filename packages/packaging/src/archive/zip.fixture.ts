// Writes zip archives for tests, honest ones and others: every field of a header can be made to lie. Test code only.
import { crc32, deflateRawSync } from "node:zlib";

export interface ZipFixtureEntry {
  readonly path: string;
  readonly body?: string | Uint8Array;
  /** Unix mode with type bits; by default a plain file, or a directory when the path ends with `/`. */
  readonly mode?: number;
  readonly deflate?: boolean;
  /** What the headers say instead of the truth. */
  readonly lies?: {
    readonly size?: number;
    readonly compressedSize?: number;
    readonly crc?: number;
    readonly localPath?: string;
    readonly flags?: number;
    readonly method?: number;
    readonly extra?: Uint8Array;
    /** Offset of another entry's local header. */
    readonly offset?: number;
  };
}

/** @param o.comment after the end of the directory @param o.count of entries, as the end says */
export function zipOf(
  entries: readonly ZipFixtureEntry[],
  o: { comment?: Uint8Array; count?: number; directoryOffset?: number; directorySize?: number } = {},
): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const { path, body = "", mode, deflate = false, lies = {} } of entries) {
    const bytes = Buffer.from(body);
    const packed = deflate ? deflateRawSync(bytes) : bytes;
    const name = Buffer.from(path);
    const localName = Buffer.from(lies.localPath ?? path);
    const extra = Buffer.from(lies.extra ?? []);
    const fixed = Buffer.alloc(26);
    fixed.writeUInt16LE(20, 0);
    fixed.writeUInt16LE(lies.flags ?? 0x0800, 2);
    fixed.writeUInt16LE(lies.method ?? (deflate ? 8 : 0), 4);
    fixed.writeUInt16LE(0x0021, 8);
    fixed.writeUInt32LE((lies.crc ?? crc32(bytes)) >>> 0, 10);
    fixed.writeUInt32LE((lies.compressedSize ?? packed.length) >>> 0, 14);
    fixed.writeUInt32LE((lies.size ?? bytes.length) >>> 0, 18);
    fixed.writeUInt16LE(localName.length, 22);
    const local = Buffer.concat([Buffer.from("PK\u0003\u0004", "latin1"), fixed, localName, packed]);
    const central = Buffer.alloc(46);
    central.write("PK\u0001\u0002", 0, "latin1");
    central.writeUInt16LE(0x0314, 4);
    fixed.copy(central, 6);
    central.writeUInt16LE(name.length, 28);
    central.writeUInt16LE(extra.length, 30);
    central.writeUInt32LE(((mode ?? (path.endsWith("/") ? 0o040755 : 0o100644)) << 16) >>> 0, 38);
    central.writeUInt32LE((lies.offset ?? at) >>> 0, 42);
    directory.push(central, name, extra);
    parts.push(local);
    at += local.length;
  }
  const index = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write("PK\u0005\u0006", 0, "latin1");
  end.writeUInt16LE(o.count ?? entries.length, 8);
  end.writeUInt16LE(o.count ?? entries.length, 10);
  end.writeUInt32LE(o.directorySize ?? index.length, 12);
  end.writeUInt32LE((o.directoryOffset ?? at) >>> 0, 16);
  end.writeUInt16LE(o.comment?.length ?? 0, 20);
  return Buffer.concat([...parts, index, end, Buffer.from(o.comment ?? [])]);
}
