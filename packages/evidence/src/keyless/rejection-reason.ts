// Says which check a bundle failed. The verifier has one code for several of them; what is trusted tells them apart.
import type { X509Certificate } from "@sigstore/core";
import { VerificationError, type SignedEntity } from "@sigstore/verify";
import type { RejectionReason } from "../rejection.ts";
import type { TrustRoot } from "./trust-root.ts";

interface Refusal {
  readonly reason: RejectionReason;
  readonly detail: string;
}

const UNKNOWN_AUTHORITY: Refusal = {
  reason: "unknown-authority",
  detail: "its certificate is by no authority that is trusted",
};

/** Only for words: that the bundle is refused is settled. */
export function reasonFor(error: unknown, entity: SignedEntity, root: TrustRoot): Refusal {
  if (!(error instanceof VerificationError)) {
    // Parsers of the verifier throw what they will on bytes that are no DER.
    return { reason: "malformed-bundle", detail: "its certificate, timestamp or log entry cannot be read" };
  }
  // Said first, whatever failed first: under a foreign authority nothing else is to be expected to hold.
  if (!isByAuthority(entity, root)) return UNKNOWN_AUTHORITY;
  switch (error.code) {
    case "TIMESTAMP_ERROR":
      return timestampRefusal(entity, root);
    case "CERTIFICATE_ERROR":
      return certificateRefusal(error, entity);
    case "TLOG_ERROR":
    case "TLOG_MISSING_INCLUSION_ERROR":
      return entity.tlogEntries.length === 0
        ? { reason: "not-logged", detail: "it has no log entry" }
        : { reason: "bad-inclusion-proof", detail: "nothing proves that it is in the log" };
    case "TLOG_INCLUSION_PROOF_ERROR":
    case "TLOG_INCLUSION_PROMISE_ERROR":
      return inclusionRefusal(error, entity, root);
    case "TLOG_BODY_ERROR":
      return { reason: "log-mismatch", detail: "the log entry is about another signature" };
    case "SIGNATURE_ERROR":
      return { reason: "bad-signature", detail: "the signature does not verify with its certificate's key" };
    default:
      return { reason: "malformed-bundle", detail: error.message };
  }
}

function timestampRefusal({ timestamps }: SignedEntity, { material }: TrustRoot): Refusal {
  const stamps = timestamps.flatMap((stamp) => (stamp.$case === "timestamp-authority" ? [stamp.timestamp] : []));
  if (stamps.length === 0) {
    return { reason: "no-timestamp", detail: "nothing says when it was signed, and its certificate lives for minutes" };
  }
  const isKnown = stamps.every((stamp) =>
    material.timestampAuthorities.some(({ certChain: [leaf] }) => {
      return leaf?.serialNumber.equals(stamp.signerSerialNumber) === true && leaf.issuer.equals(stamp.signerIssuer);
    }),
  );
  if (!isKnown) {
    return { reason: "unknown-timestamp-authority", detail: "its timestamp is by no authority that is trusted" };
  }
  return { reason: "bad-timestamp", detail: "its timestamp does not verify, or is about another signature" };
}

function certificateRefusal(error: VerificationError, { key, timestamps }: SignedEntity): Refusal {
  if (error.message.includes("SCT")) {
    return { reason: "bad-sct", detail: "no trusted certificate log has promised to list its certificate" };
  }
  if (key.$case !== "certificate") return { reason: "malformed-bundle", detail: "it has no certificate" };
  const { certificate } = key;
  const isInTime = timestamps.every((stamp) =>
    certificate.validForDate(
      stamp.$case === "timestamp-authority"
        ? stamp.timestamp.signingTime
        : new Date(Number(stamp.tlogEntry.integratedTime) * 1000),
    ),
  );
  return isInTime
    ? { reason: "bad-certificate", detail: "its certificate does not chain to a trusted authority of that time" }
    : { reason: "expired-certificate", detail: "its certificate was not valid when it was signed" };
}

function isByAuthority({ key }: SignedEntity, { material }: TrustRoot): boolean {
  if (key.$case !== "certificate") return false;
  const { certificate } = key;
  return material.certificateAuthorities.some(({ certChain }) =>
    certChain.some((issuer) => issuer.subject.equals(certificate.issuer) && isBy(certificate, issuer)),
  );
}

function isBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.verify(issuer);
  } catch {
    return false;
  }
}

function inclusionRefusal(error: VerificationError, { tlogEntries }: SignedEntity, { material }: TrustRoot): Refusal {
  const isKnown = tlogEntries.every(({ logId }) =>
    material.tlogs.some((log) => logId !== undefined && log.logID.equals(logId.keyId)),
  );
  if (!isKnown) return { reason: "unknown-log", detail: "its log entry is of no log that is trusted" };
  return error.message.includes("checkpoint")
    ? { reason: "bad-checkpoint", detail: "the log has not signed the checkpoint that its entry rests on" }
    : { reason: "bad-inclusion-proof", detail: "its proof does not lead to what the log signed" };
}
