// Finds the long words of a text: the only places where tokens can stand. Looks at a small part of ordinary text.

/** Shorter ones hold no token. */
export const RUN_LENGTH = 16;

/** Six bits of what stands in tokens and in both kinds of base64 (`.` and `~` count as `-` here); 64 for all else. */
export const SYMBOLS: Uint8Array = symbols();

function symbols(): Uint8Array {
  const table = new Uint8Array(256).fill(64);
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (let at = 0; at < alphabet.length; at++) table[alphabet.charCodeAt(at)] = at;
  for (const [other, same] of [
    ["-", "+"],
    [".", "+"],
    ["~", "+"],
    ["_", "/"],
  ] as const) {
    table[other.charCodeAt(0)] = alphabet.indexOf(same);
  }
  return table;
}

/**
 * Calls `look` with the start of each run of at least `RUN_LENGTH` such characters in `bytes[0, length)`, in order; it says
 * where the run ends. Each run covers a multiple of the stride, so most characters between runs are never looked at.
 */
export function eachRun(bytes: Uint8Array, length: number, look: (start: number) => number): void {
  let border = 0;
  let at = RUN_LENGTH - 1;
  while (at < length) {
    if (SYMBOLS[bytes[at]!] === 64) {
      border = at + 1;
      at += RUN_LENGTH;
      continue;
    }
    let start = at;
    while (start > border && SYMBOLS[bytes[start - 1]!] !== 64) start--;
    const enough = start + RUN_LENGTH;
    let end = at + 1;
    while (end < enough && end < length && SYMBOLS[bytes[end]!] !== 64) end++;
    if (end === enough) end = look(start);
    border = end + 1;
    at = end + RUN_LENGTH;
  }
}
