// How clearances, waivers and counts of vulnerabilities read.
import type { AppliedWaiver, ClearanceEntry, Finding, VulnerabilityFacts, WaiverScope } from "@pratique/contracts";
import { columns, type Terminal } from "./terminal.ts";
import { shortDigest } from "./words.ts";

const BECAUSE = {
  policy: "the policy changed",
  database: "the vulnerability database changed",
  evidence: "its evidence or a waiver changed",
} as const;

/** One line an artifact; of what is lost why, and what would help. */
export function clearanceRows(terminal: Terminal, entries: readonly ClearanceEntry[], isAnew = false): string {
  return entries
    .map((entry) => {
      const isCleared = entry.state === "cleared";
      const mark = isCleared ? terminal.paint("good", "✓") : terminal.paint("bad", "✗");
      const words = isCleared ? (isAnew ? "cleared anew" : "cleared") : "lost its clearance";
      const because = entry.because === undefined ? "" : `  ${BECAUSE[entry.because]}`;
      const lines = [`${mark} ${entry.reference}  ${shortDigest(entry.digest)}  ${words} ${entry.time}${because}`];
      for (const { id, reason } of isCleared ? [] : entry.policies) lines.push(`    policy  ${id}  ${reason ?? ""}`);
      const remedies = new Set(isCleared ? [] : entry.policies.flatMap(({ remedy }) => remedy ?? []));
      for (const remedy of remedies) lines.push(`    try     ${remedy}`);
      if (!isCleared && entry.policies.length === 0) lines.push(`    try     pratique clear ${entry.reference}`);
      return lines.join("\n");
    })
    .join("\n");
}

/** What was not looked up is never called clean. */
export function vulnerabilityWords(facts: VulnerabilityFacts): string {
  const { status, critical, high, medium, low, unknown, knownExploited, malicious, criticalWithFix } = facts;
  const database = facts.databaseVersion === undefined ? "" : `, database ${facts.databaseVersion}`;
  const counts = [
    ...(malicious > 0 ? [`${malicious} malicious`] : []),
    ...(knownExploited > 0 ? [`${knownExploited} known exploited`] : []),
    `${critical} critical${criticalWithFix > 0 ? ` (${criticalWithFix} with a fix)` : ""}`,
    `${high} high`,
    `${medium} medium`,
    `${low} low`,
    ...(unknown > 0 ? [`${unknown} of unknown severity`] : []),
  ].join(", ");
  switch (status) {
    case "checked":
      return `${counts}${database}`;
    case "stale":
      return `${counts}, by a database that is too old${database}`;
    case "unavailable":
      return "could not be looked up: pratique db status";
    case "not-checked":
      return "not checked";
  }
}

export function findingLines(findings: readonly Finding[]): string {
  return columns(
    findings.map(({ id, aliases, purl, fixedIn, malicious, knownExploited }) => [
      "  finding",
      aliases.find((alias) => alias.startsWith("CVE-")) ?? id,
      purl,
      malicious ? "malicious" : fixedIn[0] === undefined ? "no fix known" : `fixed in ${fixedIn[0]}`,
      knownExploited ? "known exploited" : "",
    ]),
  );
}

export function waiverLines(waivers: readonly AppliedWaiver[]): string {
  return columns(
    waivers.map(({ id, policy, findings, reason, by, expires }) => [
      "  waived",
      policy ?? (findings.length === 0 ? "nothing it has" : findings.join(", ")),
      `until ${expires}`,
      `${reason} (${by})`,
      `waiver ${id}`,
    ]),
  );
}

/** What a waiver is for, in one cell. */
export function scopeWords({ artifact, repository, policy, vulnerability, package: name }: WaiverScope): string {
  const what = policy ?? [vulnerability, name].filter((part) => part !== undefined).join(" in ");
  const where = [artifact === undefined ? undefined : shortDigest(artifact), repository].filter(
    (part) => part !== undefined,
  );
  return `${what} for ${where.join(" in ")}`;
}
