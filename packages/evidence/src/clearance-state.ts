// Where an artifact stands with its clearance now: pure.
import type { Decision, Evidence } from "@pratique/contracts";
import { isCleared, lastVerdict } from "./clearance.ts";

/** What changed since the verdict that stood. */
export type ChangedGround = "policy" | "database" | "evidence";

export type ClearanceState =
  /** Nobody cleared it, or whoever asked was refused. */
  | { readonly state: "none" }
  | { readonly state: "cleared" }
  /** It was cleared on other grounds, and policy would clear it on those of now. */
  | { readonly state: "renewable"; readonly because: ChangedGround }
  | { readonly state: "lost"; readonly because: ChangedGround; readonly decision: Decision };

/**
 * A signed clearance alone is not enough: policy must say the same now, over the evidence of now. So a waiver that
 * expired, or a database that changed, counts at once, whatever was signed.
 */
export function clearanceState(evidence: Evidence, policyDigest: string, decide: () => Decision): ClearanceState {
  const verdict = lastVerdict(evidence, policyDigest);
  if (verdict === undefined || (verdict.result === "FAILED" && verdict.wasCleared !== true)) return { state: "none" };
  const decision = decide();
  const because =
    verdict.policyDigest !== policyDigest
      ? "policy"
      : verdict.databaseVersion !== evidence.vulnerabilities.databaseVersion
        ? "database"
        : "evidence";
  if (isCleared(evidence, policyDigest)) {
    // What a human approved of stays so while the ground does.
    if (decision.allow || decision.needsApproval) return { state: "cleared" };
    return { state: "lost", because, decision };
  }
  return decision.allow ? { state: "renewable", because } : { state: "lost", because, decision };
}
