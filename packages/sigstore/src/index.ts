// A Sigstore of our own: certificate authority, transparency log, timestamp authority.
export type { EndpointCaller } from "./endpoints.ts";
export { sigstoreErrors } from "./errors.ts";
export { KeySet } from "./key-set.ts";
export { openSigstore, type OpenedSigstore } from "./open-sigstore.ts";
export type { Sigstore, SigstoreOptions } from "./sigstore.ts";
export type { SigstoreKey, SigstoreKeys } from "./sigstore-keys.ts";
export type { OidcIssuer } from "./token-verifier.ts";
