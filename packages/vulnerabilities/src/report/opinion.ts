// What others ask of the vulnerability part: what is known against one artifact. Evidence and policy ask; the daemon answers.
import type { Finding, PackageComponent, VulnerabilityFacts } from "@pratique/contracts";
import type { JsonObject } from "@pratique/core";

/** A statement on vulnerabilities (OpenVEX) that a trusted key signed. */
export interface SignedVex {
  readonly predicate: JsonObject;
  /** The name under which trust knows the signer. */
  readonly signer: string;
}

/** What the asker knows already of the artifact; the rest is looked up by its digest. */
export interface OpinionSubject {
  /** Where it lies, in the embedded registry. */
  readonly repository?: string | undefined;
  readonly components?: readonly PackageComponent[] | undefined;
  /** Predicate of a verified SBOM attestation (CycloneDX or SPDX), in place of `components`. */
  readonly sbom?: JsonObject | undefined;
  /** Verified OpenVEX attestations about it. */
  readonly vex?: readonly SignedVex[] | undefined;
}

export interface Opinion {
  readonly facts: VulnerabilityFacts;
  /** Absent when there was no database. */
  readonly databaseVersion?: string | undefined;
  /** All of them, also those that a VEX statement explains away; malicious first, then by severity. */
  readonly findings: readonly Finding[];
}

export interface VulnerabilityOpinion {
  of(digest: string, subject?: OpinionSubject): Promise<Opinion>;
  /** Changes when an answer may have changed: with the database, and when it grows stale. */
  version(): string;
}
