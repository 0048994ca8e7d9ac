// Files as an uncompressed tar whose bytes depend on nothing else, and whose data can start on a page.
import type { CanonicalFile } from "./canonical-artifact.ts";
import { packagingErrors } from "../errors.ts";

const BLOCK = 512;
/** What `mmap` wants an offset to be a multiple of on every platform models run on. */
export const PAGE_BYTES = 4096;
const USTAR_SIZE_LIMIT = 0o77777777777;

/** Where a file lies in its tar. */
export interface TarPlace {
  readonly path: string;
  /** Of its first byte in the tar. */
  readonly offset: number;
  readonly size: number;
}

type TarFile = Pick<CanonicalFile, "path" | "mode" | "size" | "modified" | "open">;

export interface PlannedTar {
  /** Bytes of the whole archive. */
  readonly size: number;
  readonly places: readonly TarPlace[];
  stream(): AsyncIterable<Uint8Array>;
}

/**
 * Lays out a tar of these files in their order, below `root` when given. With `isAligned` each file's data starts at a
 * multiple of 4 KiB: a pax `comment` record (POSIX.1-2001: ignored by every reader) fills what is missing.
 */
export function planTar(files: readonly TarFile[], o: { root?: string; isAligned?: boolean } = {}): PlannedTar {
  const root = o.root === undefined ? "" : `${o.root}/`;
  const parts: { readonly header: Buffer; readonly file?: TarFile }[] = [];
  const places: TarPlace[] = [];
  let at = 0;
  const add = (header: Buffer, file?: TarFile): void => {
    parts.push({ header, ...(file === undefined ? {} : { file }) });
    at += header.length;
    if (file === undefined) return;
    places.push({ path: file.path, offset: at, size: file.size });
    at += Math.ceil(file.size / BLOCK) * BLOCK;
  };
  for (const directory of directoriesOf(files, root)) {
    add(headerBlocks({ path: `${directory}/`, mode: 0o755, size: 0, modified: undefined, typeflag: "5" }, undefined));
  }
  for (const file of files) {
    const entry = { path: root + file.path, mode: file.mode, size: file.size, modified: file.modified, typeflag: "0" };
    add(headerBlocks(entry, o.isAligned === true && file.size > 0 ? at : undefined), file);
  }
  return { size: at + 2 * BLOCK, places, stream: () => bytesOf(parts) };
}

async function* bytesOf(parts: readonly { header: Buffer; file?: TarFile }[]): AsyncGenerator<Uint8Array> {
  for (const { header, file } of parts) {
    yield header;
    if (file === undefined) continue;
    let written = 0;
    for await (const chunk of file.open()) {
      written += chunk.byteLength;
      if (written > file.size) break;
      yield chunk;
    }
    if (written !== file.size) throw packagingErrors("artifact.changed", { path: file.path });
    yield Buffer.alloc((BLOCK - (file.size % BLOCK)) % BLOCK);
  }
  yield Buffer.alloc(2 * BLOCK);
}

/** Every directory above the files, parents first. */
function directoriesOf(files: readonly TarFile[], root: string): string[] {
  const directories = new Set<string>();
  for (const { path } of files) {
    const parts = (root + path).split("/").slice(0, -1);
    for (let depth = 1; depth <= parts.length; depth += 1) directories.add(parts.slice(0, depth).join("/"));
  }
  return [...directories].sort();
}

interface Entry {
  readonly path: string;
  readonly mode: number;
  readonly size: number;
  readonly modified: string | undefined;
  readonly typeflag: string;
}

/** The header of an entry with its pax records; `alignAt` is where it starts when its data is to be aligned. */
function headerBlocks(entry: Entry, alignAt: number | undefined): Buffer {
  const records: [string, string][] = [];
  const isPlain = Buffer.byteLength(entry.path) <= 100 && /^[\x20-\x7e]*$/.test(entry.path);
  if (!isPlain) records.push(["path", entry.path]);
  if (entry.size > USTAR_SIZE_LIMIT) records.push(["size", String(entry.size)]);
  const seconds = entry.modified === undefined ? 0 : Math.floor(Date.parse(entry.modified) / 1000);
  const isOddTime = !(seconds >= 0 && seconds <= USTAR_SIZE_LIMIT);
  if (isOddTime) records.push(["mtime", String(seconds)]);
  let body = Buffer.from(records.map(([key, value]) => paxRecord(key, value)).join(""));
  if (alignAt !== undefined) body = Buffer.concat([body, fillTo(alignAt, body.length)]);
  const name = isPlain ? entry.path : entry.path.replace(/[^\x20-\x7e]/g, "_").slice(-100);
  const own = ustar({ ...entry, path: name, seconds: isOddTime ? 0 : seconds });
  if (body.length === 0) return own;
  const paxSize = Math.ceil(body.length / BLOCK) * BLOCK;
  const pax = { path: `PaxHeaders/${name.slice(-80)}`, mode: 0o644, size: body.length, typeflag: "x", seconds: 0 };
  return Buffer.concat([ustar(pax), body, Buffer.alloc(paxSize - body.length), own]);
}

/** A comment record that makes two headers and the pax body end on a page. */
function fillTo(at: number, used: number): Buffer {
  const smallest = Math.ceil((used + 13) / BLOCK) * BLOCK;
  const over = (at + 2 * BLOCK + smallest) % PAGE_BYTES;
  const length = smallest + (over === 0 ? 0 : PAGE_BYTES - over) - used;
  const start = `${length} comment=`;
  return Buffer.from(`${start}${" ".repeat(length - start.length - 1)}\n`);
}

/** `LENGTH key=value\n`, where LENGTH counts itself (pax, "Extended Header"). */
function paxRecord(key: string, value: string): string {
  const rest = Buffer.byteLength(key) + Buffer.byteLength(value) + 3;
  let length = rest + String(rest).length;
  if (String(length).length !== String(rest).length) length = rest + String(length).length;
  return `${length} ${key}=${value}\n`;
}

function ustar(o: { path: string; mode: number; size: number; typeflag: string; seconds: number }): Buffer {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, offset: number, digits: number): void => {
    block.write(value.toString(8).padStart(digits, "0"), offset, "latin1");
  };
  block.write(o.path, 0, 100, "latin1");
  octal(o.mode & 0o7777, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(o.size > USTAR_SIZE_LIMIT ? 0 : o.size, 124, 11);
  octal(o.seconds, 136, 11);
  block.write("        ", 148, "latin1");
  block.write(o.typeflag, 156, "latin1");
  block.write("ustar\u000000", 257, "latin1");
  octal(0, 329, 7);
  octal(0, 337, 7);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\u0000 `, 148, "latin1");
  return block;
}
