// What an ELF binary needs to run: its loader and its shared libraries (System V ABI, ELF-64, little-endian).
import { open, type FileHandle } from "node:fs/promises";
import { packagingErrors } from "../errors.ts";

export interface ElfFacts {
  /** As OCI names architectures. */
  readonly architecture: "amd64" | "arm64";
  /** PT_INTERP: the dynamic loader's path; absent for libraries and static binaries. */
  readonly loader: string | undefined;
  /** DT_NEEDED: library names such as `libc.so.6`. */
  readonly needed: readonly string[];
}

const MACHINES: ReadonlyMap<number, ElfFacts["architecture"]> = new Map([
  [62, "amd64"],
  [183, "arm64"],
]);
const [PT_LOAD, PT_DYNAMIC, PT_INTERP] = [1, 2, 3];
const [DT_NULL, DT_NEEDED, DT_STRTAB, DT_STRSZ] = [0n, 1n, 5n, 10n];
const LIMIT_TABLE = 4 * 1024 * 1024;

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

/** @throws `base.unavailable` for what is no binary of a supported kind */
export async function readElf(path: string): Promise<ElfFacts> {
  const file = await open(path, "r");
  try {
    const header = await read(file, 0, 64, path);
    const machine = MACHINES.get(header.readUInt16LE(18));
    if (header.toString("latin1", 0, 6) !== "\x7fELF\x02\x01" || machine === undefined) {
      throw invalid(path, "it is not a 64-bit Linux binary for amd64 or arm64");
    }
    const segments = await readSegments(file, header, path);
    const interp = segments.find(({ type }) => type === PT_INTERP);
    const loader = interp === undefined ? undefined : textAt(await read(file, interp.offset, interp.size, path), 0);
    const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
    const needed = dynamic === undefined ? [] : await readNeeded(file, dynamic, segments, path);
    return { architecture: machine, loader, needed };
  } finally {
    await file.close();
  }
}

function invalid(path: string, reason: string): Error {
  return packagingErrors("base.unavailable", { base: "debian", reason: `${path}: ${reason}` });
}

async function read(file: FileHandle, offset: number, size: number, path: string): Promise<Buffer> {
  if (!(size >= 0 && size <= LIMIT_TABLE)) throw invalid(path, "a table in it is too large");
  const buffer = Buffer.alloc(size);
  const { bytesRead } = await file.read(buffer, 0, size, offset);
  if (bytesRead !== size) throw invalid(path, "it is cut short");
  return buffer;
}

async function readSegments(file: FileHandle, header: Buffer, path: string): Promise<Segment[]> {
  const [entrySize, count] = [header.readUInt16LE(54), header.readUInt16LE(56)];
  if (entrySize < 56) throw invalid(path, "its program headers are damaged");
  const table = await read(file, Number(header.readBigUInt64LE(32)), entrySize * count, path);
  return Array.from({ length: count }, (_, index) => {
    const at = index * entrySize;
    return {
      type: table.readUInt32LE(at),
      offset: Number(table.readBigUInt64LE(at + 8)),
      address: Number(table.readBigUInt64LE(at + 16)),
      size: Number(table.readBigUInt64LE(at + 32)),
    };
  });
}

function textAt(buffer: Buffer, offset: number): string {
  const end = buffer.indexOf(0, offset);
  return buffer.toString("latin1", offset, end === -1 ? buffer.length : end);
}

async function readNeeded(
  file: FileHandle,
  dynamic: Segment,
  segments: readonly Segment[],
  path: string,
): Promise<string[]> {
  const table = await read(file, dynamic.offset, dynamic.size, path);
  const names: number[] = [];
  let [strings, stringsSize] = [0, 0];
  for (let at = 0; at + 16 <= table.length; at += 16) {
    const [tag, value] = [table.readBigInt64LE(at), Number(table.readBigUInt64LE(at + 8))];
    if (tag === DT_NULL) break;
    if (tag === DT_NEEDED) names.push(value);
    else if (tag === DT_STRTAB) strings = value;
    else if (tag === DT_STRSZ) stringsSize = value;
  }
  if (names.length === 0) return [];
  const segment = segments.find((s) => s.type === PT_LOAD && strings >= s.address && strings < s.address + s.size);
  if (segment === undefined) throw invalid(path, "its string table is not in it");
  // Only the part with the names is read: node's table is larger than any limit worth having.
  const offset = strings - segment.address + segment.offset;
  const needed: string[] = [];
  for (const name of names) {
    if (name >= stringsSize) throw invalid(path, "a library name lies outside of its string table");
    needed.push(textAt(await read(file, offset + name, Math.min(256, stringsSize - name), path), 0));
  }
  return needed;
}
