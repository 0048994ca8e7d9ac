// One header block of a tar archive: POSIX ustar, with the GNU variants that Debian packages use.

export interface TarHeader {
  readonly path: string;
  readonly mode: number;
  readonly size: number;
  readonly typeflag: string;
  readonly target: string;
}

export const BLOCK = 512;

/** A header, `end` for a block of zeros, or the reason why it is neither. */
export type ParsedHeader = { readonly header: TarHeader } | "end" | { readonly problem: string };

export function parseHeader(block: Buffer): ParsedHeader {
  if (block.every((byte) => byte === 0)) return "end";
  if (!block.toString("latin1", 257, 263).startsWith("ustar")) return { problem: "a header has no ustar mark" };
  const sum = numberAt(block, 148, 8);
  let actual = 0;
  for (const [at, byte] of block.entries()) actual += at >= 148 && at < 156 ? 0x20 : byte;
  if (sum !== actual) return { problem: "a header's checksum is wrong" };
  const size = numberAt(block, 124, 12);
  const mode = numberAt(block, 100, 8);
  if (size === undefined || mode === undefined) return { problem: "a number in a header is damaged" };
  // GNU's own format ("ustar  ") keeps times where ustar has the path's first part.
  const prefix = block[262] === 0 ? textAt(block, 345, 155) : "";
  const name = textAt(block, 0, 100);
  const typeflag = String.fromCharCode(block[156] ?? 0);
  return {
    header: { path: prefix === "" ? name : `${prefix}/${name}`, mode, size, typeflag, target: textAt(block, 157, 100) },
  };
}

function textAt(block: Buffer, offset: number, size: number): string {
  const field = block.subarray(offset, offset + size);
  const end = field.indexOf(0);
  return field.toString("utf8", 0, end === -1 ? size : end);
}

/** Octal text, or base 256 when the first bit is set (GNU); `undefined` for what is neither or too large. */
function numberAt(block: Buffer, offset: number, size: number): number | undefined {
  const field = block.subarray(offset, offset + size);
  if (((field[0] ?? 0) & 0x80) !== 0) {
    let value = (field[0] ?? 0) & 0x7f;
    for (const byte of field.subarray(1)) value = value * 256 + byte;
    return Number.isSafeInteger(value) ? value : undefined;
  }
  const text = field.toString("latin1").replace(/\0.*$/s, "").trim();
  if (!/^[0-7]*$/.test(text)) return undefined;
  const value = text === "" ? 0 : Number.parseInt(text, 8);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** The records of a PAX extended header (POSIX.1-2001), or `undefined` when it is damaged. */
export function parsePax(body: Buffer): ReadonlyMap<string, string> | undefined {
  const records = new Map<string, string>();
  for (let at = 0; at < body.length;) {
    const space = body.indexOf(0x20, at);
    if (space === -1 || space - at > 10) return undefined;
    const length = body.toString("latin1", at, space);
    if (!/^[1-9][0-9]*$/.test(length)) return undefined;
    const end = at + Number(length);
    if (end > body.length || end <= space + 1 || body[end - 1] !== 0x0a) return undefined;
    const record = body.toString("utf8", space + 1, end - 1);
    const equals = record.indexOf("=");
    if (equals < 1) return undefined;
    const key = record.slice(0, equals);
    const value = record.slice(equals + 1);
    // Readers disagree on whether the first or the last counts, and on what follows a NUL.
    if (records.has(key) || (value.includes("\0") && !key.startsWith("SCHILY."))) return undefined;
    records.set(key, value);
    at = end;
  }
  return records;
}
