// Whether a signature is by a public key: each kind of key with its own hash, and no other.
import { verify, type KeyObject } from "node:crypto";
import { hashOf, keyAlgorithmOf } from "./key-algorithm.ts";

/** RSA keys of others sign with PKCS #1 v1.5 over SHA-256, as cosign does. Never throws: what cannot be verified is not. */
export function verifySignature(publicKey: KeyObject, message: Uint8Array, signature: Uint8Array): boolean {
  const algorithm = keyAlgorithmOf(publicKey);
  if (algorithm === undefined && publicKey.asymmetricKeyType !== "rsa") return false;
  const hash = algorithm === undefined ? "sha256" : hashOf(algorithm);
  try {
    return verify(hash, message, publicKey, signature);
  } catch {
    // Node refuses some malformed signatures by throwing.
    return false;
  }
}
