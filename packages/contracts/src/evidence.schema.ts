// What is verifiably known of an artifact.
import { z } from "zod";
import { Kind } from "./kind.schema.ts";

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

/** Counts by severity, and the two facts that policies ask for. */
export const VulnerabilityFacts = z.strictObject({
  /** `not-checked` is never the same as none. */
  status: z.enum(["checked", "not-checked"]),
  critical: z.int().nonnegative().default(0),
  high: z.int().nonnegative().default(0),
  medium: z.int().nonnegative().default(0),
  low: z.int().nonnegative().default(0),
  criticalWithFix: z.int().nonnegative().default(0),
  knownExploited: z.int().nonnegative().default(0),
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
      slsaLevel: z.int(),
      signer: Signer,
    })
    .optional(),
  sbom: z.strictObject({ format: z.string(), components: z.int(), signer: Signer }).optional(),
  aibom: z.strictObject({ format: z.string(), signer: Signer }).optional(),
  licences: z.array(z.string()),
  /** It holds a file that runs code when it is loaded. */
  pickle: z.boolean().optional(),
  vulnerabilities: VulnerabilityFacts,
  /** Clearances that verified, newest first. */
  clearances: z.array(
    z.strictObject({
      result: z.enum(["PASSED", "FAILED"]),
      policyDigest: z.string(),
      time: z.string(),
      signer: Signer,
    }),
  ),
  /** Bundles that were there and did not verify, with the reason. */
  rejected: z.array(z.strictObject({ digest: z.string(), reason: z.string() })),
  created: z.string().optional(),
});
export type Evidence = z.infer<typeof Evidence>;
