// Identity: who acts, and how they prove it.
export { identityErrors } from "./errors.ts";
export { openIdentity, type Identity } from "./identity.ts";
export { OWNER_GROUP, type WorkloadRequest } from "./workloads.ts";
