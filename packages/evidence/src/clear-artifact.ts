// To clear: verify, decide and sign.
import type { Decision, Evidence, Kind, Principal } from "@pratique/contracts";
import type { Clock } from "@pratique/core";
import type { Guard } from "@pratique/guard";
import type { Descriptor, Repository } from "@pratique/oci";
import { artifactResource } from "./artifact-resource.ts";
import { attest } from "./attest.ts";
import { clearanceOf } from "./clearance.ts";
import type { EvidenceCache } from "./evidence-cache.ts";
import { readEvidence } from "./evidence-of.ts";
import { VSA_PREDICATE } from "./predicates.ts";
import type { SigningKey } from "./signing-key.ts";
import type { Trust } from "./trust.ts";

export interface ClearOptions {
  readonly repo: Repository;
  readonly subject: Descriptor;
  readonly kind: Kind;
  readonly reference: string;
  /** The registry's host. */
  readonly registry: string;
  readonly principal: Principal | undefined;
  readonly guard: Pick<Guard, "perform">;
  readonly policyDigest: string;
  readonly key: SigningKey;
  readonly trust: Trust;
  readonly clock: Clock;
  readonly cache?: EvidenceCache;
}

export type ClearOutcome =
  | { readonly cleared: true; readonly clearance: Descriptor; readonly evidence: Evidence; readonly decision: Decision }
  | { readonly cleared: false; readonly decision: Decision; readonly evidence: Evidence };

/** Decides over an artifact's evidence and, when policy allows, attaches a signed clearance under the policy that did. */
export async function clearArtifact(options: ClearOptions): Promise<ClearOutcome> {
  const { repo, subject, kind, reference, registry, principal, guard, policyDigest, key, trust, clock, cache } =
    options;
  const { evidence, bundles } = await readEvidence(repo, subject, kind, trust, cache);
  const resource = artifactResource(evidence, { reference, policyDigest, now: clock.now(), registry });
  const outcome = await guard.perform({ principal, action: "artifact:clear", resource }, async (decision, note) => {
    const predicate = clearanceOf({
      reference,
      policyDigest: decision.policyDigest,
      time: clock.now(),
      slsaLevel: evidence.provenance?.slsaLevel ?? 0,
      inputs: bundles,
    });
    const clearance = await attest(repo, subject, { predicateType: VSA_PREDICATE, predicate }, key, clock);
    note({ clearance: clearance.digest });
    return clearance;
  });
  if (!outcome.allowed) return { cleared: false, decision: outcome.decision, evidence };
  return { cleared: true, clearance: outcome.value, evidence, decision: outcome.decision };
}
