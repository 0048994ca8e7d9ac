// What is known against an artifact, and which artifacts something is in.
import { z } from "zod";
import { DatabaseStatus } from "./advisory-database.schema.ts";
import { VulnerabilityFacts } from "./evidence.schema.ts";
import { Finding, Severity } from "./finding.schema.ts";

/**
 * How far the answer goes: only `checked` speaks for everything in it. `partly`: some of it could not be looked up.
 * `stale`: by data older than the configuration allows. `unavailable`: by data that cannot be had any more.
 */
export const ScanStatus = z.enum(["checked", "partly", "stale", "not-checked", "unavailable"]);
export type ScanStatus = z.infer<typeof ScanStatus>;

const Path = z.string().min(1).max(4096);

export const ScanRequest = z
  .strictObject({
    /** Of the embedded registry. */
    reference: z.string().min(1).optional(),
    /** A bill of materials on the daemon's machine, in place of an artifact. */
    file: Path.optional(),
    /** OpenVEX or CSAF files on the daemon's machine, taken as they are. */
    vex: z.array(Path).max(100).default([]),
    /** Shows no finding that is less severe; malicious ones always. The counts are of all. */
    severity: Severity.optional(),
    /** Shows no finding that no version mends; malicious ones always. */
    onlyFixed: z.boolean().default(false),
    /** Signs the whole result and attaches it to the artifact. */
    attest: z.boolean().default(false),
  })
  .refine(({ reference, file }) => (reference === undefined) !== (file === undefined), "name an artifact, or a file");
export type ScanRequest = z.input<typeof ScanRequest>;

export const ScanFinding = Finding.extend({
  /** The package, with its namespace. */
  package: z.string(),
  installed: z.string(),
  /** Layers that brought it. */
  layers: z.array(z.string()),
  /** Images of an index that have it; absent otherwise. */
  images: z.array(z.string()).optional(),
});
export type ScanFinding = z.infer<typeof ScanFinding>;

/** Packages of one ecosystem, and whether advisories for them were there. */
export const ScanCoverage = z.strictObject({
  /** purl type, with the distribution where it is one's: `deb debian 12`. */
  ecosystem: z.string(),
  components: z.int(),
  unchecked: z.int(),
  /** Why some were not checked. */
  reasons: z.array(z.string()),
});
export type ScanCoverage = z.infer<typeof ScanCoverage>;

export const ScanResult = z.strictObject({
  reference: z.string().optional(),
  digest: z.string().optional(),
  kind: z.string().optional(),
  file: z.string().optional(),
  time: z.string(),
  status: ScanStatus,
  /** Why it is not `checked`, in sentences. */
  reasons: z.array(z.string()),
  /** Where the list of what is in it comes from. */
  lists: z.array(
    z.strictObject({
      origin: z.enum(["attestation", "catalogue", "file"]),
      signer: z.string().optional(),
      /** Image that it is of. */
      digest: z.string().optional(),
      components: z.int(),
    }),
  ),
  components: z.int(),
  coverage: z.array(ScanCoverage),
  /** What was there and could not be read; at most a hundred are named. */
  unread: z.array(z.strictObject({ path: z.string(), reason: z.string() })),
  database: DatabaseStatus.optional(),
  facts: VulnerabilityFacts,
  /** All of them, also those that are explained away; malicious first, then by severity. */
  findings: z.array(ScanFinding),
  /** Statements that say nothing here, and why. */
  ignoredVex: z.array(z.strictObject({ statement: z.string(), reason: z.string() })),
  /** Digest of the attestation that was attached. */
  attestation: z.string().optional(),
});
export type ScanResult = z.infer<typeof ScanResult>;

export const Workload = z.strictObject({
  type: z.enum(["run", "server", "engine", "sandbox"]),
  name: z.string(),
  /** Of the artifact that it was made from. */
  digest: z.string(),
});
export type Workload = z.infer<typeof Workload>;

export const AffectedArtifact = z.strictObject({
  repository: z.string(),
  digest: z.string(),
  kind: z.string(),
  /** Also those of indexes that list it. */
  tags: z.array(z.string()),
  /** purls of what was asked for, in it. */
  packages: z.array(z.string()),
});
export type AffectedArtifact = z.infer<typeof AffectedArtifact>;

export const WhereUsedResult = z.strictObject({
  query: z.string(),
  /** What the query was taken for. */
  as: z.enum(["package", "purl", "vulnerability"]),
  artifacts: z.array(AffectedArtifact),
  workloads: z.array(Workload.extend({ packages: z.array(z.string()) })),
  /** How many artifacts there are, and of how many nobody could say what is in them. */
  known: z.int(),
  unlisted: z.int(),
  /** Some that came lately are still to be looked through. */
  isBehind: z.boolean(),
  /** Repositories that the asker may not see are left out. */
  isFiltered: z.boolean(),
});
export type WhereUsedResult = z.infer<typeof WhereUsedResult>;

export const VexAddRequest = z.strictObject({
  reference: z.string().min(1),
  vulnerability: z.string().min(3).max(200),
  status: z.enum(["not_affected", "affected", "fixed", "under_investigation"]),
  justification: z
    .enum([
      "component_not_present",
      "vulnerable_code_not_present",
      "vulnerable_code_not_in_execute_path",
      "vulnerable_code_cannot_be_controlled_by_adversary",
      "inline_mitigations_already_exist",
    ])
    .optional(),
  explanation: z.string().min(1).max(2000).optional(),
  /** purls of packages in it; all of it when there is none. */
  packages: z.array(z.string().startsWith("pkg:").max(2048)).max(100).default([]),
  /** RFC 3339: from then on it says nothing. */
  expires: z.iso.datetime({ offset: true }).optional(),
});
export type VexAddRequest = z.input<typeof VexAddRequest>;

export const VexAddResult = z.strictObject({
  reference: z.string(),
  digest: z.string(),
  attestation: z.string(),
  /** How many statements the author's document has now. */
  statements: z.int(),
});
export type VexAddResult = z.infer<typeof VexAddResult>;

/** What a new version of the advisories changed. */
export const VulnerabilityChange = z.strictObject({
  id: z.string(),
  time: z.string(),
  from: z.string().optional(),
  to: z.string(),
  /** Advisories that packages here have gained. */
  found: z.array(
    z.strictObject({
      advisory: z.string(),
      severity: z.string(),
      malicious: z.boolean(),
      knownExploited: z.boolean(),
      packages: z.array(z.string()),
    }),
  ),
  /** Advisories that packages here are free of now. */
  gone: z.array(z.strictObject({ advisory: z.string(), packages: z.array(z.string()) })),
  artifacts: z.array(AffectedArtifact.extend({ found: z.array(z.string()), gone: z.array(z.string()) })),
  workloads: z.array(Workload),
});
export type VulnerabilityChange = z.infer<typeof VulnerabilityChange>;
