// The fields of a tar header block: POSIX ustar with GNU's numbers, and PAX records.

/** True when the checksum fits: unsigned, or signed as some old writers had it. */
export function isSound(block: Buffer): boolean {
  const sum = numberAt(block, 148, 8);
  let unsigned = 8 * 0x20;
  let signed = 8 * 0x20;
  for (let at = 0; at < 512; at += 1) {
    if (at === 148) at = 156;
    const byte = block[at] ?? 0;
    unsigned += byte;
    if (byte > 127) signed -= 256;
    signed += byte;
  }
  return sum === unsigned || sum === signed;
}

export function textAt(block: Buffer, offset: number, size: number): string {
  const end = block.indexOf(0, offset);
  return block.toString("utf8", offset, end === -1 || end > offset + size ? offset + size : end);
}

/** Octal text, or base 256 when the first bit is set (GNU); `undefined` for what is neither or too large. */
export function numberAt(block: Buffer, offset: number, size: number): number | undefined {
  const first = block[offset] ?? 0;
  if ((first & 0x80) !== 0) {
    let value = first & 0x7f;
    for (let at = offset + 1; at < offset + size; at += 1) value = value * 256 + (block[at] ?? 0);
    return Number.isSafeInteger(value) ? value : undefined;
  }
  let value = 0;
  let digits = 0;
  for (let at = offset; at < offset + size; at += 1) {
    const byte = block[at] ?? 0;
    if (byte >= 0x30 && byte <= 0x37) {
      value = value * 8 + (byte - 0x30);
      digits += 1;
    } else if (byte === 0x20 && digits === 0) continue;
    else if (byte === 0 || byte === 0x20) break;
    else return undefined;
  }
  return value;
}

/** The records of a PAX extended header (POSIX.1-2001), the last of a name counting; `undefined` when it is damaged. */
export function paxRecords(body: Buffer): ReadonlyMap<string, string> | undefined {
  const records = new Map<string, string>();
  for (let at = 0; at < body.length;) {
    const space = body.indexOf(0x20, at);
    if (space === -1 || space - at > 10) return undefined;
    const length = body.toString("latin1", at, space);
    if (!/^[1-9][0-9]*$/.test(length)) return undefined;
    const end = at + Number(length);
    if (end > body.length || end <= space + 1 || body[end - 1] !== 0x0a) return undefined;
    const equals = body.indexOf(0x3d, space + 1);
    if (equals === -1 || equals >= end || equals === space + 1) return undefined;
    records.set(body.toString("utf8", space + 1, equals), body.toString("utf8", equals + 1, end - 1));
    at = end;
  }
  return records;
}
