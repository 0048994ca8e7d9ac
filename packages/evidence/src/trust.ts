// Whom to believe: public keys and identities, and how far each is trusted.
import { createPublicKey, type KeyObject } from "node:crypto";
import { canonicalJson, digestOf } from "@pratique/core";
import type { Signer } from "@pratique/contracts";
import { evidenceErrors } from "./errors.ts";
import type { TrustRoot } from "./keyless/trust-root.ts";
import type { TrustedIdentity } from "./keyless/trusted-identity.ts";
import type { TrustedBuilder } from "./provenance-builders.ts";
import type { Requirement } from "./requirements/requirement.ts";
import { keyIdOf } from "./signing/signing-key.ts";

/** The name of the key whose clearances count, unless `clears` says otherwise. */
export const OWNER = "owner";

export interface TrustedKey {
  /** The name policies see as signer, e.g. `owner`. */
  readonly name: string;
  readonly publicKeyPem: string;
  /** Whether clearances by this key count. To trust a vendor's signature is not to trust its verdicts: default only `owner`. */
  readonly clears?: boolean;
  /** The SLSA build level up to which provenance by this key is believed (SLSA 1.2, verifying artifacts). Default 1. */
  readonly slsaLevel?: number;
}

export interface Trust {
  readonly keys: readonly TrustedKey[];
  /** Who is believed by certificate. Without one, no certificate counts. */
  readonly identities?: readonly TrustedIdentity[] | undefined;
  /** Which authorities may certify them. */
  readonly roots?: readonly TrustRoot[] | undefined;
  /** What artifacts that a signer of this name signed are, for policies; without it `verified`. The owner's are `organization`. */
  readonly imageTypes?: Readonly<Record<string, "hardened" | "official">> | undefined;
  /** What must be signed, by whom, of which repositories. */
  readonly requirements?: readonly Requirement[] | undefined;
  /** Build platforms, and who speaks for each. */
  readonly builders?: readonly TrustedBuilder[] | undefined;
}

/** A trusted key, ready to verify with. */
export interface TrustedSigner {
  readonly signer: Signer;
  readonly publicKey: KeyObject;
  readonly clears: boolean;
  readonly slsaLevel: number;
}

/** The trusted signers by key id; the first name given to a key holds. @throws `trust.invalid` */
export function signersOf(trust: Trust): ReadonlyMap<string, TrustedSigner> {
  const signers = new Map<string, TrustedSigner>();
  for (const { name, publicKeyPem, clears, slsaLevel } of trust.keys) {
    const publicKey = readPublicKey(name, publicKeyPem);
    const id = keyIdOf(publicKey);
    if (signers.has(id)) continue;
    signers.set(id, { signer: { id, name }, publicKey, clears: clears ?? name === OWNER, slsaLevel: slsaLevel ?? 1 });
  }
  return signers;
}

/** Names a trust configuration: equal trust, equal text. */
export function fingerprintOf(trust: Trust): string {
  const { keys, identities = [], roots = [], requirements = [], builders = [], imageTypes = {} } = trust;
  const named = roots.map(({ name, digest }) => [name, digest]);
  return digestOf(
    canonicalJson([
      keys.map((key) => ({ ...key })),
      JSON.stringify([identities, named, requirements, builders, imageTypes]),
    ]),
  );
}

function readPublicKey(name: string, pem: string): KeyObject {
  if (pem.includes("PRIVATE KEY")) throw evidenceErrors("trust.invalid", { name, reason: "it is a private key" });
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch (cause) {
    throw evidenceErrors("trust.invalid", { name, reason: "it is not a PEM public key" }, { cause });
  }
  const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  const isUsable =
    key.asymmetricKeyType === "ed25519" ||
    (key.asymmetricKeyType === "ec" && (namedCurve === "prime256v1" || namedCurve === "secp384r1")) ||
    (key.asymmetricKeyType === "rsa" && modulusLength >= 2048);
  if (!isUsable) throw evidenceErrors("trust.invalid", { name, reason: "its kind or size is not accepted" });
  return key;
}
