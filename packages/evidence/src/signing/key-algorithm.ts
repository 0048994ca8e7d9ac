// The algorithms that signing keys have, each with the hash that belongs to it.
import type { KeyObject } from "node:crypto";

/** `sha256` for P-256, `sha384` for P-384; Ed25519 hashes by itself (RFC 8032, PureEdDSA). */
export type KeyAlgorithm = "ecdsa-p256" | "ecdsa-p384" | "ed25519";

export const KEY_ALGORITHMS: readonly KeyAlgorithm[] = ["ecdsa-p256", "ecdsa-p384", "ed25519"];

/** What a key of ours may be; undefined for every other kind or curve. */
export function keyAlgorithmOf(key: KeyObject): KeyAlgorithm | undefined {
  if (key.asymmetricKeyType === "ed25519") return "ed25519";
  if (key.asymmetricKeyType !== "ec") return undefined;
  switch (key.asymmetricKeyDetails?.namedCurve) {
    case "prime256v1":
      return "ecdsa-p256";
    case "secp384r1":
      return "ecdsa-p384";
    default:
      return undefined;
  }
}

/** The hash that is signed; undefined where the message itself is. */
export function hashOf(algorithm: KeyAlgorithm): "sha256" | "sha384" | undefined {
  return algorithm === "ed25519" ? undefined : algorithm === "ecdsa-p256" ? "sha256" : "sha384";
}
