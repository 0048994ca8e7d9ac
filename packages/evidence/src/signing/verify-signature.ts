// Whether a signature is by a public key: each kind of key with its own hash, and no other.
import { verify, type KeyObject } from "node:crypto";
import { hashOf, keyAlgorithmOf } from "./key-algorithm.ts";

/**
 * Whether the key made this signature. Never throws: what cannot be verified is not.
 * RSA keys of others sign with PKCS #1 v1.5 over SHA-256, as cosign does; P-384 keys of cosign 2 too sign over SHA-256.
 */
export function verifySignature(publicKey: KeyObject, message: Uint8Array, signature: Uint8Array): boolean {
  return hashesOf(publicKey).some((hash) => isSignature(hash, publicKey, message, signature));
}

function hashesOf(publicKey: KeyObject): readonly (string | undefined)[] {
  const algorithm = keyAlgorithmOf(publicKey);
  if (algorithm === "ecdsa-p384") return ["sha384", "sha256"];
  if (algorithm !== undefined) return [hashOf(algorithm)];
  return publicKey.asymmetricKeyType === "rsa" ? ["sha256"] : [];
}

function isSignature(
  hash: string | undefined,
  publicKey: KeyObject,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  try {
    return verify(hash, message, publicKey, signature);
  } catch {
    // Node refuses some malformed signatures by throwing.
    return false;
  }
}
