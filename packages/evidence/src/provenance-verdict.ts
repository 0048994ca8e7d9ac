// How far provenance is believed: by who signed it, for which build platform, and what it was built from.
import type { Signer } from "@pratique/contracts";
import { PROVENANCE_PREDICATE, PROVENANCE_V02_PREDICATE } from "./predicates.ts";
import { buildersOf, unmetBy, type TrustedBuilder } from "./provenance-builders.ts";
import { readProvenance, type ProvenanceFacts } from "./provenance-facts.ts";
import type { VerifiedStatement } from "./verify.ts";

export interface ProvenanceVerdict {
  readonly facts: ProvenanceFacts;
  readonly signer: Signer;
  /** The SLSA build level that counts; 0 when something is unmet. */
  readonly slsaLevel: number;
  /** The name under which the trust configuration knows the build platform. */
  readonly builderName?: string | undefined;
  /** Why it does not count, a sentence each; empty when it does. */
  readonly unmet: readonly string[];
  /** Why it is this level and not another, one sentence. */
  readonly reason: string;
}

type Judged = Pick<VerifiedStatement, "predicateType" | "predicate" | "signer" | "trust">;

/**
 * Judges one statement; undefined when it is no provenance that can be read. A build platform that `builders` names
 * speaks only through its own signers, whatever else these or others may sign.
 */
export function judgeProvenance(
  { predicateType, predicate, signer, trust }: Judged,
  builders: readonly TrustedBuilder[],
): ProvenanceVerdict | undefined {
  const facts = readProvenance(predicateType, predicate);
  if (facts === undefined) return undefined;
  const known = buildersOf(builders, facts.builder);
  if (known.length === 0) {
    const { slsaLevel } = trust;
    const reason = `trust.builders names no such build platform, and the word of ${signer.name} counts up to level ${slsaLevel}`;
    return { facts, signer, slsaLevel, unmet: [], reason };
  }
  const own = known.filter(({ signers }) => signers.includes(signer.name));
  if (own.length === 0) {
    const others = [...new Set(known.flatMap(({ signers }) => signers))].join(", ");
    const unmet = [`${signer.name} signed it, and for this build platform only ${others} may`];
    return { facts, signer, slsaLevel: 0, unmet, reason: unmet.join("; ") };
  }
  const verdicts = own.map((builder) => ({ builder, unmet: unmetBy(builder, facts) }));
  const met = verdicts.filter(({ unmet }) => unmet.length === 0);
  const [best] = met.toSorted((a, b) => b.builder.slsaLevel - a.builder.slsaLevel);
  if (best !== undefined) {
    const { name, slsaLevel } = best.builder;
    const reason = `trust.builders trusts ${name} up to level ${slsaLevel}`;
    return { facts, signer, slsaLevel, builderName: name, unmet: [], reason };
  }
  const unmet = [...new Set(verdicts.flatMap((one) => one.unmet))];
  return { facts, signer, slsaLevel: 0, builderName: own[0]?.name, unmet, reason: unmet.join("; ") };
}

/** All provenance among statements, what counts most first; equals stay in their order, newest first. */
export function provenanceVerdicts(
  statements: readonly VerifiedStatement[],
  builders: readonly TrustedBuilder[],
): ProvenanceVerdict[] {
  return statements
    .filter(({ predicateType }) => predicateType === PROVENANCE_PREDICATE || predicateType === PROVENANCE_V02_PREDICATE)
    .flatMap((statement) => judgeProvenance(statement, builders) ?? [])
    .toSorted((a, b) => Number(a.unmet.length > 0) - Number(b.unmet.length > 0) || b.slsaLevel - a.slsaLevel);
}
