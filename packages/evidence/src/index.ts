// Evidence: what is verifiably known of an artifact, and how it comes to be.
export { artifactResource, type ArtifactResourceOptions } from "./artifact-resource.ts";
export {
  ArtifactResources,
  type ArtifactResourcesOptions,
  type ClearanceKeeper,
  type NamedArtifact,
} from "./artifact-resources.ts";
export { type ActIntent, type ActIntents } from "./act-intents.ts";
export { type ChangedGround, type ClearanceState } from "./clearance-state.ts";
export { countsOf } from "./count-findings.ts";
export { type SignedWaiver, type WaiverBook } from "./waivers/waiver-book.ts";
export { openWaiverBundle, readWaivers, waiverBundle, waiverPredicate } from "./waivers/waiver-statement.ts";
export { attest, signArtifact, type StatementSigner } from "./attest.ts";
export { keylessErrors } from "./keyless/errors.ts";
export { openKeylessSigner, type KeylessOptions, type KeylessSigner } from "./keyless/keyless-signer.ts";
export { PUBLIC_GOOD_ROOT, PUBLIC_GOOD_SIGNING_CONFIG } from "./keyless/public-good.ts";
export { readTrustRoot, type TrustRoot } from "./keyless/trust-root.ts";
export { checkIdentity, type TrustedIdentity } from "./keyless/trusted-identity.ts";
export { clearArtifact, type ClearOptions, type ClearOutcome } from "./clear-artifact.ts";
export { isCleared, VERIFIER } from "./clearance.ts";
export { evidenceErrors } from "./errors.ts";
export { EvidenceCache } from "./evidence-cache.ts";
export { evidenceOf, type EvidenceGround } from "./evidence-of.ts";
export {
  CYCLONEDX_PREDICATE,
  OPENVEX_PREDICATES,
  PROVENANCE_PREDICATE,
  PROVENANCE_V02_PREDICATE,
  SIGNATURE_PREDICATE,
  VSA_PREDICATE,
  WAIVER_PREDICATE,
} from "./predicates.ts";
export { fitsSource, fitsUri, type TrustedBuilder } from "./provenance-builders.ts";
export { provenanceVerdicts, type ProvenanceVerdict } from "./provenance-verdict.ts";
export { provenanceOf, type Material, type ProvenanceParts } from "./provenance.ts";
export { type Rejection, type RejectionReason } from "./rejection.ts";
export { openSigningKey } from "./signing-key.ts";
export { keyIdOfPem, type SigningKey } from "./signing/signing-key.ts";
export { OWNER, type Trust, type TrustedKey } from "./trust.ts";
export {
  type VulnerabilityAnswer,
  type VulnerabilityOpinion,
  type VulnerabilityQuestion,
} from "./vulnerability-opinion.ts";
export { verifyArtifact, type Verification, type VerifiedStatement } from "./verify.ts";
export { signLegacy, type LegacySignature } from "./cosign-legacy/sign-legacy.ts";
export { compareOmsFiles, isSame, type FileDifferences } from "./oms/compare-files.ts";
export { omsErrors } from "./oms/errors.ts";
export { hashDirectory, hashOptionsOf } from "./oms/hash-directory.ts";
export { OMS_BUNDLE_LIMIT_BYTES, verifyOmsBundle, type OmsTrust, type OmsVerification } from "./oms/oms-bundle.ts";
export { attachOms, OMS_FILE, readOmsReferrers } from "./oms/oms-referrer.ts";
export { OMS_IGNORED, type OmsStatement } from "./oms/oms-statement.ts";
export { signModel, type SignedModel } from "./oms/sign-model.ts";
export { meets, requirementsFor, unmetOf, type Met, type Unmet } from "./requirements/meets.ts";
export {
  isPredicateType,
  type Requirement,
  type SignerPattern,
  type StatementRequirement,
} from "./requirements/requirement.ts";
export { signingErrors } from "./signing/errors.ts";
export { fileKeys } from "./signing/key-files.ts";
export type { KeyProvider } from "./signing/key-provider.ts";
export { parseKeyUri } from "./signing/key-uri.ts";
export { verifySignature } from "./signing/verify-signature.ts";
export { openKeyRing, OWNER_KEY, type KeyEntry, type KeyRing } from "./signing/key-ring.ts";
export { tokenKeys, type RunTokenTool } from "./signing/pkcs11/token-keys.ts";
export { transitKeys, type VaultOptions } from "./signing/vault/transit-keys.ts";
