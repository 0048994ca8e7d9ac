// To clear: verify, decide and sign.
import type { Decision, Evidence, Finding, Kind, Principal } from "@pratique/contracts";
import type { JsonObject } from "@pratique/core";
import type { Guard, GuardResource, Outcome } from "@pratique/guard";
import type { Descriptor, Repository } from "@pratique/oci";
import type { ActIntents } from "./act-intents.ts";
import { artifactResource } from "./artifact-resource.ts";
import { attestBeside, type Beside } from "./attest.ts";
import { clearanceOf, lastVerdict } from "./clearance.ts";
import type { EvidenceCache } from "./evidence-cache.ts";
import { readEvidence, stampOf, type EvidenceGround, type EvidenceReading } from "./evidence-of.ts";
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
  readonly guard: Pick<Guard, "perform" | "decide">;
  readonly policyDigest: string;
  readonly key: SigningKey;
  readonly trust: Trust;
  readonly ground: EvidenceGround;
  readonly cache?: EvidenceCache;
  readonly intents?: ActIntents;
  /** Why it is decided anew, where nobody asked. */
  readonly because?: string;
  /** Signs refusals too. Only those that the owner would get as well: who may not clear takes no clearance away. */
  readonly signRefusalsAs?: Principal;
}

interface Decided {
  readonly decision: Decision;
  readonly evidence: Evidence;
  /** The findings that count most. */
  readonly notable: readonly Finding[];
  /** Id of the record. */
  readonly record: string;
}

export type ClearOutcome =
  | (Decided & { readonly cleared: true; readonly clearance: Descriptor })
  /** `refusal` is the signed verdict, where refusals are signed. */
  | (Decided & { readonly cleared: false; readonly refusal?: Descriptor });

/** Decides over an artifact's evidence and, when policy allows, attaches a signed clearance under the policy that did. */
export async function clearArtifact(options: ClearOptions): Promise<ClearOutcome> {
  const { repo, subject, kind, reference, registry, principal, guard, trust, ground, cache, because, intents } =
    options;
  const { policyDigest } = options;
  const stamp = stampOf(ground);
  const reading = await readEvidence(repo, subject, kind, trust, cache, ground);
  const { evidence, notable, until } = reading;
  const resource: GuardResource = {
    ...artifactResource(evidence, { reference, policyDigest, registry, now: ground.clock.now(), cleared: false }),
    isCurrent: () => stampOf(ground) === stamp && ground.clock.now().getTime() < until,
  };
  let verdict: Beside | undefined;
  let intent: string | undefined;
  const attach = async (decision: Decision, note: (details: JsonObject) => void): Promise<Descriptor> => {
    if (principal !== undefined) {
      const { name: repository } = repo;
      const begun = { action: "artifact:clear", principal, repository, digest: subject.digest, reference } as const;
      intent = await intents?.begin({ ...begun, predicateType: VSA_PREDICATE });
    }
    verdict = await attachVerdict(options, reading, decision);
    note({ clearance: verdict.attached.digest });
    return verdict.attached;
  };
  const details = because === undefined ? {} : { details: { because } };
  let outcome: Outcome<Descriptor>;
  try {
    outcome = await guard.perform({ principal, action: "artifact:clear", resource, ...details }, attach);
  } catch (error) {
    // Its record could not be written: nothing is cleared that no record tells of, and what stood before stands.
    if (verdict !== undefined) await repo.deleteManifest(verdict.attached.digest);
    if (intent !== undefined) await intents?.end(intent);
    throw error;
  }
  await verdict?.supersede();
  if (intent !== undefined) await intents?.end(intent);
  const decided: Decided = { decision: outcome.decision, evidence, notable, record: outcome.record.id };
  if (outcome.allowed) return { ...decided, cleared: true, clearance: outcome.value };
  if (!wouldRefuse(options, resource, outcome.decision)) return { ...decided, cleared: false };
  const refusal = await attachVerdict(options, reading, outcome.decision);
  await refusal.supersede();
  return { ...decided, cleared: false, refusal: refusal.attached };
}

/** A verdict on the artifact, and not on who asked, or on the want of an approval. */
function wouldRefuse({ signRefusalsAs, guard }: ClearOptions, resource: GuardResource, decision: Decision): boolean {
  if (signRefusalsAs === undefined || decision.needsApproval) return false;
  const same = guard.decide({ principal: signRefusalsAs, action: "artifact:clear", resource });
  return !same.allow && !same.needsApproval && same.policies.some(({ effect }) => effect === "forbid");
}

async function attachVerdict(options: ClearOptions, reading: EvidenceReading, decision: Decision): Promise<Beside> {
  const { repo, subject, reference, key, ground, policyDigest } = options;
  const { evidence, bundles } = reading;
  const verdict = lastVerdict(evidence, policyDigest);
  const predicate = clearanceOf({
    reference,
    policyDigest: decision.policyDigest,
    time: ground.clock.now(),
    slsaLevel: evidence.provenance?.slsaLevel ?? 0,
    inputs: bundles,
    vulnerabilities: evidence.vulnerabilities,
    waivers: evidence.waivers ?? [],
    ...(decision.allow
      ? {}
      : {
          refused: {
            policies: decision.policies,
            reason: decision.reason,
            wasCleared: verdict?.result === "PASSED" || verdict?.wasCleared === true,
          },
        }),
  });
  return attestBeside(repo, subject, { predicateType: VSA_PREDICATE, predicate }, key, ground.clock);
}
