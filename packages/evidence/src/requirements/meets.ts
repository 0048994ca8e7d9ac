// Whether what was verified is what is required. Pure: statements in, reasons out.
import type { VerifiedStatement } from "../verify.ts";
import { matchesPattern } from "./pattern.ts";
import { predicateTypesOf, type Requirement, type SignerPattern, type StatementRequirement } from "./requirement.ts";

/** One requirement that is not met. */
export interface Unmet {
  /** `no-statement`: nothing of this type verifies. `other-signer`: it is there, by others. `threshold`: by too few. */
  readonly code: "no-statement" | "other-signer" | "threshold";
  readonly type: string;
  /** How many different signers were asked for, and how many there are. */
  readonly wanted: number;
  readonly found: number;
  /** For a person, one sentence. */
  readonly reason: string;
}

export interface Met {
  readonly met: boolean;
  readonly missing: readonly Unmet[];
}

type Statement = Pick<VerifiedStatement, "predicateType" | "signer">;

/**
 * Every statement requirement must be met by itself. A statement counts for its own predicate type only: a signed SBOM
 * is no signature on the artifact. Signers are told apart by key, or by the pattern that trusts them, so one who signs twice counts once.
 */
export function meets(
  verification: { readonly verified: readonly Statement[] },
  requirements: readonly StatementRequirement[],
): Met {
  const missing = requirements.flatMap((requirement) => unmet(verification.verified, requirement) ?? []);
  return { met: missing.length === 0, missing };
}

/** What is required of a repository: every requirement whose patterns fit it. */
export function requirementsFor(requirements: readonly Requirement[], repository: string): StatementRequirement[] {
  return requirements
    .filter(({ repositories }) => repositories.some((pattern) => matchesPattern(repository, pattern)))
    .flatMap(({ statements }) => statements);
}

/** The sentences for evidence: what a repository's requirements miss in these statements. */
export function unmetOf(
  requirements: readonly Requirement[],
  repository: string,
  verified: readonly Statement[],
): string[] {
  return meets({ verified }, requirementsFor(requirements, repository)).missing.map(({ reason }) => reason);
}

function unmet(verified: readonly Statement[], requirement: StatementRequirement): Unmet | undefined {
  const { type, by, threshold: wanted = 1 } = requirement;
  const types = predicateTypesOf(type);
  const ofType = verified.filter(({ predicateType }) => types.includes(predicateType));
  const counted = ofType.filter(({ signer }) => by === undefined || by.some((pattern) => isBy(signer, pattern)));
  const found = partiesOf(
    counted.map(({ signer }) => signer),
    by,
  );
  if (found >= wanted) return undefined;
  const what = type === "signature" ? "signature" : `${type} statement`;
  const whom = by === undefined ? "a trusted signer" : by.map(nameOf).join(" or ");
  const names = [...new Set(ofType.map(({ signer }) => signer.name))].sort().join(", ");
  if (ofType.length === 0) {
    return { code: "no-statement", type, wanted, found, reason: `no ${what} by ${whom} verifies` };
  }
  if (found === 0) {
    return { code: "other-signer", type, wanted, found, reason: `the ${what} is by ${names}, not by ${whom}` };
  }
  return { code: "threshold", type, wanted, found, reason: `${found} of ${wanted} ${what}s by ${whom}` };
}

/**
 * How many parties these signers are. One that is trusted by a pattern is one party, whichever of its subjects signs: a
 * workflow on two branches is no second opinion. Keys are told apart by themselves.
 */
function partiesOf(signers: readonly VerifiedStatement["signer"][], by: readonly SignerPattern[] | undefined): number {
  if (by === undefined) return new Set(signers.map(({ name }) => name)).size;
  const different = [...new Map(signers.map((signer) => [signer.id, signer])).values()];
  // Each signer stands for one pattern and each pattern for one signer: as many pairs as there can be.
  const taken = new Map<SignerPattern, VerifiedStatement["signer"]>();
  const place = (signer: VerifiedStatement["signer"], seen: Set<SignerPattern>): boolean =>
    by.some((pattern) => {
      if (seen.has(pattern) || !isBy(signer, pattern)) return false;
      seen.add(pattern);
      const other = taken.get(pattern);
      if (other !== undefined && !place(other, seen)) return false;
      taken.set(pattern, signer);
      return true;
    });
  return different.filter((signer) => place(signer, new Set())).length;
}

function isBy(signer: VerifiedStatement["signer"], pattern: SignerPattern): boolean {
  if ("key" in pattern) return signer.issuer === undefined && signer.name === pattern.key;
  if ("keyId" in pattern) return signer.issuer === undefined && signer.id === pattern.keyId;
  return (
    signer.issuer === pattern.issuer && signer.subject !== undefined && matchesPattern(signer.subject, pattern.subject)
  );
}

function nameOf(pattern: SignerPattern): string {
  if ("keyId" in pattern) return `key ${pattern.keyId}`;
  return "key" in pattern ? `key ${pattern.key}` : `${pattern.subject} (${pattern.issuer})`;
}
