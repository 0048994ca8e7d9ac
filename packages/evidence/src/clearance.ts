// A clearance as a SLSA Verification Summary Attestation: this digest met this policy at this time.
import { algorithmOf, hexOf, parseDigest, type Digest, type JsonObject } from "@pratique/core";
import type { AppliedWaiver, Evidence, PolicyReason } from "@pratique/contracts";
import { z } from "zod";
import type { VerifiedStatement } from "./verify.ts";

/** Who verifies, in our summaries. */
export const VERIFIER = "https://pratique.dev/verifier/v1";
/** Names the vulnerability database among the components of the verifier (verifier.version, SLSA 1.1 and later). */
const DATABASE = "vulnerability-database";

type Clearance = Evidence["clearances"][number];

export interface ClearanceParts {
  readonly reference: string;
  readonly policyDigest: string;
  readonly time: Date;
  readonly slsaLevel: number;
  /** The bundles that the decision rested on. */
  readonly inputs: readonly Digest[];
  readonly vulnerabilities: Evidence["vulnerabilities"];
  readonly waivers: readonly AppliedWaiver[];
  /** Of a refusal: who refused, and whether it was cleared until now. */
  readonly refused?: {
    readonly policies: readonly PolicyReason[];
    readonly reason: string;
    readonly wasCleared: boolean;
  };
}

/**
 * The predicate of a verdict (slsa.dev/spec/v1.2/verification_summary). Fields of our own have our name in front, as the
 * specification asks of extensions. @throws `digest.invalid`
 */
export function clearanceOf(parts: ClearanceParts): JsonObject {
  const { vulnerabilities, waivers, refused } = parts;
  const { databaseVersion } = vulnerabilities;
  return {
    verifier: { id: VERIFIER, ...(databaseVersion === undefined ? {} : { version: { [DATABASE]: databaseVersion } }) },
    timeVerified: parts.time.toISOString(),
    resourceUri: parts.reference,
    policy: { uri: `pratique:policy/${parts.policyDigest}`, digest: digestSet(parseDigest(parts.policyDigest)) },
    inputAttestations: parts.inputs.map((digest) => ({ uri: `pratique:bundle/${digest}`, digest: digestSet(digest) })),
    verificationResult: refused === undefined ? "PASSED" : "FAILED",
    verifiedLevels: [refused === undefined ? `SLSA_BUILD_LEVEL_${parts.slsaLevel}` : "FAILED"],
    slsaVersion: "1.2",
    pratique_vulnerabilities: { ...vulnerabilities },
    ...(waivers.length === 0 ? {} : { pratique_waivers: waivers.map((waiver) => ({ ...waiver })) }),
    ...(refused === undefined
      ? {}
      : {
          pratique_refusal: {
            reason: refused.reason,
            policies: refused.policies.map(({ id, reason, remedy }) => ({
              id,
              ...(reason === undefined ? {} : { reason }),
              ...(remedy === undefined ? {} : { remedy }),
            })),
            wasCleared: refused.wasCleared,
          },
        }),
  };
}

function digestSet(digest: Digest): JsonObject {
  return { [algorithmOf(digest)]: hexOf(digest) };
}

const Vsa = z.looseObject({
  verifier: z
    .looseObject({ version: z.record(z.string(), z.string()).optional().catch(undefined) })
    .optional()
    .catch(undefined),
  timeVerified: z.string(),
  policy: z.looseObject({ digest: z.record(z.string(), z.string()) }),
  verificationResult: z.enum(["PASSED", "FAILED"]),
  verifiedLevels: z.array(z.string().max(100)).max(32).optional().catch(undefined),
  pratique_refusal: z.looseObject({ wasCleared: z.boolean() }).optional().catch(undefined),
});

/** What a verified summary says; undefined when it is none, or its signer's verdicts do not count. */
export function readClearance(statement: VerifiedStatement): Clearance | undefined {
  const vsa = Vsa.safeParse(statement.predicate).data;
  if (vsa === undefined || statement.time === undefined || !statement.trust.clears) return undefined;
  const { sha256, sha512 } = vsa.policy.digest;
  if (sha256 === undefined && sha512 === undefined) return undefined;
  const databaseVersion = vsa.verifier?.version?.[DATABASE];
  return {
    result: vsa.verificationResult,
    policyDigest: sha256 === undefined ? `sha512:${sha512}` : `sha256:${sha256}`,
    ...(databaseVersion === undefined ? {} : { databaseVersion }),
    ...(vsa.verifiedLevels === undefined ? {} : { verifiedLevels: vsa.verifiedLevels }),
    ...(vsa.pratique_refusal?.wasCleared === true ? { wasCleared: true } : {}),
    time: statement.time,
    signer: statement.signer,
    bundle: statement.bundleDigest,
  };
}

/**
 * True when the newest clearance under the policy in force passed, and was decided with the vulnerability database of
 * now. Others, older or newer, count for nothing.
 */
export function isCleared(evidence: Evidence, policyDigest: string): boolean {
  const newest = evidence.clearances.find((clearance) => clearance.policyDigest === policyDigest);
  return newest?.result === "PASSED" && newest.databaseVersion === evidence.vulnerabilities.databaseVersion;
}

/** The verdict that stood last: the newest under the policy in force, else the newest of all. */
export function lastVerdict({ clearances }: Evidence, policyDigest: string): Clearance | undefined {
  return clearances.find((clearance) => clearance.policyDigest === policyDigest) ?? clearances[0];
}
