// What the gateway says of itself as a protected resource (RFC 9728), and how a 401 points there.
import type { IncomingMessage, ServerResponse } from "node:http";
import { sendJson } from "./http-answer.ts";

/** RFC 9728 §3: the path of the resource follows it. */
export const METADATA_PATH = "/.well-known/oauth-protected-resource";

export function sendMetadata(req: IncomingMessage, res: ServerResponse, authorizationServers: readonly string[]): void {
  const path = (req.url ?? "").split("?")[0]!.slice(METADATA_PATH.length);
  sendJson(res, 200, {
    resource: `${originOf(req)}${path === "" ? "/mcp" : path}`,
    resource_name: "Pratique MCP gateway",
    bearer_methods_supported: ["header"],
    ...(authorizationServers.length === 0 ? {} : { authorization_servers: authorizationServers }),
  });
}

/** The challenge of a 401 (RFC 9728 §5.1). Host was checked before: it is one of ours. */
export function challenge(req: IncomingMessage): string {
  const path = (req.url ?? "/mcp").split("?")[0]!;
  const resource = /^\/mcp(?:\/[A-Za-z0-9._~%!$&'()*+,;=:@-]*)?$/.test(path) ? path : "/mcp";
  return `Bearer realm="pratique", resource_metadata="${originOf(req)}${METADATA_PATH}${resource}"`;
}

function originOf(req: IncomingMessage): string {
  const isEncrypted = "encrypted" in req.socket && req.socket.encrypted === true;
  return `${isEncrypted ? "https" : "http"}://${req.headers.host ?? "localhost"}`;
}
