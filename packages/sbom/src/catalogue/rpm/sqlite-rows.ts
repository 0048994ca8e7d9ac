// Reads the rows of one table of an SQLite file, from memory (sqlite.org/fileformat2.html). Only what rpm's database needs.
import { Unreadable } from "../facts.ts";

const MAGIC = "SQLite format 3\0";
const INTERIOR = 0x05;
const LEAF = 0x0d;
const MAX_DEPTH = 32;

export type SqliteValue = Buffer | number | null;

/** Every row's columns; texts are bytes. @throws Unreadable */
export function* sqliteRows(file: Buffer, table: string): Generator<readonly SqliteValue[]> {
  if (file.toString("latin1", 0, 16) !== MAGIC) throw new Unreadable("it is no SQLite database");
  const pages = new Pages(file);
  for (const [type, name, , root] of pages.rows(1)) {
    if (String(type) !== "table" || String(name) !== table || typeof root !== "number") continue;
    yield* pages.rows(root);
    return;
  }
  throw new Unreadable(`it has no table ${table}`);
}

class Pages {
  readonly #file: Buffer;
  readonly #size: number;
  readonly #usable: number;

  constructor(file: Buffer) {
    const stated = file.readUInt16BE(16);
    this.#file = file;
    this.#size = stated === 1 ? 65_536 : stated;
    this.#usable = this.#size - (file[20] ?? 0);
    if (this.#size < 512 || (this.#size & (this.#size - 1)) !== 0 || this.#usable < 480) {
      throw new Unreadable("its page size is wrong");
    }
  }

  *rows(root: number): Generator<readonly SqliteValue[]> {
    yield* this.#tree(root, new Set(), 0);
  }

  /** `seen`: a page is in a tree once; a circle would never end. */
  *#tree(number: number, seen: Set<number>, depth: number): Generator<readonly SqliteValue[]> {
    const page = this.#page(number, seen);
    if (depth > MAX_DEPTH) throw new Unreadable("its tree is too deep");
    const at = number === 1 ? 100 : 0;
    const type = page[at];
    if (type !== INTERIOR && type !== LEAF) throw new Unreadable("a page is damaged");
    const cells = page.readUInt16BE(at + 3);
    const pointers = at + (type === INTERIOR ? 12 : 8);
    if (pointers + cells * 2 > page.length) throw new Unreadable("a page is damaged");
    for (let cell = 0; cell < cells; cell += 1) {
      const offset = page.readUInt16BE(pointers + cell * 2);
      if (type === LEAF) yield record(this.#payload(page, offset, seen));
      else if (offset + 4 > page.length) throw new Unreadable("a page is damaged");
      else yield* this.#tree(page.readUInt32BE(offset), seen, depth + 1);
    }
    if (type === INTERIOR) yield* this.#tree(page.readUInt32BE(at + 8), seen, depth + 1);
  }

  #page(number: number, seen: Set<number>): Buffer {
    const start = (number - 1) * this.#size;
    if (number < 1 || start + this.#size > this.#file.length) throw new Unreadable("a page is missing");
    if (seen.has(number)) throw new Unreadable("a page is used twice");
    seen.add(number);
    return this.#file.subarray(start, start + this.#size);
  }

  /** A cell's payload, with what overflows onto other pages (§1.6). */
  #payload(page: Buffer, offset: number, seen: Set<number>): Buffer {
    const size = varint(page, offset);
    const rowId = varint(page, size.next);
    const most = this.#usable - 35;
    const least = Math.floor(((this.#usable - 12) * 32) / 255) - 23;
    const spread = least + ((size.value - least) % (this.#usable - 4));
    const local = size.value <= most ? size.value : spread <= most ? spread : least;
    if (size.value > this.#file.length || rowId.next + local > page.length) throw new Unreadable("a row is damaged");
    const parts = [page.subarray(rowId.next, rowId.next + local)];
    let left = size.value - local;
    let next = left > 0 ? readPage(page, rowId.next + local) : 0;
    while (left > 0) {
      const overflow = this.#page(next, seen);
      const part = overflow.subarray(4, Math.min(4 + left, this.#usable));
      parts.push(part);
      left -= part.length;
      next = overflow.readUInt32BE(0);
    }
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
  }
}

function readPage(page: Buffer, offset: number): number {
  if (offset + 4 > page.length) throw new Unreadable("a row is damaged");
  return page.readUInt32BE(offset);
}

function varint(bytes: Buffer, offset: number): { readonly value: number; readonly next: number } {
  let value = 0;
  for (let at = 0; at < 9; at += 1) {
    const byte = bytes[offset + at];
    if (byte === undefined) break;
    if (at === 8) return { value: value * 256 + byte, next: offset + 9 };
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) return { value, next: offset + at + 1 };
  }
  throw new Unreadable("a number is damaged");
}

/** A record's columns (§2.1). */
function record(payload: Buffer): SqliteValue[] {
  const header = varint(payload, 0);
  const values: SqliteValue[] = [];
  let at = header.value;
  for (let next = header.next; next < header.value;) {
    const type = varint(payload, next);
    next = type.next;
    const size = sizeOf(type.value);
    if (at + size > payload.length || values.length > 100) throw new Unreadable("a row is damaged");
    values.push(valueOf(type.value, payload, at));
    at += size;
  }
  return values;
}

const FIXED_SIZES = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0];

function sizeOf(type: number): number {
  return type >= 12 ? Math.floor((type - 12) / 2) : (FIXED_SIZES[type] ?? 0);
}

function valueOf(type: number, payload: Buffer, at: number): SqliteValue {
  if (type >= 12) return payload.subarray(at, at + sizeOf(type));
  if (type === 8) return 0;
  if (type === 9) return 1;
  if (type >= 1 && type <= 5) return payload.readIntBE(at, sizeOf(type));
  return null;
}
