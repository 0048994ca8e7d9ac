// Verifies a bundle that is signed with a certificate: timestamps, chain, SCT, log entry, signature, then who it was.
import type { Bundle } from "@sigstore/bundle";
import { toSignedEntity, type SignedEntity } from "@sigstore/verify";
import type { RejectionReason } from "../rejection.ts";
import { reasonFor } from "./rejection-reason.ts";
import { FixedCertificate } from "./fixed-certificate.ts";
import { certifiedIdentity, isForCodeSigning } from "./signer-certificate.ts";
import { isLogged } from "./logged-certificate.ts";
import type { TrustRoot } from "./trust-root.ts";
import type { SignerIdentity } from "./trusted-identity.ts";

export type CertificateVerdict =
  | {
      readonly ok: true;
      readonly identity: SignerIdentity;
      /** When it was signed, as an authority says. */
      readonly time: Date;
    }
  | { readonly ok: false; readonly reason: RejectionReason; readonly detail: string };

/** Tries the roots whose authority the certificate names first; a refusal is that of the nearest root. */
export function verifyByCertificate(bundle: Bundle, roots: readonly TrustRoot[]): CertificateVerdict {
  let entity: SignedEntity;
  try {
    entity = withFixedCertificate(toSignedEntity(bundle));
  } catch {
    // A certificate or a timestamp that is no DER: whatever its parser says, nothing can be verified.
    return { ok: false, reason: "malformed-bundle", detail: "its certificate or its timestamp cannot be read" };
  }
  const known = roots.filter((root) => knowsAuthority(root, entity));
  if (known.length === 0) {
    return { ok: false, reason: "unknown-authority", detail: "its certificate is by no authority that is trusted" };
  }
  let refusal: CertificateVerdict | undefined;
  for (const root of known) {
    const verdict = verifyWith(root, entity, bundle);
    if (verdict.ok) return verdict;
    refusal ??= verdict;
  }
  return refusal!;
}

function withFixedCertificate(entity: SignedEntity): SignedEntity {
  const { key } = entity;
  if (key.$case !== "certificate") return entity;
  return { ...entity, key: { ...key, certificate: FixedCertificate.of(key.certificate.root.toDER()) } };
}

/** By name alone, which anybody can write: it only chooses whom to ask. */
function knowsAuthority({ material }: TrustRoot, { key }: SignedEntity): boolean {
  if (key.$case !== "certificate") return false;
  try {
    const { issuer } = key.certificate;
    return material.certificateAuthorities.some(({ certChain }) =>
      certChain.some(({ subject }) => subject.equals(issuer)),
    );
  } catch {
    return false;
  }
}

function verifyWith(root: TrustRoot, entity: SignedEntity, bundle: Bundle): CertificateVerdict {
  if (entity.key.$case !== "certificate")
    return { ok: false, reason: "malformed-bundle", detail: "it has no certificate" };
  const { certificate } = entity.key;
  try {
    root.verifier.verify(entity);
    if (!isForCodeSigning(certificate)) {
      return { ok: false, reason: "bad-certificate", detail: "its certificate is not for signing code" };
    }
    if (!isLogged(bundle)) {
      return { ok: false, reason: "log-mismatch", detail: "the log entry names another certificate" };
    }
    const identity = certifiedIdentity(certificate);
    if (identity === undefined) {
      return {
        ok: false,
        reason: "bad-certificate",
        detail: "its certificate does not name one issuer and one subject",
      };
    }
    return { ok: true, identity: { ...identity, root: root.name }, time: timeOf(entity) };
  } catch (error) {
    return { ok: false, ...reasonFor(error, entity, root) };
  }
}

/** The earliest that any authority vouches for. A log's time is signed in its promise alone: elsewhere anybody wrote it. */
function timeOf({ timestamps }: SignedEntity): Date {
  const times = timestamps.flatMap((stamp) => {
    if (stamp.$case === "timestamp-authority") return [stamp.timestamp.signingTime.getTime()];
    const { inclusionPromise, integratedTime } = stamp.tlogEntry;
    return inclusionPromise === undefined ? [] : [Number(integratedTime) * 1000];
  });
  return new Date(Math.min(...times));
}
