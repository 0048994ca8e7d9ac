// Values of a Berkeley DB hash file, from memory: rpm's `Packages` before 4.16 (dbinc/db_page.h).
import { Unreadable } from "../facts.ts";

const HASH_MAGIC = 0x0006_1561;
const PAGE_HEADER = 26;
const HASH_PAGES: ReadonlySet<number> = new Set([2, 13]);
const OVERFLOW_PAGE = 7;
const KEY_DATA = 1;
const OFF_PAGE = 3;

/** Every value, the small ones too. @throws Unreadable */
export function* berkeleyBlobs(file: Buffer): Generator<Buffer> {
  if (file.length < 512) throw new Unreadable("it is too short");
  const isLittle = file.readUInt32LE(12) === HASH_MAGIC;
  if (!isLittle && file.readUInt32BE(12) !== HASH_MAGIC) throw new Unreadable("it is no Berkeley DB hash");
  const u32 = (at: number): number => (isLittle ? file.readUInt32LE(at) : file.readUInt32BE(at));
  const u16 = (at: number): number => (isLittle ? file.readUInt16LE(at) : file.readUInt16BE(at));
  const size = u32(20);
  if (size < 512 || size > 65_536 || (size & (size - 1)) !== 0) throw new Unreadable("its page size is wrong");
  if (file[24] !== 0) throw new Unreadable("it is encrypted");
  const pages = Math.floor(file.length / size);
  const seen = new Set<number>();

  function chain(first: number, length: number): Buffer {
    const parts: Buffer[] = [];
    let left = length;
    for (let page = first; left > 0; page = u32(page * size + 16)) {
      if (page <= 0 || page >= pages || seen.has(page)) throw new Unreadable("a page is missing");
      seen.add(page);
      const start = page * size;
      if (file[start + 25] !== OVERFLOW_PAGE) throw new Unreadable("a page is damaged");
      const part = Math.min(u16(start + 22), size - PAGE_HEADER, left);
      if (part === 0) throw new Unreadable("a page is damaged");
      parts.push(file.subarray(start + PAGE_HEADER, start + PAGE_HEADER + part));
      left -= part;
    }
    return Buffer.concat(parts);
  }

  for (let page = 1; page < pages; page += 1) {
    const start = page * size;
    if (!HASH_PAGES.has(file[start + 25] ?? 0)) continue;
    const entries = u16(start + 20);
    if (PAGE_HEADER + entries * 2 > size) throw new Unreadable("a page is damaged");
    const offsetOf = (entry: number): number => u16(start + PAGE_HEADER + entry * 2);
    // Keys and values take turns; each item reaches up to the one before it.
    for (let entry = 1; entry < entries; entry += 2) {
      const offset = offsetOf(entry);
      const end = offsetOf(entry - 1);
      if (offset + 12 > size && offset >= end) throw new Unreadable("a page is damaged");
      const type = file[start + offset];
      if (type === OFF_PAGE && offset + 12 <= size) {
        const length = u32(start + offset + 8);
        if (length > file.length) throw new Unreadable("a value is damaged");
        yield chain(u32(start + offset + 4), length);
      } else if (type === KEY_DATA && offset < end && end <= size) {
        yield file.subarray(start + offset + 1, start + end);
      }
    }
  }
}
