// Which identities are believed: an issuer and a subject, and the name that policies see.
import { evidenceErrors } from "../errors.ts";
import { matchesPattern } from "../requirements/pattern.ts";

export interface TrustedIdentity {
  /** The name policies see as signer, e.g. `release-ci`. */
  readonly name: string;
  /** The OIDC issuer, exactly. */
  readonly issuer: string;
  /** The certificate's subject, exactly; or `subjectPattern`, one of the two. */
  readonly subject?: string | undefined;
  /** `*` stands for anything within a segment, `**` for anything at all. */
  readonly subjectPattern?: string | undefined;
  /** The trusted roots by which it must be certified; without it any of those configured. */
  readonly roots?: readonly string[] | undefined;
  readonly clears?: boolean | undefined;
  readonly slsaLevel?: number | undefined;
}

/** Whom a certificate names, as verified. */
export interface SignerIdentity {
  readonly issuer: string;
  readonly subject: string;
  /** The root that vouches for it. */
  readonly root: string;
}

/** Attackers choose subjects: past this length they are no match for any pattern. */
const SUBJECT_LIMIT = 2048;
const PATTERN_LIMIT = 1024;
const STAR_LIMIT = 16;

/** The first that matches; else how near it came. */
export type IdentityMatch = TrustedIdentity | "wrong-issuer" | "wrong-identity";

export function matchIdentity(identities: readonly TrustedIdentity[], signer: SignerIdentity): IdentityMatch {
  const ofIssuer = identities.filter(
    ({ issuer, roots }) => issuer === signer.issuer && (roots === undefined || roots.includes(signer.root)),
  );
  if (ofIssuer.length === 0) return "wrong-issuer";
  return ofIssuer.find((identity) => isSubject(identity, signer.subject)) ?? "wrong-identity";
}

function isSubject({ subject, subjectPattern }: TrustedIdentity, actual: string): boolean {
  if (subject !== undefined) return subject === actual;
  return subjectPattern !== undefined && actual.length <= SUBJECT_LIMIT && matchesPattern(actual, subjectPattern);
}

/** @throws `trust.invalid-identity` */
export function checkIdentity({ name, subject, subjectPattern }: TrustedIdentity): void {
  const invalid = (reason: string): Error => evidenceErrors("trust.invalid-identity", { name, reason });
  if ((subject === undefined) === (subjectPattern === undefined)) {
    throw invalid("it needs a subject or a subject pattern, and not both");
  }
  if (subjectPattern === undefined) return;
  if (subjectPattern.length > PATTERN_LIMIT) throw invalid("its pattern is too long");
  if ((subjectPattern.match(/\*+/g) ?? []).length > STAR_LIMIT) throw invalid("its pattern has too many stars");
  if (/^\*+$/.test(subjectPattern)) throw invalid("its pattern matches everybody at this issuer");
}
