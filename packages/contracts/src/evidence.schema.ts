// What is verifiably known of an artifact.
import { z } from "zod";
import { Kind } from "./kind.schema.ts";
import { AppliedWaiver } from "./waiver.schema.ts";

/** Who signed, as verified: by key, or by an OIDC identity. */
export const Signer = z.strictObject({
  /** Base64 SHA-256 of the key's DER SPKI, or the certificate's issuer and subject joined by a space. */
  id: z.string(),
  /** The name under which the local trust configuration knows this signer, e.g. `owner`. */
  name: z.string(),
  issuer: z.string().optional(),
  subject: z.string().optional(),
});
export type Signer = z.infer<typeof Signer>;

/**
 * What was found about vulnerabilities, and whether anything looked. Never is anything but `checked` the same as none:
 * `not-checked`: nothing looked, since there is no database or no list of what is in it;
 * `stale`: looked up in a database that is older than the configuration allows;
 * `unavailable`: there is a database, and it could not be asked.
 */
export const VulnerabilityFacts = z.strictObject({
  status: z.enum(["checked", "not-checked", "stale", "unavailable"]),
  critical: z.int().nonnegative().default(0),
  high: z.int().nonnegative().default(0),
  medium: z.int().nonnegative().default(0),
  low: z.int().nonnegative().default(0),
  /** Of no severity that anybody has said: never counted as harmless. */
  unknown: z.int().nonnegative().default(0),
  criticalWithFix: z.int().nonnegative().default(0),
  knownExploited: z.int().nonnegative().default(0),
  /** Components that an advisory calls malicious (OSV `MAL-`). */
  malicious: z.int().nonnegative().default(0),
  /** RFC 3339: when it was looked up. */
  checkedAt: z.string().optional(),
  /** Names the content of the database that was asked. */
  databaseVersion: z.string().optional(),
  /** RFC 3339: when that database was last brought up to date. */
  databaseTime: z.string().optional(),
});
export type VulnerabilityFacts = z.infer<typeof VulnerabilityFacts>;

/** What is known when nothing has looked: never the same as none. */
export const NOT_CHECKED: VulnerabilityFacts = VulnerabilityFacts.parse({ status: "not-checked" });

/** One typed value for all evidence of one digest. Only what verified is in it. */
export const Evidence = z.strictObject({
  repository: z.string(),
  digest: z.string(),
  kind: Kind,
  imageType: z.enum(["hardened", "official", "verified", "organization", "community"]),
  /** Signers of the artifact itself (`https://sigstore.dev/cosign/sign/v1`), not of its attestations. */
  signers: z.array(Signer),
  provenance: z
    .strictObject({
      builder: z.string(),
      buildType: z.string(),
      source: z.string().optional(),
      /** The build level that counts: 0 when something is unmet. */
      slsaLevel: z.int(),
      signer: Signer,
      /** The name under which the trust configuration knows the build platform. */
      builderName: z.string().optional(),
      /** Why it is this level and not another. */
      reason: z.string().optional(),
      /** Why it does not count, a sentence each. */
      unmet: z.array(z.string()).optional(),
    })
    .optional(),
  sbom: z.strictObject({ format: z.string(), components: z.int(), signer: Signer }).optional(),
  aibom: z.strictObject({ format: z.string(), signer: Signer }).optional(),
  licences: z.array(z.string()),
  /** It holds a file that runs code when it is loaded. */
  pickle: z.boolean().optional(),
  /** What the trust configuration requires of its repository and is not there: one sentence each. */
  unmet: z.array(z.string()).optional(),
  /** Without the findings that a waiver leaves out. */
  vulnerabilities: VulnerabilityFacts,
  /** What waivers do to it now. */
  waivers: z.array(AppliedWaiver).optional(),
  /** Clearances that verified, newest first. */
  clearances: z.array(
    z.strictObject({
      result: z.enum(["PASSED", "FAILED"]),
      policyDigest: z.string(),
      /** Of the vulnerability database that it was decided with; absent when none was asked. */
      databaseVersion: z.string().optional(),
      verifiedLevels: z.array(z.string()).optional(),
      /** Of a refusal: it took a clearance away. */
      wasCleared: z.boolean().optional(),
      time: z.string(),
      signer: Signer,
      /** Digest of the bundle that says so. */
      bundle: z.string().optional(),
    }),
  ),
  /** Bundles that were there and did not verify, with the reason. */
  rejected: z.array(z.strictObject({ digest: z.string(), reason: z.string() })),
  created: z.string().optional(),
});
export type Evidence = z.infer<typeof Evidence>;
