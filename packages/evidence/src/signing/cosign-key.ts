// Private keys as cosign encrypts them: scrypt and NaCl's secretbox around PKCS #8 (sigstore/sigstore pkg/cryptoutils, go-securesystemslib/encrypted).
import { scrypt } from "node:crypto";
import { promisify } from "node:util";
import { xsalsa20poly1305 } from "@noble/ciphers/salsa.js";
import { z } from "zod";

const LABELS =
  /^-----BEGIN ENCRYPTED (SIGSTORE|COSIGN) PRIVATE KEY-----\s+([A-Za-z0-9+/=\s]+)-----END ENCRYPTED \1 PRIVATE KEY-----\s*$/;

const Base64 = z.base64().transform((text) => Buffer.from(text, "base64"));

/** The costs are bounded: a file must not make us fill the memory (128 · N · r bytes). cosign writes N = 65536, r = 8. */
const Sealed = z.looseObject({
  kdf: z.looseObject({
    name: z.literal("scrypt"),
    params: z.looseObject({
      N: z
        .int()
        .min(1024)
        .max(1 << 18),
      r: z.int().min(1).max(16),
      p: z.int().min(1).max(4),
    }),
    salt: Base64.refine((salt) => salt.length >= 16 && salt.length <= 64),
  }),
  cipher: z.looseObject({ name: z.literal("nacl/secretbox"), nonce: Base64.refine((nonce) => nonce.length === 24) }),
  ciphertext: Base64.refine((text) => text.length > 16 && text.length <= 16 * 1024),
});

const derive = promisify<Buffer, Buffer, number, { N: number; r: number; p: number; maxmem: number }, Buffer>(scrypt);

/** True when this is a key in cosign's form. */
export function isCosignKey(pem: string): boolean {
  return LABELS.test(pem);
}

/** What became of opening one: PKCS #8 in DER. */
export type OpenedCosignKey =
  | { readonly ok: true; readonly der: Buffer }
  | { readonly ok: false; readonly reason: "malformed" | "passphrase" };

/** Decrypts; an empty passphrase is one, as in cosign. */
export async function openCosignKey(pem: string, passphrase: string): Promise<OpenedCosignKey> {
  const sealed = readSealed(LABELS.exec(pem)?.[2] ?? "");
  if (sealed === undefined) return { ok: false, reason: "malformed" };
  const { N, r, p } = sealed.kdf.params;
  const maxmem = 256 * N * r + 1024 * 1024;
  const key = await derive(Buffer.from(passphrase), sealed.kdf.salt, 32, { N, r, p, maxmem });
  try {
    return { ok: true, der: Buffer.from(xsalsa20poly1305(key, sealed.cipher.nonce).decrypt(sealed.ciphertext)) };
  } catch {
    // The authenticator does not fit: another passphrase, or other bytes.
    return { ok: false, reason: "passphrase" };
  }
}

function readSealed(base64: string): z.infer<typeof Sealed> | undefined {
  try {
    return Sealed.safeParse(JSON.parse(Buffer.from(base64, "base64").toString("utf8"))).data;
  } catch {
    return undefined;
  }
}
