// Severity from CVSS vectors, and from the words that distributions use.
import cvss from "ae-cvss-calculator";
import type { Severity } from "@pratique/contracts";

/** The base score of a vector of CVSS 2, 3.0, 3.1 or 4.0; undefined for what is none. */
export function scoreOfVector(vector: string): number | undefined {
  // No vector is near this; the library reads all of it.
  if (vector.length > 500) return undefined;
  try {
    const read = vectorOf(vector);
    return read.isBaseFullyDefined() ? read.calculateScores().base : undefined;
  } catch {
    // Not a vector: as good as none.
    return undefined;
  }
}

function vectorOf(vector: string): cvss.Cvss2 | cvss.Cvss3P0 | cvss.Cvss3P1 | cvss.Cvss4P0 {
  if (vector.startsWith("CVSS:4.0/")) return new cvss.Cvss4P0(vector);
  if (vector.startsWith("CVSS:3.1/")) return new cvss.Cvss3P1(vector);
  if (vector.startsWith("CVSS:3.0/")) return new cvss.Cvss3P0(vector);
  return new cvss.Cvss2(vector.replaceAll(/^\(|\)$/g, ""));
}

/** The score of the latest CVSS version among the vectors. */
export function scoreOfVectors(vectors: readonly string[]): number | undefined {
  const byVersion = vectors.toSorted((a, b) => versionOf(b) - versionOf(a));
  for (const vector of byVersion) {
    const score = scoreOfVector(vector);
    if (score !== undefined) return score;
  }
  return undefined;
}

function versionOf(vector: string): number {
  const version = Number.parseFloat(/^CVSS:(\d\.\d)\//.exec(vector)?.[1] ?? "2");
  return version;
}

/** CVSS 3.1 §5: none, low from 0.1, medium from 4, high from 7, critical from 9. */
export function severityOfScore(score: number): Severity {
  if (score >= 9) return "critical";
  if (score >= 7) return "high";
  if (score >= 4) return "medium";
  return score > 0 ? "low" : "none";
}

/** Debian's urgencies, Ubuntu's priorities, Red Hat's and SUSE's impacts, GitHub's levels. */
const WORDS: Readonly<Record<string, Severity>> = {
  critical: "critical",
  important: "high",
  high: "high",
  moderate: "medium",
  medium: "medium",
  low: "low",
  minor: "low",
  // Debian: no security support for it, or no bug of security at all.
  unimportant: "none",
  negligible: "none",
  none: "none",
};

/** Undefined for a word that says nothing, such as `not yet assigned`. */
export function severityOfWord(word: string): Severity | undefined {
  const plain = word.toLowerCase().replace(/\*+$/, "").trim();
  return Object.hasOwn(WORDS, plain) ? WORDS[plain] : undefined;
}

const ORDER: readonly Severity[] = ["unknown", "none", "low", "medium", "high", "critical"];

export function compareSeverity(a: Severity, b: Severity): number {
  return ORDER.indexOf(a) - ORDER.indexOf(b);
}
