// What must be signed about an artifact, by whom, and by how many: configuration as data.
import { OPENVEX_PREDICATES, SIGNATURE_PREDICATE } from "../predicates.ts";

/** Someone who may sign: a trusted key by name or by id, or an identity by its issuer and a pattern of its subject. */
export type SignerPattern =
  | { readonly key: string }
  | { readonly keyId: string }
  | { readonly issuer: string; readonly subject: string };

/** One kind of statement that must be there. */
export interface StatementRequirement {
  /** A predicate type, or its short name. */
  readonly type: string;
  /** Whose statements count; any trusted signer's without it. */
  readonly by?: readonly SignerPattern[] | undefined;
  /** How many different signers; default 1. */
  readonly threshold?: number | undefined;
}

export interface Requirement {
  /** Patterns of repository names: `team/*` is one level, `team/**` all below. */
  readonly repositories: readonly string[];
  readonly statements: readonly StatementRequirement[];
}

/** Short names of predicate types, as `cosign attest --type` has them. */
const PREDICATE_TYPES: Readonly<Record<string, readonly string[]>> = {
  signature: [SIGNATURE_PREDICATE],
  cyclonedx: ["https://cyclonedx.org/bom"],
  link: ["https://in-toto.io/Link/v1"],
  openvex: OPENVEX_PREDICATES,
  slsaprovenance: ["https://slsa.dev/provenance/v0.2"],
  slsaprovenance02: ["https://slsa.dev/provenance/v0.2"],
  slsaprovenance1: ["https://slsa.dev/provenance/v1"],
  spdx: ["https://spdx.dev/Document"],
  spdxjson: ["https://spdx.dev/Document"],
  vsa: ["https://slsa.dev/verification_summary/v1"],
  vuln: ["https://cosign.sigstore.dev/attestation/vuln/v1"],
};

/** The predicate types that a name stands for; a full one stands for itself. */
export function predicateTypesOf(name: string): readonly string[] {
  return Object.hasOwn(PREDICATE_TYPES, name) ? (PREDICATE_TYPES[name] ?? []) : [name];
}

/** True for a short name that is known, or a URI. */
export function isPredicateType(name: string): boolean {
  return Object.hasOwn(PREDICATE_TYPES, name) || URL.canParse(name);
}
