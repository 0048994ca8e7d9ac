// The waivers that this installation knows. Evidence keeps none: the daemon hands in who does.
import type { Waiver } from "@pratique/contracts";
import type { Digest } from "@pratique/core";

/** A waiver whose signature verified, by a signer whose verdicts count. */
export interface SignedWaiver {
  readonly waiver: Waiver;
  /** Digest of the bundle that says so. */
  readonly bundle: Digest;
}

export interface WaiverBook {
  /** Changes with what is in it. */
  version(): string;
  /** All that stand, those among them that expired or are not yet in force. */
  standing(): readonly SignedWaiver[];
  /** Taken back: one that comes back as a referrer counts for nothing. */
  isRemoved(id: string): boolean;
  /** Whether a pattern of repositories fits a name. */
  fits(pattern: string, repository: string): boolean;
}
