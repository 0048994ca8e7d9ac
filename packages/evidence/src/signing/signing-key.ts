// A key that signs, wherever its private half lies: in a file, in a token, in a key management service.
import { createHash, createPublicKey, sign, type KeyObject } from "node:crypto";
import { signingErrors } from "./errors.ts";
import { hashOf, keyAlgorithmOf, type KeyAlgorithm } from "./key-algorithm.ts";
import { verifySignature } from "./verify-signature.ts";

/** A key that signs; its private half stays where it is. */
export interface SigningKey {
  /** Base64 SHA-256 of the public key's DER SPKI: the `hint` of a bundle. */
  readonly keyId: string;
  readonly publicKeyPem: string;
  readonly algorithm: KeyAlgorithm;
  /** Signs a message: DER-encoded ECDSA over its hash, or raw Ed25519. */
  sign(message: Uint8Array): Promise<Uint8Array>;
}

/** The id of a public key, as bundles name it. */
export function keyIdOf(publicKey: KeyObject): string {
  return createHash("sha256")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest("base64");
}

/** @throws when it is no public key */
export function keyIdOfPem(publicKeyPem: string): string {
  return keyIdOf(createPublicKey(publicKeyPem));
}

/** A key whose private half this process holds; undefined when its algorithm is none of ours. */
export function localSigningKey(privateKey: KeyObject): SigningKey | undefined {
  const algorithm = keyAlgorithmOf(privateKey);
  if (algorithm === undefined) return undefined;
  const publicKey = createPublicKey(privateKey);
  return { ...namesOf(publicKey), algorithm, sign: async (message) => sign(hashOf(algorithm), message, privateKey) };
}

/**
 * A key whose private half lies elsewhere: `signMessage` asks whoever holds it. What comes back is verified before it
 * is used, since a holder that took another key would make a signature that nobody can verify.
 * @throws `key.unusable` when its algorithm is none of ours
 */
export function remoteSigningKey(publicKey: KeyObject, where: string, signMessage: SigningKey["sign"]): SigningKey {
  const algorithm = keyAlgorithmOf(publicKey);
  if (algorithm === undefined) {
    throw signingErrors("key.unusable", { where, reason: "it is of another kind or curve" });
  }
  return {
    ...namesOf(publicKey),
    algorithm,
    sign: async (message) => {
      const signature = await signMessage(message);
      if (verifySignature(publicKey, message, signature)) return signature;
      throw signingErrors("key.refused", { where, reason: "it signed with another key" });
    },
  };
}

function namesOf(publicKey: KeyObject): Pick<SigningKey, "keyId" | "publicKeyPem"> {
  return { keyId: keyIdOf(publicKey), publicKeyPem: publicKey.export({ type: "spki", format: "pem" }).toString() };
}
