// The predicate types that evidence is made of.

/** A signature on the artifact itself; any other predicate is a statement about it and no signature. */
export const SIGNATURE_PREDICATE = "https://sigstore.dev/cosign/sign/v1";
export const CYCLONEDX_PREDICATE = "https://cyclonedx.org/bom";
export const PROVENANCE_PREDICATE = "https://slsa.dev/provenance/v1";
/** BuildKit still writes this one; it is read, never written. */
export const PROVENANCE_V02_PREDICATE = "https://slsa.dev/provenance/v0.2";
export const VSA_PREDICATE = "https://slsa.dev/verification_summary/v1";
/** OpenVEX 0.0.1 and 0.2.0 write their context as the type; cosign attest writes the first. */
export const OPENVEX_PREDICATES: readonly string[] = [
  "https://openvex.dev/ns",
  "https://openvex.dev/ns/v0.0.1",
  "https://openvex.dev/ns/v0.2.0",
];
/** Ours: `{ time, waivers }`, all that one signer waives for one subject. */
export const WAIVER_PREDICATE = "https://pratique.dev/waiver/v1";
