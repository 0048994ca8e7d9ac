// The registry: OCI distribution 1.1 on node:http.
export { registryErrors } from "./errors.ts";
export { createRegistry, type Registry, type RegistryOptions } from "./registry.ts";
export { type RegistryLimits } from "./exchange.ts";
