// A clearance as a SLSA Verification Summary Attestation: this digest met this policy at this time.
import { algorithmOf, hexOf, parseDigest, type Digest, type JsonObject } from "@pratique/core";
import type { Evidence } from "@pratique/contracts";
import { z } from "zod";
import type { VerifiedStatement } from "./verify.ts";

/** Who verifies, in our summaries. */
export const VERIFIER = "https://pratique.dev/verifier/v1";

type Clearance = Evidence["clearances"][number];

export interface ClearanceParts {
  readonly reference: string;
  readonly policyDigest: string;
  readonly time: Date;
  readonly slsaLevel: number;
  /** The bundles that the decision rested on. */
  readonly inputs: readonly Digest[];
}

/** The predicate of a passed clearance (slsa.dev/spec/v1.2/verification_summary). @throws `digest.invalid` */
export function clearanceOf(parts: ClearanceParts): JsonObject {
  return {
    verifier: { id: VERIFIER },
    timeVerified: parts.time.toISOString(),
    resourceUri: parts.reference,
    policy: { uri: `pratique:policy/${parts.policyDigest}`, digest: digestSet(parseDigest(parts.policyDigest)) },
    inputAttestations: parts.inputs.map((digest) => ({ uri: `pratique:bundle/${digest}`, digest: digestSet(digest) })),
    verificationResult: "PASSED",
    verifiedLevels: [`SLSA_BUILD_LEVEL_${parts.slsaLevel}`],
    slsaVersion: "1.2",
  };
}

function digestSet(digest: Digest): JsonObject {
  return { [algorithmOf(digest)]: hexOf(digest) };
}

const Vsa = z.looseObject({
  timeVerified: z.string(),
  policy: z.looseObject({ digest: z.record(z.string(), z.string()) }),
  verificationResult: z.enum(["PASSED", "FAILED"]),
});

/** What a verified summary says; undefined when it is none, or its signer's verdicts do not count. */
export function readClearance(statement: VerifiedStatement): Clearance | undefined {
  const vsa = Vsa.safeParse(statement.predicate).data;
  if (vsa === undefined || statement.time === undefined || !statement.trust.clears) return undefined;
  const { sha256, sha512 } = vsa.policy.digest;
  if (sha256 === undefined && sha512 === undefined) return undefined;
  return {
    result: vsa.verificationResult,
    policyDigest: sha256 === undefined ? `sha512:${sha512}` : `sha256:${sha256}`,
    time: statement.time,
    signer: statement.signer,
  };
}

/** True when the newest clearance under the policy in force passed. Others, older or newer, count for nothing. */
export function isCleared(evidence: Evidence, policyDigest: string): boolean {
  return evidence.clearances.find((clearance) => clearance.policyDigest === policyDigest)?.result === "PASSED";
}
