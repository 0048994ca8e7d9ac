// The MCP gateway: servers behind one endpoint, every list and call through guard.
export { gatewayErrors } from "./errors.ts";
export { createGateway, type Gateway, type GatewayOptions, type RequestFacts } from "./gateway.ts";
export type {
  ServerDefinition,
  ServerState,
  ServerStatus,
  ServerTransport,
  StdioPeer,
  ToolVerdict,
} from "./server-definition.ts";
export { DECISION_META } from "./catalog/clean-result.ts";
