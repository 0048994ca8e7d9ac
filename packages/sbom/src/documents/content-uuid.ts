// A UUID of version 8 (RFC 9562 §5.8) made of a hash: no randomness, so equal documents are equal.
import { digestOf, hexOf } from "@pratique/core";

export function uuidOf(content: string): string {
  const bytes = Buffer.from(hexOf(digestOf(content)), "hex").subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
