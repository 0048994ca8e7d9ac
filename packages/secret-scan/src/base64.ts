// Base64 in a text, of either alphabet, and what it holds.
import { isUtf8 } from "node:buffer";
import { SYMBOLS } from "./runs.ts";

/** Shorter base64 holds no secret that shows in its first bytes. */
export const BASE64_MINIMUM = 24;
/** `H4sI`: a gzip member with deflate (RFC 1952 §2.3.1), in base64. */
export const GZIP_START = "H4sI";

/** True when the first nine bytes are ASCII that a person could read. */
export function holdsText(bytes: Uint8Array, start: number): boolean {
  for (let group = start; group < start + 12; group += 4) {
    const bits =
      (SYMBOLS[bytes[group]!]! << 18) |
      (SYMBOLS[bytes[group + 1]!]! << 12) |
      (SYMBOLS[bytes[group + 2]!]! << 6) |
      SYMBOLS[bytes[group + 3]!]!;
    if (!isReadable(bits >> 16) || !isReadable((bits >> 8) & 255) || !isReadable(bits & 255)) return false;
  }
  return true;
}

function isReadable(code: number): boolean {
  return (code >= 32 && code < 127) || code === 10 || code === 9 || code === 13;
}

export interface Decoded {
  readonly text: string;
  readonly encoding: "utf8" | "latin1";
}

/** Bytes as text, so that the same bytes come back from it. */
export function asText(bytes: Buffer): Decoded {
  const encoding = isUtf8(bytes) ? "utf8" : "latin1";
  return { text: bytes.toString(encoding), encoding };
}

/** Back into base64 of the alphabet and with the padding that it was in. */
export function encodedLike(bytes: Buffer, original: string): string {
  if (!/[-_]/.test(original)) return bytes.toString("base64");
  const url = bytes.toString("base64url");
  return original.endsWith("=") ? url.padEnd(Math.ceil(url.length / 4) * 4, "=") : url;
}
