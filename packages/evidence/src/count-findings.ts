// Counts of findings: one place, so that a scan, a policy and a waiver count alike.
import type { Finding, VulnerabilityFacts } from "@pratique/contracts";

type Counts = Omit<VulnerabilityFacts, "status" | "checkedAt" | "databaseVersion" | "databaseTime">;

/** Who has not said that it does not matter here is counted: `under_investigation` is no all-clear (reference §8.2). */
export function countsOf(findings: readonly Finding[]): Counts {
  const counts = {
    critical: 0,
    high: 0,
    medium: 0,
    low: 0,
    unknown: 0,
    criticalWithFix: 0,
    knownExploited: 0,
    malicious: 0,
  };
  for (const { state, severity, fixedIn, knownExploited, malicious } of findings) {
    if (malicious) counts.malicious += 1;
    if (state === "not_affected" || state === "fixed") continue;
    if (knownExploited) counts.knownExploited += 1;
    // Malice has no degree: it is counted apart.
    if (malicious || severity === "none") continue;
    counts[severity] += 1;
    if (severity === "critical" && fixedIn.length > 0) counts.criticalWithFix += 1;
  }
  return counts;
}
