// A Sigstore of our own: certificate authority, transparency log, timestamp authority.
export { serveSigstore, type EndpointCaller } from "./endpoints.ts";
export { sigstoreErrors } from "./errors.ts";
export type { SubjectKind } from "./identity-claims.ts";
export { KeySet } from "./issuer-keys.ts";
export { Sigstore, type SigstoreOptions } from "./sigstore.ts";
export { fileKeys, type SigstoreKey, type SigstoreKeys } from "./sigstore-keys.ts";
export type { OidcIssuer } from "./token-verifier.ts";
export type { TrustDocument } from "./trust-documents.ts";
