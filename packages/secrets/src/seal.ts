// Authenticated encryption of one value under one key: AES-256-GCM (NIST SP 800-38D), bound to what it stands for.
import { createCipheriv, createDecipheriv } from "node:crypto";
import type { Random } from "./random.ts";

const ALGORITHM = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
export const KEY_BYTES = 32;

/** Nonce, ciphertext and tag in one. `bound` is not kept, and must be the same again when it is opened. */
export function seal(key: Uint8Array, value: Uint8Array, bound: Uint8Array, random: Random): Buffer {
  const nonce = random(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(bound);
  return Buffer.concat([nonce, cipher.update(value), cipher.final(), cipher.getAuthTag()]);
}

/** Undefined when it was sealed under another key, for something else, or was changed. */
export function unseal(key: Uint8Array, sealed: Uint8Array, bound: Uint8Array): Buffer | undefined {
  if (sealed.byteLength < NONCE_BYTES + TAG_BYTES) return undefined;
  const nonce = sealed.subarray(0, NONCE_BYTES);
  const tag = sealed.subarray(sealed.byteLength - TAG_BYTES);
  const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(bound);
  decipher.setAuthTag(tag);
  const text = decipher.update(sealed.subarray(NONCE_BYTES, sealed.byteLength - TAG_BYTES));
  try {
    decipher.final();
    return text;
  } catch {
    text.fill(0);
    return undefined;
  }
}

/** What a value is bound to, without ambiguity: a sealed value moved to another name, owner or version does not open. */
export function boundTo(owner: string, name: string, version: number): Buffer {
  return Buffer.from(JSON.stringify(["pratique.secret", 1, owner, name, version]));
}
