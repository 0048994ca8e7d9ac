// The MCP gateway: servers behind one endpoint, every list and call through guard.
export { gatewayErrors } from "./errors.ts";
export { createGateway, type Gateway, type GatewayOptions } from "./gateway.ts";
export { mcpEndpoint } from "./front/endpoints.ts";
export type { RequestFacts } from "./front/front.ts";
export type { Telemetry } from "./router/spans.ts";
export type { Quotas } from "./router/rates.ts";
export type {
  ServerDefinition,
  ServerState,
  ServerStatus,
  ServerTransport,
  StdioPeer,
  ToolVerdict,
  UpstreamAuth,
} from "./server-definition.ts";
export { DECISION_META } from "./router/passable.ts";
export { openUpstream } from "./upstream/open-upstream.ts";
export type { Exchange, InputRequest } from "./exchange/exchange.ts";
export { McpError } from "./exchange/mcp-error.ts";
export type { UpstreamEvent, UpstreamPort } from "./exchange/upstream-port.ts";
export { Credentials, type BegunLogin } from "./credentials/credentials.ts";
export { credentialErrors } from "./credentials/errors.ts";
export type { CredentialParts, HeaderSecret, OAuthSettings, RemoteServer } from "./credentials/remote-server.ts";
export type { OwnTools } from "./exchange/ports.ts";
export { createOwnTools, type OwnToolsOptions } from "./own-tools.ts";
export { SecretGuard, type HeldSecrets } from "./shield/secret-guard.ts";
export { readPin, type Pin } from "./shield/pin.ts";
export { ServerDrift, type DriftEvent } from "./shield/server-drift.ts";
export { openInterceptors } from "./shield/interceptors/open-interceptors.ts";
