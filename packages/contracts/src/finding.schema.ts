// A known vulnerability, or malice, of one component of one artifact.
import { z } from "zod";

export const Severity = z.enum(["critical", "high", "medium", "low", "none", "unknown"]);
export type Severity = z.infer<typeof Severity>;

/** What is known about whether it matters here. OpenVEX's four, by whom it was said beside. */
export const FindingState = z.enum(["affected", "not_affected", "fixed", "under_investigation"]);
export type FindingState = z.infer<typeof FindingState>;

export const Finding = z.strictObject({
  /** The advisory that matched: `DSA-5417-1`, `GHSA-…`, `MAL-…`, `CVE-…`. */
  id: z.string(),
  /** Other names, CVE ids among them; sorted. */
  aliases: z.array(z.string()),
  purl: z.string(),
  /** Paths in the artifact. */
  locations: z.array(z.string()),
  severity: Severity,
  /** CVSS base score, 0 to 10. */
  score: z.number().optional(),
  summary: z.string().optional(),
  /** Versions that mend it, nearest first; empty: none known. */
  fixedIn: z.array(z.string()),
  /** In CISA's catalog of known exploited vulnerabilities. */
  knownExploited: z.boolean(),
  /** EPSS probability, 0 to 1. */
  epss: z.number().optional(),
  /** An advisory about malicious code (OSV `MAL-`). */
  malicious: z.boolean(),
  /** Where the advisory comes from: `debian`, `alpine`, `redhat`, `osv`, … */
  source: z.string(),
  state: FindingState,
  /** Why it is not `affected`: the VEX statement that says so. */
  vex: z
    .strictObject({
      author: z.string(),
      statement: z.string(),
      justification: z.string().optional(),
      time: z.string().optional(),
      expires: z.string().optional(),
    })
    .optional(),
});
export type Finding = z.infer<typeof Finding>;
