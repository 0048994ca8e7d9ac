// Why a referrer is no evidence.
import type { Digest } from "@pratique/core";

export type RejectionReason =
  /** Its own manifest or its signed statement is about another digest. */
  | "wrong-subject"
  /** Signed by nobody who is trusted here. */
  | "unknown-key"
  | "bad-signature"
  /** Not a v0.3 bundle of one in-toto statement by one key. */
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
