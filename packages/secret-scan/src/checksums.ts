// Check digits that some tokens carry, so that one is known even where it stands glued to other text.
import { crc32 } from "node:zlib";

const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

function base62(value: number, length: number): string {
  let rest = value;
  let text = "";
  while (rest > 0) {
    text = (BASE62[rest % 62] ?? "") + text;
    rest = Math.floor(rest / 62);
  }
  return text.padStart(length, "0");
}

/**
 * GitHub's and npm's tokens: a prefix up to `_`, 30 characters, and the CRC-32 of these in six digits of base 62.
 * @see https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/
 */
export function hasBase62Checksum(token: string): boolean {
  const body = token.slice(token.indexOf("_") + 1);
  return body.length === 36 && base62(crc32(body.slice(0, 30)), 6) === body.slice(30);
}

/** Grafana's service account tokens: `glsa_`, 32 characters, `_`, and the CRC-32 of all before the last `_` in hex. */
export function hasHexChecksum(token: string): boolean {
  const border = token.lastIndexOf("_");
  return crc32(token.slice(0, border)).toString(16).padStart(8, "0") === token.slice(border + 1).toLowerCase();
}
