// The registry: OCI distribution 1.1 on node:http.
export { registryErrors } from "./errors.ts";
export { createRegistry, type Registry, type RegistryOptions } from "./registry.ts";
export { type RegistryLimits } from "./exchange.ts";
export { Housekeeping, type HousekeepingOptions } from "./housekeeping.ts";
export { historyOf, rollbackTarget } from "./history/tag-history.ts";
export { shortType } from "./events/cloud-event.ts";
export { applyRetention, type RetentionOptions } from "./retention/apply-retention.ts";
export { openPullThrough, type PullThrough, type PullThroughOptions } from "./proxy/pull-through.ts";
export type { EvidenceSource } from "./proxy/upstream-evidence.ts";
export type { ImageType, UpstreamOptions, UpstreamState } from "./proxy/upstream.ts";
export { TOKEN_PATH } from "./token/challenge.ts";
export { RegistryTokens, type Bearer } from "./token/registry-tokens.ts";
export { createTokenEndpoint, type TokenEndpoint } from "./token/token-endpoint.ts";
export { openTokenKey } from "./token/token-key.ts";
