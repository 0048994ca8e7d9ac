// Sections and segments of an ELF file, from memory: only what finds bytes by name or address (System V ABI, chapter 4).

export interface Elf {
  readonly isLittle: boolean;
  /** 4 or 8. */
  readonly pointerBytes: number;
  /** False for what was stripped of its section headers. */
  readonly hasSections: boolean;
  section(name: string): Buffer | undefined;
  /** The file's bytes from a virtual address on, to the end of its segment. */
  at(address: number): Buffer | undefined;
}

const MAX_HEADERS = 10_000;
const LOAD = 1;

export function isElf(beginning: Buffer): boolean {
  return beginning.length >= 20 && beginning.readUInt32BE(0) === 0x7f45_4c46;
}

/** `undefined` for what is no ELF file or does not hold what its header says. */
export function openElf(file: Buffer): Elf | undefined {
  if (!isElf(file) || file.length < 52) return undefined;
  const is64 = file[4] === 2;
  const isLittle = file[5] === 1;
  if (is64 && file.length < 64) return undefined;
  const u16 = (at: number): number => (isLittle ? file.readUInt16LE(at) : file.readUInt16BE(at));
  const u32 = (at: number): number => (isLittle ? file.readUInt32LE(at) : file.readUInt32BE(at));
  const u64 = (at: number): number => Number(isLittle ? file.readBigUInt64LE(at) : file.readBigUInt64BE(at));
  const word = (at: number): number => (is64 ? u64(at) : u32(at));
  const table = (o: { offset: number; entryBytes: number; count: number; least: number }): number[] => {
    const { offset, entryBytes, count, least } = o;
    if (count > MAX_HEADERS || entryBytes < least || offset + count * entryBytes > file.length) return [];
    return Array.from({ length: count }, (_, at) => offset + at * entryBytes);
  };
  const slice = (offset: number, size: number): Buffer | undefined =>
    offset + size <= file.length ? file.subarray(offset, offset + size) : undefined;

  const sections = table({
    offset: word(is64 ? 40 : 32),
    entryBytes: u16(is64 ? 58 : 46),
    count: u16(is64 ? 60 : 48),
    least: is64 ? 64 : 40,
  });
  const contentOf = (header: number): Buffer | undefined =>
    u32(header + 4) === 8 ? undefined : slice(word(header + (is64 ? 24 : 16)), word(header + (is64 ? 32 : 20)));
  const namesHeader = sections[u16(is64 ? 62 : 50)];
  const names = namesHeader === undefined ? undefined : contentOf(namesHeader);
  const segments = table({
    offset: word(is64 ? 32 : 28),
    entryBytes: u16(is64 ? 54 : 42),
    count: u16(is64 ? 56 : 44),
    least: is64 ? 56 : 32,
  });

  return {
    isLittle,
    pointerBytes: is64 ? 8 : 4,
    hasSections: names !== undefined,
    section: (name) => {
      const header = sections.find((one) => names !== undefined && nameAt(names, u32(one)) === name);
      return header === undefined ? undefined : contentOf(header);
    },
    at: (address) => {
      for (const header of segments) {
        if (u32(header) !== LOAD) continue;
        const start = word(header + (is64 ? 16 : 8));
        const size = word(header + (is64 ? 32 : 16));
        if (address < start || address >= start + size) continue;
        return slice(word(header + (is64 ? 8 : 4)), size)?.subarray(address - start);
      }
      return undefined;
    },
  };
}

function nameAt(names: Buffer, offset: number): string {
  const end = names.indexOf(0, offset);
  return offset >= names.length || end - offset > 64
    ? ""
    : names.toString("latin1", offset, end === -1 ? names.length : end);
}
