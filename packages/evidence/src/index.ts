// Evidence: what is verifiably known of an artifact, and how it comes to be.
export { artifactResource, type ArtifactResourceOptions } from "./artifact-resource.ts";
export { ArtifactResources, type ArtifactResourcesOptions } from "./artifact-resources.ts";
export { attest, signArtifact } from "./attest.ts";
export { clearArtifact, type ClearOptions, type ClearOutcome } from "./clear-artifact.ts";
export { isCleared, VERIFIER } from "./clearance.ts";
export { evidenceErrors } from "./errors.ts";
export { EvidenceCache } from "./evidence-cache.ts";
export { UNSAFE_FORMAT_PROPERTY } from "./read-sbom.ts";
export { evidenceOf } from "./evidence-of.ts";
export {
  CYCLONEDX_PREDICATE,
  PROVENANCE_PREDICATE,
  PROVENANCE_V02_PREDICATE,
  SIGNATURE_PREDICATE,
  VSA_PREDICATE,
} from "./predicates.ts";
export { provenanceOf, type Material, type ProvenanceParts } from "./provenance.ts";
export { type Rejection, type RejectionReason } from "./rejection.ts";
export { sbomOf, type SbomComponent, type SbomParts } from "./sbom.ts";
export { openSigningKey } from "./signing-key.ts";
export { type SigningKey } from "./signing/signing-key.ts";
export { OWNER, type Trust, type TrustedKey } from "./trust.ts";
export {
  type VulnerabilityAnswer,
  type VulnerabilityOpinion,
  type VulnerabilityQuestion,
} from "./vulnerability-opinion.ts";
export { verifyArtifact, type Verification, type VerifiedStatement } from "./verify.ts";
