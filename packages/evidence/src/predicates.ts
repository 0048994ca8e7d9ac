// The predicate types that evidence is made of.

/** A signature on the artifact itself; any other predicate is a statement about it and no signature. */
export const SIGNATURE_PREDICATE = "https://sigstore.dev/cosign/sign/v1";
export const CYCLONEDX_PREDICATE = "https://cyclonedx.org/bom";
export const PROVENANCE_PREDICATE = "https://slsa.dev/provenance/v1";
/** BuildKit still writes this one; it is read, never written. */
export const PROVENANCE_V02_PREDICATE = "https://slsa.dev/provenance/v0.2";
export const VSA_PREDICATE = "https://slsa.dev/verification_summary/v1";
