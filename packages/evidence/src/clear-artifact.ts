// To clear: verify, decide and sign.
import type { Decision, Evidence, Kind, Principal } from "@pratique/contracts";
import type { Clock, JsonObject } from "@pratique/core";
import type { Guard, Outcome } from "@pratique/guard";
import type { Descriptor, Repository } from "@pratique/oci";
import { artifactResource } from "./artifact-resource.ts";
import { attest } from "./attest.ts";
import { clearanceOf } from "./clearance.ts";
import type { EvidenceCache } from "./evidence-cache.ts";
import { readEvidence } from "./evidence-of.ts";
import { VSA_PREDICATE } from "./predicates.ts";
import type { SigningKey } from "./signing/signing-key.ts";
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
  let attached: Descriptor | undefined;
  const attach = async (decision: Decision, note: (details: JsonObject) => void): Promise<Descriptor> => {
    const predicate = clearanceOf({
      reference,
      policyDigest: decision.policyDigest,
      time: clock.now(),
      slsaLevel: evidence.provenance?.slsaLevel ?? 0,
      inputs: bundles,
    });
    attached = await attest(repo, subject, { predicateType: VSA_PREDICATE, predicate }, key, clock);
    note({ clearance: attached.digest });
    return attached;
  };
  let outcome: Outcome<Descriptor>;
  try {
    outcome = await guard.perform({ principal, action: "artifact:clear", resource }, attach);
  } catch (error) {
    // Its record could not be written: nothing is cleared that no record tells of.
    if (attached !== undefined) await repo.deleteManifest(attached.digest);
    throw error;
  }
  if (!outcome.allowed) return { cleared: false, decision: outcome.decision, evidence };
  return { cleared: true, clearance: outcome.value, evidence, decision: outcome.decision };
}
