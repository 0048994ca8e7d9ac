// Credentials as HTTP writes them: `Bearer TOKEN`, `Basic BASE64` (RFC 6750 §2.1, RFC 7617 §2).
import { entropyOf, looksDrawn } from "./randomness.ts";

/** Those of the RFC, and what documents write. */
const STAND_IN =
  /^(?:aladdin:open ?sesame|user(?:name)?:pass(?:word)?|test:.*|.*:(?:password|secret|pass)|demo:demo)$/i;

/** The kind of credential that stands there, when what is before it says so. */
export function headerCredential(text: string, start: number, end: number): string | undefined {
  // Most words have no space, or no `r`, `c`, `n` before them.
  if (text.charCodeAt(start - 1) !== 32) return undefined;
  const last = text.charCodeAt(start - 2) | 32;
  if (last === 114 && isWord(text, start, "bearer")) {
    const token = text.slice(start, end);
    const isToken = looksDrawn(token, 3.2) || (/\d/.test(token) && /[A-Z]/.test(token) && entropyOf(token) >= 4);
    return isToken && !/your|example|x{6}/i.test(token) ? "bearer-token" : undefined;
  }
  if (last === 99 && isWord(text, start, "basic")) {
    const pair = Buffer.from(text.slice(start, end), "base64").toString("latin1");
    return /^[\x20-\x7e]+:[\x20-\x7e]{3,}$/.test(pair) && !STAND_IN.test(pair) ? "basic-credential" : undefined;
  }
  if (
    last === 110 &&
    isWord(text, start, "token") &&
    /authori[sz]ation/i.test(text.slice(Math.max(0, start - 40), start))
  ) {
    return looksDrawn(text.slice(start, end), 3) ? "token" : undefined;
  }
  return undefined;
}

function isWord(text: string, start: number, word: string): boolean {
  return text.slice(Math.max(0, start - 1 - word.length), start - 1).toLowerCase() === word;
}
