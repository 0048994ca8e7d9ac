// Which paths are the gateway's, and what is behind each.
import { gatewayErrors } from "../errors.ts";
import type { RequestFacts } from "./front.ts";
import { MESSAGES_PATH } from "./legacy/legacy-sse.ts";
import { METADATA_PATH } from "./metadata.ts";

export type McpEndpoint = Pick<RequestFacts, "endpoint" | "profile">;

/** Undefined: the path is not the gateway's. @throws `gateway.bad-request` for a profile that is no percent-encoding */
export function mcpEndpoint(path: string): McpEndpoint | undefined {
  if (path === "/mcp") return MCP;
  if (path.startsWith("/mcp/")) return { endpoint: "mcp", profile: decoded(path.slice("/mcp/".length)) };
  if (path === "/sse") return { endpoint: "sse" };
  if (path.startsWith("/sse/")) return { endpoint: "sse", profile: decoded(path.slice("/sse/".length)) };
  if (path === MESSAGES_PATH) return { endpoint: "messages" };
  const resource = path.startsWith(METADATA_PATH) ? path.slice(METADATA_PATH.length) : undefined;
  const isOurs = resource !== undefined && /^(?:\/(?:mcp|sse)(?:\/.*)?)?$/.test(resource);
  return isOurs ? { endpoint: "metadata" } : undefined;
}

const MCP: McpEndpoint = { endpoint: "mcp" };

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw gatewayErrors("gateway.bad-request", { reason: "the path is no valid percent-encoding" });
  }
}
