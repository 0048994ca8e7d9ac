// Sections and segments of an ELF file, from memory: only what finds bytes by name or address (System V ABI, chapter 4).
import type { FileParts } from "../facts.ts";

export interface Elf {
  readonly isLittle: boolean;
  /** 4 or 8. */
  readonly pointerBytes: number;
  /** False for what was stripped of its section headers. */
  readonly hasSections: boolean;
  section(name: string): Buffer | undefined;
  /** So many of the file's bytes from a virtual address on. */
  at(address: number, size: number): Buffer | undefined;
}

const MAX_HEADERS = 10_000;
const LOAD = 1;
/** SHT_NOBITS: takes room in memory only. */
const WITHOUT_BYTES = 8;

export function isElf(beginning: Buffer): boolean {
  return beginning.length >= 20 && beginning.readUInt32BE(0) === 0x7f45_4c46;
}

/** `undefined` for what is no ELF file or does not hold what its header says. */
export function openElf(file: FileParts): Elf | undefined {
  const header = file.slice(0, 64) ?? file.slice(0, 52);
  if (header === undefined || !isElf(header)) return undefined;
  const is64 = header[4] === 2;
  if (is64 && header.length < 64) return undefined;
  const isLittle = header[5] === 1;
  const fields = new Fields(is64, isLittle);
  const table = (o: { offset: number; entryBytes: number; count: number; least: number }): Buffer[] => {
    const { offset, entryBytes, count, least } = o;
    if (count > MAX_HEADERS || entryBytes < least) return [];
    const bytes = file.slice(offset, count * entryBytes);
    if (bytes === undefined) return [];
    return Array.from({ length: count }, (_, at) => bytes.subarray(at * entryBytes, (at + 1) * entryBytes));
  };
  const sections = table({
    offset: fields.word(header, is64 ? 40 : 32),
    entryBytes: fields.u16(header, is64 ? 58 : 46),
    count: fields.u16(header, is64 ? 60 : 48),
    least: is64 ? 64 : 40,
  });
  const contentOf = (section: Buffer): Buffer | undefined =>
    fields.u32(section, 4) === WITHOUT_BYTES
      ? undefined
      : file.slice(fields.word(section, is64 ? 24 : 16), fields.word(section, is64 ? 32 : 20));
  const namesHeader = sections[fields.u16(header, is64 ? 62 : 50)];
  const names = namesHeader === undefined ? undefined : contentOf(namesHeader);
  return {
    isLittle,
    pointerBytes: is64 ? 8 : 4,
    hasSections: names !== undefined,
    section: (name) => {
      const found = sections.find((one) => names !== undefined && nameAt(names, fields.u32(one, 0)) === name);
      return found === undefined ? undefined : contentOf(found);
    },
    at: (address, size) => {
      const segments = table({
        offset: fields.word(header, is64 ? 32 : 28),
        entryBytes: fields.u16(header, is64 ? 54 : 42),
        count: fields.u16(header, is64 ? 56 : 44),
        least: is64 ? 56 : 32,
      });
      for (const segment of segments) {
        if (fields.u32(segment, 0) !== LOAD) continue;
        const start = fields.word(segment, is64 ? 16 : 8);
        const length = fields.word(segment, is64 ? 32 : 16);
        if (address < start || address + size > start + length) continue;
        return file.slice(fields.word(segment, is64 ? 8 : 4) + address - start, size);
      }
      return undefined;
    },
  };
}

class Fields {
  readonly #is64: boolean;
  readonly #isLittle: boolean;

  constructor(is64: boolean, isLittle: boolean) {
    this.#is64 = is64;
    this.#isLittle = isLittle;
  }

  u16(bytes: Buffer, at: number): number {
    return this.#isLittle ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at);
  }

  u32(bytes: Buffer, at: number): number {
    return this.#isLittle ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
  }

  word(bytes: Buffer, at: number): number {
    if (!this.#is64) return this.u32(bytes, at);
    return Number(this.#isLittle ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at));
  }
}

/** A file that lies in memory. */
export function partsOf(path: string, bytes: Buffer): FileParts {
  return {
    path,
    size: bytes.length,
    slice: (offset, size) => (offset + size <= bytes.length ? bytes.subarray(offset, offset + size) : undefined),
  };
}

function nameAt(names: Buffer, offset: number): string {
  const end = names.indexOf(0, offset);
  return offset >= names.length || end - offset > 64
    ? ""
    : names.toString("latin1", offset, end === -1 ? names.length : end);
}
