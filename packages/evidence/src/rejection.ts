// Why a referrer is no evidence.
import type { Digest } from "@pratique/core";

export type RejectionReason =
  /** Its own manifest or its signed statement is about another digest. */
  | "wrong-subject"
  /** Signed by nobody who is trusted here. */
  | "unknown-key"
  | "bad-signature"
  /** Signed with a certificate: of an issuer that no trusted identity has, or of another subject at one. */
  | "wrong-issuer"
  | "wrong-identity"
  /** Its certificate is by no trusted authority, not valid when signed, unpromised by a trusted log, or not for this. */
  | "unknown-authority"
  | "expired-certificate"
  | "bad-sct"
  | "bad-certificate"
  /** Nothing says when it was signed; by an untrusted authority; or what says so does not verify. */
  | "no-timestamp"
  | "unknown-timestamp-authority"
  | "bad-timestamp"
  /** It is in no log; in one that is not trusted; the log did not sign this tree; it is not in it; it is another's entry. */
  | "not-logged"
  | "unknown-log"
  | "bad-checkpoint"
  | "bad-inclusion-proof"
  | "log-mismatch"
  /** Not a v0.3 bundle of one in-toto statement by one key or certificate. */
  | "malformed-bundle"
  /** Signed, but what was signed is no statement that can be read. */
  | "malformed-statement"
  /** Not a signature manifest with exactly one bundle. */
  | "wrong-media-type"
  | "too-large"
  /** There are more referrers than are read. */
  | "too-many"
  /** Listed as a referrer, but its manifest or bundle is not there. */
  | "missing";

export interface Rejection {
  readonly digest: Digest;
  readonly reason: RejectionReason;
  /** For a person: what exactly was wrong. */
  readonly detail: string;
}
