// The counts that policies ask for, and the order in which findings are shown.
import type { Finding, Severity, VulnerabilityFacts } from "@pratique/contracts";

const WEIGHTS: Readonly<Record<Severity, number>> = { critical: 5, high: 4, medium: 3, low: 2, unknown: 1, none: 0 };

export type FindingCounts = Pick<
  VulnerabilityFacts,
  "critical" | "high" | "medium" | "low" | "unknown" | "criticalWithFix" | "knownExploited" | "malicious"
>;

/** Whether it counts against the artifact: what is being looked into does. */
export function isOpen({ state }: Pick<Finding, "state">): boolean {
  return state === "affected" || state === "under_investigation";
}

/** Each package counts: one advisory against two packages is two. */
export function countFindings(findings: readonly Finding[]): FindingCounts {
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
  for (const finding of findings) {
    if (!isOpen(finding)) continue;
    const { severity, fixedIn, knownExploited, malicious } = finding;
    if (severity !== "none") counts[severity] += 1;
    if (severity === "critical" && fixedIn.length > 0) counts.criticalWithFix += 1;
    if (knownExploited) counts.knownExploited += 1;
    if (malicious) counts.malicious += 1;
  }
  return counts;
}

/** Malice first, then what is exploited, then by severity, score, probability and name; what is explained away last. */
export function compareFindings(a: Finding, b: Finding): number {
  return (
    Number(b.malicious) - Number(a.malicious) ||
    Number(isOpen(b)) - Number(isOpen(a)) ||
    Number(b.knownExploited) - Number(a.knownExploited) ||
    WEIGHTS[b.severity] - WEIGHTS[a.severity] ||
    (b.score ?? 0) - (a.score ?? 0) ||
    (b.epss ?? 0) - (a.epss ?? 0) ||
    compareText(a.purl, b.purl) ||
    compareText(a.id, b.id)
  );
}

export function isAtLeast(severity: Severity, least: Severity): boolean {
  return WEIGHTS[severity] >= WEIGHTS[least];
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
