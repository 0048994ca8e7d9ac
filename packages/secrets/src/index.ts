// Secrets: an envelope-encrypted store, places of others that values come from, and the one way to use them.
export { secretErrors } from "./errors.ts";
export { KnownSecrets, type KnownSecret } from "./known-secrets.ts";
export { Leases } from "./leases.ts";
export { openSecrets, type OpenSecretsOptions } from "./open-secrets.ts";
export { Secret } from "./secret.ts";
export { checkSecretName, ownerOf, type SecretSource } from "./secret-source.ts";
export {
  SECRET_KIND,
  SecretStore,
  type KeepRequest,
  type OpenedSecret,
  type Rotation,
  type SecretEntry,
} from "./secret-store.ts";
export { SecretUse, type UseRequest } from "./secret-use.ts";
