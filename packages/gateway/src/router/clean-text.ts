// Takes secrets out of what servers say, in plain text and in base64.
import { isUtf8 } from "node:buffer";
import { redactText, type Redaction } from "@pratique/core";

/** Moves a cursor, turns text round, or is seen by a model and by no person: C0 and C1, bidirectional marks, tags. */
const UNSEEN = /(?![\t\n\r])[\p{Cc}\u202a-\u202e\u2066-\u2069\u{e0000}-\u{e007f}]/gu;
/** Shorter base64 holds no token that redaction knows. */
const BASE64_RUN = /[A-Za-z0-9+/_-]{24,}={0,2}/g;
/** Base64 as mail breaks it into lines. */
const WRAPPED_BASE64 = /^[A-Za-z0-9+/_-]{4,}={0,2}\s[A-Za-z0-9+/_=\s-]*$/;

/**
 * A text without well-known secrets. Base64 is looked into once, wherever it stands: what a server calls a blob may be text,
 * and what it calls text may be a blob. Base64 without a secret stays as it is, byte for byte.
 */
export function cleanText(text: string, found: Redaction[] = []): string {
  const plain = redactText(text, found).replace(BASE64_RUN, (run) => cleanBase64(run, found));
  return WRAPPED_BASE64.test(plain) ? cleanBase64(plain, found) : plain;
}

/** Without characters that only a terminal or a model would notice. */
export function withoutUnseen(text: string): string {
  return text.replace(UNSEEN, "");
}

/** Redacts before it cuts: half a secret is none that redaction would know. */
export function shortText(text: string, limit: number): string {
  return cleanText(withoutUnseen(text.slice(0, 16 * limit)))
    .slice(0, limit)
    .toWellFormed();
}

/** What stands before base64 may look like a part of it (`/x/`): so it is read from each of four places. */
function cleanBase64(encoded: string, found: Redaction[]): string {
  for (let start = 0; start < 4; start++) {
    const bytes = Buffer.from(encoded.slice(start), "base64");
    // Tokens are ASCII, so that Latin-1 shows them in any bytes, and gives other bytes back as they were.
    const encoding = isUtf8(bytes) ? "utf8" : "latin1";
    const taken: Redaction[] = [];
    const clean = redactText(bytes.toString(encoding), taken);
    // Among the bytes of a picture something looks like `://a:b@` now and then.
    if (!taken.some(({ kind }) => encoding === "utf8" || kind !== "url-password")) continue;
    found.push(...taken);
    return encoded.slice(0, start) + Buffer.from(clean, encoding).toString("base64");
  }
  return encoded;
}
